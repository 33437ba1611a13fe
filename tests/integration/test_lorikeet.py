"""Lorikeet's contract: an invoice ID without arguments, in the checkout's transaction, before the payment."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings
from django.utils.module_loading import import_string

from ledger import define_series, issue
from ledger import errors as e
from ledger.compat.lorikeet import invoice_id, take_over
from ledger.models import DraftMade, NumberIssued, Series, Slot
from ledger.verification import verify
from tests.allocations import ALL, default_allocation, expect_all_accounted_for
from tests.concurrency.checkouts import checkouts, wait_until_blocked
from tests.drafted import claimed, remote_series
from tests.shop.lorikeet import CartOrder, InvoiceID, KeyedInvoiceID

pytestmark = pytest.mark.django_db(transaction=True)

GENERATOR = "ledger.compat.lorikeet.invoice_id"


class PaymentError(Exception):
    """The card was refused."""


def well() -> None:
    """The payment is made."""


def refused() -> None:
    raise PaymentError


def check_out(pay: Callable[[], None] = well) -> str:
    """In the order of Lorikeet's checkout: the order's row, the invoice ID, the payment, the order again."""
    with transaction.atomic():
        order = CartOrder.objects.create(grand_total=Decimal(10))
        order.custom_invoice_id = import_string(GENERATOR)()
        pay()
        order.save()
    return str(order.custom_invoice_id)


def recipe() -> str:
    """The generator that the recipe shows."""
    row = InvoiceID.objects.select_for_update(skip_locked=True).first()
    assert row is not None
    number = row.number
    row.delete()
    return number


def fill(*numbers: str) -> None:
    InvoiceID.objects.bulk_create([InvoiceID(number=number) for number in numbers])


def free() -> int:
    return Slot.objects.count()


class TestCheckout:
    @pytest.mark.parametrize("allocation", ALL)
    def test_a_payment_that_fails_rolls_it_all_back(self, allocation: str) -> None:
        with default_allocation(allocation):
            first = check_out()
            with pytest.raises(PaymentError):
                check_out(refused)
            assert CartOrder.objects.count() == NumberIssued.objects.count() == 1
            second = check_out()
        assert list(CartOrder.objects.order_by("pk").values_list("custom_invoice_id", flat=True)) == [first, second]
        assert [str(entry) for entry in NumberIssued.objects.order_by("value")] == [first, second]
        assert second.endswith("3" if allocation == "reserved" else "2")
        expect_all_accounted_for()

    def test_the_series_and_its_tenant_come_from_the_settings(self) -> None:
        define_series("web", org="shop-7", template="WEB{counter}", calendar="never", allocation="pooled")
        with override_settings(LEDGER_LORIKEET={"SERIES": "web", "ORG": "shop-7"}):
            assert check_out() == "WEB1"
        with override_settings(LEDGER_LORIKEET={"SERIE": "web"}), pytest.raises(ImproperlyConfigured, match="SERIE;"):
            check_out()

    def test_outside_a_transaction(self) -> None:
        with pytest.raises(e.TransactionRequired):
            invoice_id()

    def test_an_empty_pool_says_so(self) -> None:
        remote_series()
        with pytest.raises(e.PoolExhausted, match="no draft is free in 'books'"):
            check_out()
        assert not CartOrder.objects.exists()

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_with_serial_the_second_waits_for_the_firsts_payment(self, how: str) -> None:
        check_out()
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(invoice_id).endswith("2")
            step = second.do(check_out)
            wait_until_blocked(second, step)
            first.end(how)
            assert step.result(30).endswith("3" if how == "commit" else "2")

    def test_drafts_are_taken_without_waiting(self) -> None:
        remote_series()
        fill("B-1", "B-2")
        take_over(InvoiceID, series="invoice")
        with checkouts(2) as (first, second):
            for checkout in (first, second):
                checkout.begin()
            assert [first.run(invoice_id), second.run(invoice_id)] == ["B-1", "B-2"]
            first.rollback()
            second.commit()
        assert check_out() == "B-1"
        expect_all_accounted_for()


class TestTakingOver:
    def test_the_table_becomes_the_pool(self) -> None:
        remote_series()
        fill("B-10", "B-9", "A-9")
        out = StringIO()
        call_command("ledger_lorikeet", "shop.InvoiceID", series="invoice", dry_run=True, stdout=out)
        assert "3 invoice IDs would come into the pool of invoice." in out.getvalue()
        assert (InvoiceID.objects.count(), free()) == (3, 0)
        call_command("ledger_lorikeet", "shop.InvoiceID", series="invoice", json=True, stdout=(told := StringIO()))
        assert json.loads(told.getvalue()) == {"numbers": 3, "in_flight": 0, "dry_run": False}
        assert not InvoiceID.objects.exists()
        assert [check_out() for _ in range(3)] == ["A-9", "B-9", "B-10"]
        drafts = DraftMade.objects.order_by("ordinal").values_list("remote_id", "reference", "system")
        assert list(drafts) == [("A-9", "", "books"), ("B-9", "", "books"), ("B-10", "", "books")]
        assert list(verify()) == []

    def test_more_come_later(self) -> None:
        remote_series()
        for number in ("B-1", "B-2"):
            fill(number)
            assert take_over(InvoiceID, series="invoice").numbers == 1
        assert [check_out(), check_out()] == ["B-1", "B-2"]

    def test_with_the_systems_own_keys(self) -> None:
        remote_series()
        KeyedInvoiceID.objects.create(number="B-1", key="c0ffee")
        call_command("ledger_lorikeet", "shop.KeyedInvoiceID", series="invoice", id_field="key", stdout=StringIO())
        assert DraftMade.objects.get().remote_id == "c0ffee"

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_what_the_recipe_holds_stays_with_it(self, how: str) -> None:
        """Both codes run for a while: no number may come out of both."""
        remote_series()
        fill("B-1", "B-2")
        with checkouts(1) as (old,):
            old.begin()
            assert old.run(recipe) == "B-1"
            call_command("ledger_lorikeet", "shop.InvoiceID", series="invoice", stdout=(out := StringIO()))
            assert "1 invoice ID came into the pool of invoice.\n1 is held by a checkout" in out.getvalue()
            assert check_out() == "B-2"
            old.end(how)
        again = take_over(InvoiceID, series="invoice")
        assert (again.numbers, again.in_flight) == (0 if how == "commit" else 1, 0)
        assert free() == again.numbers

    def test_a_number_that_stands_in_the_ledger(self) -> None:
        remote_series()
        define_series("other", template="B-{counter}", calendar="never")
        with transaction.atomic():
            issue("other")
        fill("A-1", "b-1")
        with pytest.raises(
            CommandError, match="'b-1' can't come into the pool: the number stands in the ledger"
        ) as told:
            call_command("ledger_lorikeet", "shop.InvoiceID", series="invoice")
        assert told.value.returncode == 1
        assert (InvoiceID.objects.count(), free(), DraftMade.objects.count()) == (2, 0, 0)

    def test_a_pool_that_a_worker_refills(self) -> None:
        fill("B-1")
        claimed(remote_series())
        with pytest.raises(e.AdoptionError, match="A worker is just refilling"):
            take_over(InvoiceID, series="invoice")
        assert InvoiceID.objects.exists()

    def test_series_that_are_no_good(self) -> None:
        with pytest.raises(e.UnknownSeries):
            take_over(InvoiceID, series="absent")
        define_series("invoice", template="INV-{counter}", calendar="never")
        with pytest.raises(e.AdoptionError, match="Series 'invoice' is serial"):
            take_over(InvoiceID, series="invoice")
        Series.objects.all().update(allocation="remote", system="books", is_active=False)
        with pytest.raises(e.AdoptionError, match="switched off"):
            take_over(InvoiceID, series="invoice")

    @pytest.mark.parametrize("options", [{"model": "shop.Absent"}, {"model": "x"}, {"id_field": "absent"}])
    def test_options_that_are_no_good(self, options: dict[str, Any]) -> None:
        chosen = {"model": "shop.InvoiceID", **options}
        with pytest.raises(CommandError, match="names no such model") as told:
            call_command("ledger_lorikeet", chosen.pop("model"), series="invoice", **chosen)
        assert told.value.returncode == 2
