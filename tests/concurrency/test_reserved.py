"""The allocation `reserved`: the value is committed before `issue` returns, and nobody else is ever given it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection, transaction

from ledger import define_series, errors as e, issue, issue_many, open_period
from ledger.allocation import shared_reservations
from ledger.models import Entry, Period, Series
from ledger.models.queues import Reservation
from tests.allocations import DAY, RESERVED, expect_all_accounted_for, reserved_values, rolled_back, values
from tests.concurrency.checkouts import (
    PATIENCE,
    Checkout,
    checkouts,
    in_threads,
    wait_until_blocked,
    wait_until_somebody_waits_for,
)

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])


def reserved(**settings: Any) -> Series:
    """The reserved series `invoice` with its period of 2026."""
    series = define_series("invoice", template="INV-{year}-{counter:06}", allocation=RESERVED, **settings)
    open_period(series, DAY)
    return series


def number(document: str | None = None, on: date = DAY) -> int:
    return issue("invoice", document=document, on=on).value


@ENDS
def test_it_is_committed_before_issue_returns(end: str) -> None:
    reserved()
    with checkouts(1) as (checkout,):
        checkout.begin()
        entry = checkout.run(lambda: issue("invoice", document="order:17", on=DAY, by="ann"))
        seen = Reservation.objects.get()
        assert (seen.value, seen.document, seen.actor, seen.issued_on) == (1, "order:17", "ann", DAY)
        assert seen.checkout_transaction_id == entry.transaction_id, "evidence of who asked"
        assert Period.objects.get().last_value == 1
        assert not Entry.objects.exists()
        checkout.end(end)
    assert (values(), reserved_values()) == (([1], []) if end == "commit" else ([], [1]))
    expect_all_accounted_for()


def test_nobody_waits_for_a_checkout() -> None:
    reserved()
    with checkouts(2) as (slow, quick):
        slow.begin()
        assert slow.run(number) == 1
        for expected in range(2, 8):
            quick.begin()
            assert quick.run(number) == expected
            quick.commit()
        slow.commit()
    assert values() == list(range(1, 8))


def test_what_was_rolled_back_is_never_given_to_anyone_else() -> None:
    reserved()
    with checkouts(1) as (checkout,):
        for document in ("order:17", None):
            checkout.begin()
            checkout.run(lambda document=document: number(document))  # type: ignore[misc]
            checkout.rollback()
        checkout.begin()
        assert checkout.run(lambda: [number("order:18"), number()]) == [3, 4]
        assert checkout.run(lambda: [entry.value for entry in issue_many("invoice", documents=["a", "b"], on=DAY)]) == [
            5,
            6,
        ]
        checkout.commit()
    assert values() == [3, 4, 5, 6]
    assert reserved_values() == [1, 2]
    expect_all_accounted_for()


def test_a_retry_with_the_same_document_gets_the_same_number() -> None:
    reserved()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: number("order:17")) == 1
        first.rollback()
        second.begin()
        assert second.run(lambda: number("order:18")) == 2
        assert second.run(lambda: number("order:17")) == 1, "also on another connection"
        second.rollback()
        first.begin()
        block = first.run(lambda: issue_many("invoice", documents=["order:19", "order:18", "order:17"], on=DAY))
        first.commit()
    assert [entry.value for entry in block] == [3, 2, 1]
    assert {entry.document: entry.value for entry in Entry.objects.all()} == {
        "order:17": 1,
        "order:18": 2,
        "order:19": 3,
    }
    assert reserved_values() == []
    expect_all_accounted_for()


def test_a_retry_dated_in_another_period_leaves_the_first_reservation_behind() -> None:
    reserved()
    for on in (date(2026, 12, 31), date(2027, 1, 1)):
        with rolled_back():
            assert number("order:17", on=on) == 1
    with transaction.atomic():
        assert str(issue("invoice", document="order:17", on=date(2027, 1, 1))) == "INV-2027-000001"
    assert Reservation.objects.get().period.starts_on == date(2026, 1, 1)
    expect_all_accounted_for()


def test_nested_blocks_and_savepoints() -> None:
    reserved()
    with transaction.atomic():
        assert number() == 1
        with transaction.atomic():
            assert number() == 2
            with rolled_back():
                assert number("lost") == 3
                assert number() == 4
            assert number("lost") == 3, "a retry in the same transaction"
        with transaction.atomic(savepoint=False):
            assert number() == 5
    assert values() == [1, 2, 3, 5]
    assert reserved_values() == [4]
    expect_all_accounted_for()


def test_the_guard_holds_for_a_retry_on_a_later_day() -> None:
    """Its number was reserved before later days' numbers; dates may not decrease with rising values."""
    reserved(chronological=True)
    with rolled_back():
        assert number("order:17", on=date(2026, 6, 10)) == 1
    with transaction.atomic():
        assert number(on=date(2026, 6, 11)) == 2
    with transaction.atomic():
        number("order:17", on=date(2026, 6, 20))
    dates = list(Entry.objects.order_by("value").values_list("issued_on", flat=True))
    assert dates == sorted(dates), dates


def test_the_guard_is_asked_of_reservations_too() -> None:
    reserved(chronological=True)
    with checkouts(1) as (late,):
        late.begin()
        assert late.run(lambda: number(on=date(2026, 6, 20))) == 1
        with pytest.raises(e.OutOfOrder, match="2026-06-10 is before 2026-06-20"), transaction.atomic():
            number(on=date(2026, 6, 10))
        late.commit()
    assert (values(), reserved_values()) == ([1], [])


def test_a_reservation_that_is_used_up_between_two_looks() -> None:
    """`a` is numbered by another checkout just after this one has seen its reservation: nothing is mixed up."""
    reserved()
    with checkouts(3) as (other, tamperer, block):
        with rolled_back():
            assert number("x") == 1
        other.begin()
        assert other.run(lambda: number("a")) == 2
        tamperer.begin()
        tamperer.run(hold_the_document_n)
        block.begin()
        waiting = block.do(lambda: [(entry.document, entry.value) for entry in taken("a", "n", "o")])
        wait_until_somebody_waits_for(tamperer, waiting)
        other.commit()
        tamperer.rollback()
        numbered = waiting.result(30)
        block.commit()
    assert numbered == [("a", 2), ("n", 3), ("o", 4)]
    assert dict(Entry.objects.values_list("document", "value")) == {"a": 2, "n": 3, "o": 4}
    assert reserved_values() == [1]
    expect_all_accounted_for()


def hold_the_document_n() -> None:
    """Make a checkout that reserves for `n` wait between its first look and its last."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_reservation WHERE document = 'x'")
        cursor.execute(
            "INSERT INTO ledger_reservation (tenant, series_id, period_id, value, document, issued_on, actor,"
            " checkout_transaction_id) SELECT tenant, series_id, id, 1, 'n', '2026-06-01', '', 0 FROM ledger_period"
        )


def taken(*documents: str) -> list[Entry]:
    return issue_many("invoice", documents=documents, on=DAY)


def test_eight_threads_that_retry_the_same_documents() -> None:
    """Each document is rolled back by all but one; the number shown is the same each time."""
    reserved()

    def checkout(worker: int) -> list[int]:
        shown = []
        for order in range(6):
            with transaction.atomic():
                shown.append(number(f"order:{order}"))
                transaction.set_rollback(order % 8 != worker)
        return shown

    shown = in_threads(8, checkout)
    assert all(each == shown[0] for each in shown)
    assert sorted(shown[0]) == values() == list(range(1, 7))
    assert reserved_values() == []
    expect_all_accounted_for()


@ENDS
def test_two_blocks_share_a_reservation(end: str) -> None:
    reserved()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: taken("a", "b"))
        second.begin()
        waiting = second.do(lambda: [entry.value for entry in taken("c", "b", "d")])
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30) == [3, 2, 4]
        second.commit()
    assert reserved_values() == ([] if end == "commit" else [1])
    expect_all_accounted_for()


def test_a_reservation_can_not_be_deleted_without_an_entry() -> None:
    reserved()
    with rolled_back():
        number("order:17")
    with pytest.raises(IntegrityError, match="left ledger_reservation without an entry"):
        Reservation.objects.all().delete()
    assert reserved_values() == [1]


def test_set_constraints_all_immediate_changes_nothing() -> None:
    reserved()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert number("a") == 1
        assert [entry.value for entry in taken("a", "b")] == [1, 2]
    expect_all_accounted_for()


def _wait_for_line(length: int) -> None:
    """Return when one thread reserves, and this many wait for it."""
    deadline = time.monotonic() + PATIENCE
    while [len(line.waiting) for line in list(shared_reservations._lines.values())] != [length]:
        assert time.monotonic() < deadline, shared_reservations._lines


@contextmanager
def lined_up(
    *calls: Callable[[], T], meanwhile: Callable[[], object] = lambda: None
) -> Iterator[tuple[list[Checkout], list[Future[T]]]]:
    """Checkouts in threads of their own. The first reserves when the block begins; the others wait for it."""
    with patch.object(shared_reservations, "_AT_ONCE", 1), checkouts(len(calls) + 1) as (holder, *crew):
        for checkout in (holder, *crew):
            checkout.begin()
        holder.run(lambda: Period.objects.select_for_update().get())
        steps: list[Future[T]] = []
        for checkout, call in zip(crew, calls, strict=True):
            steps.append(checkout.do(call))
            _wait_for_line(len(steps) - 1)
        holder.run(meanwhile)
        holder.commit()
        yield crew, steps


def test_threads_that_wait_for_one_counter_share_a_transaction() -> None:
    reserved(early_release=True)
    calls = [partial(issue, "invoice", document=f"order:{at}", on=DAY, by=f"clerk {at}") for at in range(4)]
    with lined_up(*calls) as (crew, steps):
        entries = [step.result(PATIENCE) for step in steps]
        assert [entry.value for entry in entries] == [1, 2, 3, 4]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT array_agg(value ORDER BY value) FROM ledger_reservation GROUP BY xmin::text ORDER BY 1"
            )
            assert cursor.fetchall() == [([1],), ([2, 3, 4],)]
        kept = Reservation.objects.order_by("value").values_list("document", "actor", "checkout_transaction_id")
        assert list(kept) == [(f"order:{at}", f"clerk {at}", entry.transaction_id) for at, entry in enumerate(entries)]
        for checkout, end in zip(crew, ("commit", "commit", "rollback", "commit"), strict=True):
            checkout.end(end)
    assert (values(), reserved_values()) == ([1, 2, 4], [3])
    expect_all_accounted_for()


def test_of_those_that_share_one_each_is_refused_by_itself() -> None:
    reserved(early_release=True)
    calls = [partial(number, f"order:{at}") for at in range(3)]
    with lined_up(*calls, meanwhile=lambda: define_series("invoice", is_active=False)) as (crew, steps):
        for step in steps:
            with pytest.raises(e.InactiveSeries):
                step.result(PATIENCE)
        define_series("invoice", is_active=True)
        assert [checkout.run(call) for checkout, call in zip(crew, calls, strict=True)] == [1, 2, 3]


def test_a_document_that_two_of_them_bring_has_one_number() -> None:
    reserved(early_release=True)
    with lined_up(*(partial(number, document) for document in ("a", "b", "b", "c"))) as (crew, steps):
        assert steps[0].result(PATIENCE) == 1
        # One statement can't take both, so each asks alone, and the last one may be the first to get a number.
        last = steps[3].result(PATIENCE)
        both = {2: 3, 3: 2}[last]
        wait(steps[1:3], PATIENCE, FIRST_COMPLETED)
        for at in sorted((1, 2), key=lambda at: not steps[at].done()):
            assert steps[at].result(PATIENCE) == both
            crew[at].commit()
    assert (values(), reserved_values()) == ([both], [1, last])
    with lined_up(*(partial(number, document) for document in ("d", "c", "e", "a"))) as (crew, steps):
        assert [step.result(PATIENCE) for step in steps] == [4, last, 5, 1]
        for checkout in crew:
            checkout.commit()
    assert (values(), reserved_values()) == ([1, 2, 3, 4, 5], [])
    expect_all_accounted_for()
