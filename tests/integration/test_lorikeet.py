"""Lorikeet's contract: an invoice ID without arguments, in the checkout's transaction, before the payment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings
from django.utils.module_loading import import_string

from ledger import define_series, errors as e, issue, remote
from ledger.compat.lorikeet import invoice_id
from ledger.compat.moving.pool import Pool, TakenOver, move_pool
from ledger.models import AdoptedGap, Adoption, DraftMade, Entry, NumberIssued, Series, Slot
from ledger.verification import verify
from tests.allocations import ALL, default_allocation, expect_all_accounted_for
from tests.concurrency.checkouts import PATIENCE, checkouts, in_threads, wait_until_blocked
from tests.drafts import claimed, remote_series
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


def move(*arguments: str) -> str:
    """What the command says; with ``--apply`` it is done."""
    out = StringIO()
    call_command("ledger_migrate_from", "lorikeet", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def move_result(*arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(move(*arguments, "--json"))
    return told


def take_over() -> TakenOver:
    _, taken = move_pool(Pool("shop.InvoiceID"), "invoice", {})
    return taken


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
        with override_settings(LEDGER_LORIKEET={"SERIE": "web"}), pytest.raises(ImproperlyConfigured, match="SERIE "):
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
        take_over()
        with checkouts(2) as (first, second):
            for checkout in (first, second):
                checkout.begin()
            assert [first.run(invoice_id), second.run(invoice_id)] == ["B-1", "B-2"]
            first.rollback()
            second.commit()
        assert check_out() == "B-1"
        expect_all_accounted_for()


POOL = ("--pool", "shop.InvoiceID")


class TestTakingOver:
    def test_the_table_becomes_the_pool(self) -> None:
        remote_series()
        fill("B-10", "B-9", "A-9")
        told = move("--dry-run")
        assert "3 invoice IDs would come into the pool" in told
        assert "Nothing was written; --apply does it." in told
        assert (InvoiceID.objects.count(), free(), DraftMade.objects.count()) == (3, 0, 0)
        assert move_result(*POOL, "--apply") == {
            "ok": True,
            "applied": True,
            "moved": [],
            "pool": {"numbers": 3, "left": 0, "in_flight": 0},
        }
        assert not InvoiceID.objects.exists()
        assert [check_out() for _ in range(3)] == ["A-9", "B-9", "B-10"]
        drafts = DraftMade.objects.order_by("ordinal").values_list("remote_id", "reference", "system")
        assert list(drafts) == [("A-9", "", "books"), ("B-9", "", "books"), ("B-10", "", "books")]
        assert list(verify()) == []

    def test_it_makes_the_series(self) -> None:
        fill("B-1")
        with override_settings(LEDGER_LORIKEET={"SERIES": "web", "ORG": "shop-7"}):
            move("--template", "WEB/{counter}", "--calendar", "never", "--system", "books", "--apply")
            assert check_out() == "B-1"
        series = Series.objects.get()
        assert (series.tenant, series.code, series.allocation, series.system) == ("shop-7", "web", "remote", "books")

    def test_another_series_than_that_of_the_settings(self) -> None:
        remote_series("web", org="shop-7")
        fill("B-1")
        assert move_result("--series", "web", "--tenant", "shop-7", "--apply")["pool"]["numbers"] == 1

    def test_more_come_later(self) -> None:
        remote_series()
        for number in ("B-1", "B-2"):
            fill(number)
            assert take_over().numbers == 1
        assert [check_out(), check_out()] == ["B-1", "B-2"]

    def test_with_the_systems_own_keys(self) -> None:
        remote_series()
        KeyedInvoiceID.objects.create(number="B-1", key="c0ffee")
        move("--pool", "shop.KeyedInvoiceID", "--id-field", "key", "--apply")
        assert DraftMade.objects.get().remote_id == "c0ffee"

    def test_some_are_left_to_the_old_code(self) -> None:
        """While old processes continue, both programs have numbers, and no number comes out of both."""
        remote_series()
        fill(*(f"B-{at}" for at in range(1, 12)))
        told = move_result(*POOL, "--leave", "3", "--apply")
        assert told["pool"] == {"numbers": 8, "left": 3, "in_flight": 0}
        with transaction.atomic():
            old = recipe()
        assert old == "B-10"
        assert [check_out() for _ in range(2)] == ["B-1", "B-2"]
        assert move_result(*POOL, "--leave", "3", "--apply")["pool"] == {"numbers": 0, "left": 2, "in_flight": 0}
        assert take_over() == TakenOver(2, 0, 0)
        assert [check_out() for _ in range(8)][-2:] == ["B-9", "B-11"]

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_what_the_recipe_holds_stays_with_it(self, how: str) -> None:
        """Both codes run for a while: no number may come out of both."""
        remote_series()
        fill("B-1", "B-2")
        with checkouts(1) as (old,):
            old.begin()
            assert old.run(recipe) == "B-1"
            told = move(*POOL, "--apply")
            assert "1 invoice ID came into the pool of the series.\n1 is held by a checkout" in told
            assert check_out() == "B-2"
            old.end(how)
        again = take_over()
        assert (again.numbers, again.in_flight) == (0 if how == "commit" else 1, 0)
        assert free() == again.numbers

    def test_a_dry_run_hides_no_row_from_a_checkout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The recipe passes over rows that are locked: an empty table is an error at its checkout."""
        remote_series()
        fill("B-1", "B-2")

        def store(*arguments: Any, **more: Any) -> str:
            with checkouts(1) as (old,):
                old.begin()
                taken.append(old.run(recipe))
                old.rollback()
            return str(original(*arguments, **more))

        taken: list[str] = []
        original = remote.store
        monkeypatch.setattr(remote, "store", store)
        assert move_result("--dry-run")["pool"] == {"numbers": 2, "left": 0, "in_flight": None}
        assert taken == ["B-1", "B-1"]

    def test_old_and_new_checkouts_at_once_while_it_moves(self) -> None:
        remote_series()
        numbers = [f"B-{at}" for at in range(1, 41)]
        fill(*numbers)

        def work(at: int) -> list[str]:
            got: list[str] = []
            if at == 0:
                # As many as all four may want of the recipe, since they see no draft before the move is committed.
                move(*POOL, "--leave", "20", "--apply")
                return got
            while len(got) < 4:
                with transaction.atomic():
                    new = at % 2 and Slot.objects.exists()
                    got.append(invoice_id() if new else recipe())
                    if len(got) == 3 and at not in rolled_back:
                        rolled_back.add(at)
                        got.pop()
                        transaction.set_rollback(True)
            return got

        rolled_back: set[int] = set()
        given = [number for got in in_threads(5, work) for number in got]
        take_over()
        given += [check_out() for _ in range(free())]
        assert sorted(given) == sorted(numbers)
        expect_all_accounted_for()

    def test_a_number_that_stands_in_the_ledger(self) -> None:
        remote_series()
        define_series("other", template="B-{counter}", calendar="never")
        with transaction.atomic():
            issue("other")
        fill("A-1", "b-1")
        with pytest.raises(
            CommandError, match="'b-1' can't come into the pool: the number stands in the ledger"
        ) as told:
            move(*POOL, "--apply")
        assert told.value.returncode == 1
        assert (InvoiceID.objects.count(), free(), DraftMade.objects.count()) == (2, 0, 0)

    def test_a_pool_that_a_worker_refills(self) -> None:
        fill("B-1")
        claimed(remote_series())
        with pytest.raises(e.AdoptionError, match="A worker is just refilling"):
            take_over()
        assert InvoiceID.objects.exists()

    def test_unusable_series(self) -> None:
        with pytest.raises(CommandError, match="has no series 'invoice'") as told:
            move("--apply")
        assert told.value.returncode == 2
        define_series("invoice", template="INV-{counter}", calendar="never")
        with pytest.raises(e.AdoptionError, match="Series 'invoice' is serial"):
            take_over()
        Series.objects.all().update(allocation="remote", system="books", is_active=False)
        with pytest.raises(e.AdoptionError, match="switched off"):
            take_over()
        Series.objects.all().update(is_active=True)
        with pytest.raises(CommandError, match="has the system 'books'; 'other' was asked for") as told:
            move("--system", "other")
        assert told.value.returncode == 1

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--pool", "shop.Absent"), "'shop.Absent' can't be the pool"),
            (("--pool", "x"), "'x' can't be the pool"),
            ((*POOL, "--id-field", "absent"), "no field named 'absent'"),
            ((*POOL, "--leave=-1"), "-1 rows can't be left"),
            ((*POOL, "--only", "invoice"), "go with the counters"),
            ((*POOL, "--pattern", "x"), "go with --model"),
            (
                (
                    *("--model", "shop.Order", "--number-field", "reference", "--date-field", "created_at"),
                    *("--org-field", "org"),
                ),
                "One pool is one tenant's",
            ),
        ],
    )
    def test_invalid_options(self, arguments: tuple[str, ...], told: str) -> None:
        with pytest.raises(CommandError, match=told) as error:
            move(*arguments, "--apply")
        assert error.value.returncode == 2

    def test_options_that_exclude_each_other(self) -> None:
        with pytest.raises(CommandError, match="not allowed with"):
            move("--dry-run", "--apply")
        with pytest.raises(CommandError, match="go with 'lorikeet'") as told:
            call_command("ledger_migrate_from", "model", "--leave", "3")
        assert told.value.returncode == 2

    @pytest.mark.parametrize("names", [(), ("InvoiceID", "InvoiceID")])
    def test_a_model_that_cannot_be_found_by_its_name(
        self, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(apps, "get_models", lambda: [InvoiceID] * len(names))
        with pytest.raises(CommandError, match=r"Name it: --pool shop\.InvoiceID") as told:
            move("--apply")
        assert told.value.returncode == 2


class TestHistory:
    """The numbers that orders bear become entries, and the pool goes on above them."""

    OPTIONS = ("--model", "shop.CartOrder", "--number-field", "custom_invoice_id", "--date-field", "created_at")
    PATTERN = ("--pattern", r"B-(?P<counter>\d+)")

    @pytest.fixture(autouse=True)
    def series(self) -> Series:
        return remote_series(template="B/{counter}", calendar="never")

    def ordered(self, *numbers: str | None) -> list[CartOrder]:
        return [
            CartOrder.objects.create(grand_total=1, custom_invoice_id=number, created_at=datetime.now(UTC))
            for number in numbers
        ]

    def test_it_is_adopted(self) -> None:
        orders = self.ordered("B-7", "B-9", None)
        fill("B-10", "B-11")
        told = move(*self.OPTIONS, *self.PATTERN)
        assert "would be moved" in told
        assert not Entry.objects.exists()
        done = move_result(*self.OPTIONS, *self.PATTERN, "--explain-gaps", "deleted in Xero", "--by", "ada", "--apply")
        assert [(row["state"], row["adopted"], row["missing"], row["last"]) for row in done["moved"]] == [
            ("moved", 2, 1, 9)
        ]
        assert done["pool"]["numbers"] == 2
        assert (Adoption.objects.get().actor, AdoptedGap.objects.get().first_value) == ("ada", 8)
        with transaction.atomic():
            assert str(issue("invoice", document=orders[0])) == "B-7"
        assert [check_out(), check_out()] == ["B-10", "B-11"]
        assert list(verify()) == []

    @pytest.mark.parametrize("number", ["B-8", "B-9"])
    def test_refuses_to_go_below_the_highest_used_number(self, number: str) -> None:
        self.ordered("B-7", "B-9")
        fill(number, "B-10")
        with pytest.raises(CommandError, match=f"'{number}' is free, and the highest .* is 9") as told:
            move(*self.OPTIONS, *self.PATTERN, "--apply")
        assert told.value.returncode == 1
        assert (InvoiceID.objects.count(), Entry.objects.count(), DraftMade.objects.count()) == (2, 0, 0)

    def test_an_invoice_id_of_another_form(self) -> None:
        self.ordered("B-7")
        fill("C-10")
        with pytest.raises(CommandError, match="'C-10' does not match the pattern"):
            move(*self.OPTIONS, *self.PATTERN, "--apply")

    def test_orders_without_numbers(self) -> None:
        self.ordered(None)
        fill("C-10")
        assert move_result(*self.OPTIONS, *self.PATTERN, "--apply")["moved"] == []
        assert check_out() == "C-10"

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_checkouts_under_way_are_waited_for(self, how: str) -> None:
        self.ordered("B-7")
        fill("B-8", "B-9")

        def old_checkout() -> None:
            [order] = self.ordered(None)
            order.custom_invoice_id = recipe()
            order.save()

        with checkouts(2) as (old, mover):
            old.begin()
            old.run(old_checkout)
            step = mover.do(lambda: move_result(*self.OPTIONS, *self.PATTERN, "--apply"))
            wait_until_blocked(mover, step)
            old.end(how)
            told = step.result(PATIENCE)
        adopted, free_ones = (2, 1) if how == "commit" else (1, 2)
        assert told["moved"][0]["adopted"] == adopted
        assert told["pool"] == {"numbers": free_ones, "left": 0, "in_flight": 0}
        assert check_out() == ("B-9" if how == "commit" else "B-8")
