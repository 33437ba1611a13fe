"""Changes of settings are events: what was, what is, and who."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from ledger import close_period, define_series, issue, open_period
from ledger.errors import InvalidTenant
from ledger.models import AccessChanged, Entry, Series, SeriesChanged, TenantAccess
from ledger.reports.report import continuity_report
from ledger.series import change_allocation
from tests.integration.reporting import rows

pytestmark = pytest.mark.django_db(transaction=True)


def history(series: Series) -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    return list(SeriesChanged.objects.filter(series=series).order_by("pk").values_list("old", "new", "actor"))


def test_a_series_tells_what_it_was() -> None:
    series = define_series("invoice", template="INV-{year}-{counter}", rules="FR", chronological=True, by="ada")
    define_series("invoice", rules="", chronological=False, by="eve")
    define_series("invoice", rules="FR", chronological=True, by="eve")
    define_series("invoice", rules="FR", by="eve")  # changes nothing, and so says nothing
    made, off, on = history(series)
    assert made[0] == {}
    assert (made[1]["rules"], made[1]["chronological"], made[2]) == ("FR", True, "ada")
    assert {"rules": "FR", "chronological": True}.items() <= off[0].items()
    assert {"rules": "", "chronological": False}.items() <= off[1].items()
    assert (off[2], on[2]) == ("eve", "eve")
    assert on[1].keys() == off[1].keys()


def test_also_one_changed_by_sql() -> None:
    series = define_series("invoice", template="INV-{year}-{counter}")
    Series.objects.filter(pk=series.pk).update(is_active=False)
    assert history(series)[-1] == ({"is_active": True}, {"is_active": False}, "")


def test_an_allocation_and_a_default_series() -> None:
    with transaction.atomic():
        issue("invoice")
    change_allocation("invoice", "at_commit", by="ada")
    series = Series.objects.get()
    assert [actor for _, _, actor in history(series)] == ["", "ada"]
    assert history(series)[1][1] == {"allocation": "at_commit"}


def test_access_given_and_taken() -> None:
    user = get_user_model().objects.create_user("auditor")
    with pytest.raises(InvalidTenant, match="has no series"):
        TenantAccess.grant(user, "shop-1")
    define_series("invoice", org="shop-1", template="A-{year}-{counter}")
    TenantAccess.grant(user, "shop-1").delete()
    events = AccessChanged.objects.order_by("pk").values_list("tenant", "user", "kind")
    assert list(events) == [("shop-1", f"auth.user:{user.pk}", kind) for kind in ("given", "taken")]


def test_a_login_bound_to_a_tenant_and_not_any_more() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_tenantbinding (login, tenant) VALUES ('till', 'shop-1')")
        cursor.execute("UPDATE ledger_tenantbinding SET tenant = 'shop-2' WHERE login = 'till'")
        cursor.execute("DELETE FROM ledger_tenantbinding WHERE login = 'till'")
    events = AccessChanged.objects.order_by("pk").values_list("tenant", "user", "kind")
    assert list(events) == [
        *(("shop-1", "login:till", kind) for kind in ("given", "taken")),
        *(("shop-2", "login:till", kind) for kind in ("given", "taken")),
    ]


def test_every_event_bears_what_the_database_alone_knows() -> None:
    with transaction.atomic():
        entry = Entry.objects.get(pk=issue("invoice").pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        assert (entry.era, entry.db_login, entry.db_role) == (1, cursor.fetchone()[0], "none")


def test_the_ids_of_a_home() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_set_home(3)")
        assert issue("invoice").pk == 3 * 2**48 + 1
        assert Series.objects.get().pk == 3 * 2**48 + 1
        # The exclusion constraints count with ids of that size.
        assert open_period(Series.objects.get(), date(2031, 1, 1)).pk == 3 * 2**48 + 2
        transaction.set_rollback(True)


class TestTheHistory:
    """Rules and guard of a French series are off while a number goes out of order, and then on again."""

    @pytest.fixture
    def tampered(self) -> Series:
        french: dict[str, Any] = {"rules": "FR", "chronological": True}
        define_series("invoice", template="INV-{year}-{counter}", time_zone="UTC", by="ada", **french)
        with transaction.atomic():
            issue("invoice", on=date(2026, 5, 5))
        define_series("invoice", rules="", chronological=False, by="eve")
        with transaction.atomic():
            issue("invoice", on=date(2026, 5, 4))
        return define_series("invoice", by="eve", **french)

    def test_stands_in_the_report(self, tampered: Series) -> None:
        close_period(tampered.periods.get(), early=True, by="bob")
        TenantAccess.grant(get_user_model().objects.create_user("auditor"), "")
        with continuity_report(tenant="", since=date(2026, 5, 5)) as report:
            found = rows(report, "settings")
        assert [(row.changed_by, row.period == "") for row in found] == [
            ("ada", True),
            ("eve", True),
            ("eve", True),
            ("bob", False),
            ("", True),
        ]
        off, on = found[1], found[2]
        assert {"rules": "FR", "chronological": True}.items() <= off.old.items()
        assert {"rules": "", "chronological": False}.items() <= off.new.items()
        assert on.new["rules"] == "FR"
        assert found[-1].new["access"] == "given"
        assert found[-1].series == ""
        assert all(row.login and row.changed_at.tzinfo for row in found)

    def test_does_not_tell_of_another_tenant(self, tampered: Series) -> None:
        define_series("invoice", org="acme", template="A-{year}-{counter}", by="mallory")
        TenantAccess.grant(get_user_model().objects.create_user("auditor"), "acme")
        with continuity_report(tenant="") as report:
            assert {row.changed_by for row in rows(report, "settings")} == {"ada", "eve"}

    def test_stands_on_the_series_page(self, root: Client, tampered: Series) -> None:
        close_period(tampered.periods.get(), early=True, by="bob")
        page = root.get(reverse("ledger:series", args=(tampered.pk,)))
        history = page.context["history"].rows
        assert [one["changed_by"] for one in history] == ["bob", "eve", "eve", "ada"]
        assert [one["period"] for one in history] == ["2026-01-01 to 2026-12-31", "", "", ""]
        told = page.content.decode()
        assert "Changes of settings" in told
        assert "<dt>chronological</dt><dd>no</dd>" in told
