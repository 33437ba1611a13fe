"""django-reversion keeps versions of a numbered row: a version gives no number, and a restored row has its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from ledger import void
from ledger.models import NumberIssued
from ledger.sweeps import run
from tests.shop.audited import Audited, Voucher
from tests.shop.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reversion() -> Iterator[Any]:
    """The package, installed and migrated for one test; the two models are registered."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "reversion"]):
        import reversion

        call_command("migrate", "reversion", verbosity=0)
        for model in (Audited, Voucher):
            reversion.register(model)
        try:
            yield reversion
        finally:
            for model in (Audited, Voucher):
                reversion.unregister(model)
            call_command("migrate", "reversion", "zero", verbosity=0)


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="Shop")


def versions(row: Any) -> list[Any]:
    from reversion.models import Version

    return list(Version.objects.get_for_object(row).order_by("pk"))


def test_every_version_keeps_the_number_and_none_is_given_for_it(reversion: Any, org: Organization) -> None:
    with reversion.create_revision():
        row = Audited.objects.create(org=org)
    with reversion.create_revision():
        row.note = "paid"
        row.save()
    first, second = versions(row)
    assert [each.field_dict["number"] for each in (first, second)] == [row.number] * 2
    first.revision.revert()
    row.refresh_from_db()
    assert (row.note, row.number) == ("", versions(row)[0].field_dict["number"])
    row.save()
    assert NumberIssued.objects.count() == 2, "the row's two numbers"


def test_a_row_that_sql_deleted_comes_back_with_its_number(reversion: Any, org: Organization) -> None:
    with reversion.create_revision():
        row = Audited.objects.create(org=org)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_audited")
    assert run("missing_documents").counts["raised"] == 2
    versions(row)[0].revision.revert()
    back = Audited.objects.get()
    assert (back.pk, back.number, back.receipt) == (row.pk, row.number, row.receipt)
    assert run("missing_documents").counts["resolved"] == 2
    back.save()
    assert NumberIssued.objects.count() == 2


def test_a_deleted_row_whose_number_is_void_comes_back_void(reversion: Any) -> None:
    with reversion.create_revision():
        row = Voucher.objects.create()
    void(NumberIssued.objects.get(), reason="a test")
    before = versions(row)
    row.delete()
    before[0].revision.revert()
    assert Voucher.objects.get().number == before[0].field_dict["number"]
    assert NumberIssued.objects.count() == 1
