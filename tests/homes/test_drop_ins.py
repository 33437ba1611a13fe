"""What takes the place of other packages finds the home of its tenant too."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.test.utils import isolate_apps

from ledger import define_series, homes
from ledger.compat import django_sequences, generators, lorikeet, oscar
from ledger.compat.django_plans.numbering import numbered
from ledger.compat.django_sequence import Sequence, next_sequence
from ledger.compat.number_field import create_many
from ledger.errors import WrongDatabase
from ledger.models import Entry
from tests.homes.conftest import HOMES
from tests.shop.models import Order, Organization
from tests.shop.numbered import Ticket


def entries(tenant: str) -> dict[str, int]:
    """How many entries the tenant has in which home."""
    counts = {home: Entry.objects.using(home).filter(tenant=tenant).count() for home in HOMES}
    return {home: count for home, count in counts.items() if count}


def bill(tenant: str, **settings: Any) -> str:
    define_series("bill", org=tenant, template="B-{counter}", calendar="never", **settings)
    return homes.home_of(tenant)


def test_django_sequence(four: Any) -> None:
    for tenant in ("bob", "dora"):
        assert next_sequence("invoice", org=tenant).endswith("000001")
    assert entries("bob") == {"first:south": 1}
    assert entries("dora") == {"second:south": 1}
    Sequence.objects.create(scope="order", org="dora", current_value=7)
    assert [one.org for one in Sequence.objects.filter(scope="invoice")] == ["bob", "dora"]
    assert Sequence.objects.get(scope="order", org="dora").current_value == 7
    assert Sequence.objects.filter(scope="invoice").update(current_value=5) == 2
    assert [one.current_value for one in Sequence.objects.filter(scope="invoice")] == [5, 5]
    with transaction.atomic(using="second:south"):
        assert Sequence.objects.select_for_update().get(scope="invoice", org="dora").current_value == 5


def test_django_sequences(four: Any) -> None:
    with override_settings(LEDGER_COMPAT={"SEQUENCES_TENANT": "cleo"}):
        assert django_sequences.get_next_value("ticket") == 1
        assert list(django_sequences.get_next_values(2, "ticket")) == [2, 3]
        assert django_sequences.get_last_value("ticket") == 3
        for call in (django_sequences.get_next_value, django_sequences.delete):
            with pytest.raises(WrongDatabase):
                call("ticket", using="first:north")
        assert entries("cleo") == {"second:north": 3}
        assert django_sequences.delete("ticket")
    with override_settings(LEDGER_COMPAT={"OLD_NAMES": {"old": {"series": "bill", "org": "bob"}}}):
        bill("bob")
        assert django_sequences.get_next_value("old") == 1
        assert django_sequences.get_last_value("old") == 1
    assert entries("bob") == {"first:south": 1}


def test_generators_of_hosts(four: Any) -> None:
    bill("dora")
    with override_settings(LEDGER_COMPAT={"GENERATORS": {"default": {"series": "bill", "org": "dora"}}}):
        assert generators.number() == "B-1"
    assert entries("dora") == {"second:south": 1}


def test_lorikeet(four: Any) -> None:
    home = bill("bob")
    with override_settings(LEDGER_LORIKEET={"SERIES": "bill", "ORG": "bob"}):
        with transaction.atomic(using=home):
            assert lorikeet.invoice_id() == "B-1"
        lorikeet.invoice_id_available(None)
    assert entries("bob") == {"first:south": 1}


def test_oscar(four: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    home = bill("cleo", allocation="reserved")
    basket = Organization.objects.using(home).create(name="a basket")
    monkeypatch.setattr(oscar, "_is_used", lambda entry, basket: False)

    class Generator(oscar.OrderNumberGenerator):
        series = "bill"

        def org(self, basket: Any) -> str:
            return "cleo"

    assert Generator().order_number(basket) == Generator().order_number(basket) == "B-1"
    assert entries("cleo") == {"second:north": 1}


@isolate_apps("tests.shop")
def test_django_plans(four: Any) -> None:
    home = bill("dora")
    saved: list[Any] = []

    class PlansInvoice(Order):
        INVOICE_TYPES = {"INVOICE": 1, "DUPLICATE": 2, "PROFORMA": 3, "CREDIT_NOTE": 4}
        type, number, full_number, issued = 1, None, "", None

        class Meta:
            app_label, proxy = "shop", True

        save = numbered(lambda self, *args, **named: saved.append(named))

    with override_settings(LEDGER_COMPAT={"PLANS": {"INVOICE": {"series": "bill", "org": "dora"}}}):
        invoice: Any = PlansInvoice()
        invoice.save()
    assert (invoice.full_number, saved) == ("B-1", [{"using": home, "force_insert": True}])
    assert entries("dora") == {"second:south": 1}


def test_many_numbered_rows(four: Any) -> None:
    with override_settings(LEDGER={"HOMES": {"": "second:south"}}):
        rows = create_many([Ticket(booking="b1"), Ticket(booking="b2")])
        assert {row._state.db for row in rows} == {"second:south"}
    assert entries("") == {"second:south": 4}
