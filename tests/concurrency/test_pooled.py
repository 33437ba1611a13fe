"""The allocation `pooled`: slots go back on rollback, the lowest is taken first, and nobody waits for anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

from ledger import define_series, errors as e, issue, issue_many, open_period, preview
from ledger.models import Entry, Period, Series
from tests.allocations import DAY, POOLED, default_allocation, expect_all_accounted_for, free_slots, rolled_back, values
from tests.concurrency.checkouts import checkouts, in_threads, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])


def pooled(**settings: Any) -> Series:
    """The pooled series `invoice`, without a period."""
    return define_series("invoice", template="INV-{year}-{counter:06}", allocation=POOLED, **settings)


def number(document: str | None = None, on: date = DAY) -> int:
    return issue("invoice", document=document, on=on).value


def numbers(count: int) -> list[int]:
    with transaction.atomic():
        return [number() for _ in range(count)]


@contextmanager
def no_second_connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server without a free connection for a second one: the first stays, no new one is accepted."""
    if not connection.in_atomic_block:
        connection.close()  # and with it the second one
        connection.ensure_connection()

    def refuse(self: BaseDatabaseWrapper) -> None:
        raise OperationalError("FATAL: sorry, too many clients already")

    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "connect", refuse)
        yield


def test_a_rolled_back_slot_is_taken_by_the_next() -> None:
    pooled()
    with checkouts(3) as (first, second, third):
        for checkout in (first, second, third):
            checkout.begin()
        assert [checkout.run(number) for checkout in (first, second, third)] == [1, 2, 3]
        second.rollback()
        first.rollback()
        second.begin()
        assert second.run(number) == 1, "the lowest first"
        first.begin()
        assert first.run(number) == 2
        for checkout in (first, second, third):
            checkout.commit()
    assert values() == [1, 2, 3]
    expect_all_accounted_for()


@ENDS
def test_nobody_waits_for_a_checkout(end: str) -> None:
    """Not for the very first number, nor in an empty pool: each runs to its end while the first one is in progress."""
    pooled()
    with checkouts(2) as (slow, quick):
        slow.begin()
        assert slow.run(number) == 1
        for expected in range(2, 60):
            quick.begin()
            assert quick.run(number) == expected
            quick.commit()
        slow.end(end)
    assert values() == list(range(1 if end == "commit" else 2, 60))
    assert numbers(1) == [60 if end == "commit" else 1]
    expect_all_accounted_for()


def test_a_savepoint_gives_its_slot_back_to_everybody() -> None:
    pooled()
    with checkouts(2) as (first, second):

        def with_a_savepoint() -> None:
            with rolled_back():
                assert number() == 1

        first.begin()
        first.run(with_a_savepoint)
        second.begin()
        assert second.run(number) == 1, "while the transaction goes on"
        second.commit()
        assert first.run(number) == 2
        first.commit()
    assert values() == [1, 2]
    expect_all_accounted_for()


def test_a_refill_keeps_the_slots_that_checkouts_hold() -> None:
    pooled()
    with checkouts(3) as held:
        for checkout in held:
            checkout.begin()
        assert [checkout.run(number) for checkout in held] == [1, 2, 3]
        assert numbers(50) == list(range(4, 54))
        held[1].rollback()
        assert numbers(2) == [2, 54]
        held[0].rollback()
        held[2].commit()
        assert numbers(2) == [1, 55]
    assert values() == list(range(1, 56))
    expect_all_accounted_for()


def test_a_herd_on_an_empty_pool() -> None:
    pooled()

    def checkout(_: int) -> list[int]:
        with transaction.atomic():
            return [number(), *(entry.value for entry in issue_many("invoice", documents=[f"{_}:{n}" for n in "abc"]))]

    taken = in_threads(16, checkout)
    assert sorted(value for each in taken for value in each) == values()
    expect_all_accounted_for()


def test_a_slot_held_over_many_batches_and_by_more_than_a_hundred_checkouts_is_found_again() -> None:
    """The low-water mark skips used slots, and never a slot that may come back."""
    pooled()
    with checkouts(4) as held:
        for turn, checkout in enumerate(held):
            checkout.begin()
            checkout.run(lambda turn=turn: issue_many("invoice", documents=[f"{turn}:{n}" for n in range(40)], on=DAY))  # type: ignore[misc]
            numbers(200)
        highest = values()[-1]
        for checkout in held:
            checkout.rollback()
    expect_all_accounted_for()
    lost = sorted(set(range(1, highest)) - set(values()))
    assert len(lost) == 160
    assert numbers(160) == lost
    assert values() == list(range(1, highest + 1))
    expect_all_accounted_for()


@pytest.mark.parametrize("count", [99, 100, 101, 202])
def test_so_many_stragglers(count: int) -> None:
    pooled()
    with checkouts(1) as (slow,):
        slow.begin()
        slow.run(lambda: issue_many("invoice", documents=[str(number) for number in range(count)], on=DAY))
        for _ in range(4):
            # Each batch is used up, so that the mark is set again each time.
            numbers(len(free_slots()) - count + 1)
            expect_all_accounted_for()
        slow.rollback()
    assert numbers(count) == list(range(1, count + 1))
    expect_all_accounted_for()


@ENDS
def test_a_slot_that_is_put_back_while_others_mint(end: str) -> None:
    """A second checkout for the same document gives its slot back; meanwhile the mark has moved past that slot."""
    pooled()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: number("order:17")) == 1
        second.begin()
        waiting = second.do(lambda: number("order:17"))
        wait_until_blocked(second, waiting)
        assert numbers(60) == list(range(3, 63))
        first.end(end)
        assert waiting.result(30) == (1 if end == "commit" else 2)
        second.end("rollback")
    assert free_slots()[0] == (2 if end == "commit" else 1)
    expect_all_accounted_for()
    assert numbers(2) == ([2, 63] if end == "commit" else [1, 2])
    expect_all_accounted_for()


class TestNotGivenBack:
    """If the series' rule says that a number that came back may not go to a later document."""

    def test_below_the_highest_number_nothing_is_taken(self) -> None:
        pooled(give_back=False)
        with checkouts(2) as (first, second):
            first.begin()
            second.begin()
            assert first.run(number) == 1
            assert second.run(number) == 2
            second.commit()
            first.rollback()
        assert numbers(1) == [3]
        with transaction.atomic():
            assert [entry.value for entry in issue_many("invoice", documents=["a", "b"], on=DAY)] == [4, 5]
        assert free_slots()[0] == 1, "the sweep makes a gap of it"
        expect_all_accounted_for()

    def test_also_while_the_later_document_is_in_flight(self) -> None:
        pooled(give_back=False)
        with checkouts(3) as (first, second, third):
            for checkout in (first, second, third):
                checkout.begin()
            assert first.run(number) == 1
            assert second.run(number) == 2
            first.rollback()
            assert third.run(number) == 3, "2 has gone to a document before this one"
            second.commit()
            third.commit()
        expect_all_accounted_for()

    def test_over_many_batches(self) -> None:
        pooled(give_back=False)
        with checkouts(1) as (slow,):
            slow.begin()
            assert slow.run(number) == 1
            assert numbers(80) == list(range(2, 82))
            slow.rollback()
        assert numbers(20) == list(range(82, 102))
        assert values() == list(range(2, 102))
        expect_all_accounted_for()

    def test_the_preview_passes_over_it_too(self) -> None:
        pooled(give_back=False)
        with checkouts(2) as (first, second):
            first.begin()
            second.begin()
            first.run(number)
            second.run(number)
            second.commit()
            first.rollback()
        assert preview("invoice", on=DAY) == "INV-2026-000003"


class TestTamperedPools:
    def tampered_entry(self, *tampered: int) -> None:
        """Entries for values that wait in the pool, as somebody with a SQL prompt can make them."""
        with connection.cursor() as cursor:
            for value in tampered:
                cursor.execute(
                    "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on,"
                    " actor, metadata) SELECT tenant, series_id, id, %s, 'issued',"
                    " ledger_number(prefix, width, suffix, %s, NULL), '', starts_on, 'tampered', '{}'"
                    " FROM ledger_period",
                    [value, value],
                )

    def test_an_entry_for_a_free_slot_does_not_block_the_pool(self) -> None:
        pooled()
        assert numbers(1) == [1]
        self.tampered_entry(2, 4)
        assert numbers(3) == [3, 5, 6]
        expect_all_accounted_for()

    def test_nor_a_block(self) -> None:
        pooled()
        assert numbers(1) == [1]
        self.tampered_entry(*range(2, 14))
        with transaction.atomic():
            entries = issue_many("invoice", documents=["a", "b"], on=DAY)
        assert len({entry.value for entry in entries} - set(range(2, 14))) == 2
        expect_all_accounted_for()

    def test_a_slot_can_not_be_deleted_without_an_entry(self) -> None:
        pooled()
        numbers(1)
        with pytest.raises(IntegrityError, match="left ledger_slot without an entry"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM ledger_slot WHERE value = 2")
        assert numbers(1) == [2]

    def test_a_pool_that_lost_its_mark(self) -> None:
        pooled()
        numbers(30)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM ledger_pool")
        assert numbers(60) == list(range(31, 91))
        expect_all_accounted_for()


class TestWithoutASecondConnection:
    def test_the_pool_is_refilled_on_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        open_period(pooled(), DAY)
        with no_second_connection(monkeypatch), transaction.atomic():
            assert [number() for _ in range(40)] == list(range(1, 41))
        assert numbers(10) == list(range(41, 51))
        expect_all_accounted_for()

    def test_a_default_series_and_its_period_are_made_on_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with default_allocation(POOLED), no_second_connection(monkeypatch), transaction.atomic():
            assert [number() for _ in range(3)] == [1, 2, 3]
        expect_all_accounted_for()

    def test_when_it_comes_back_in_the_same_transaction(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The first connection holds the counter by then, and must not wait for itself."""
        open_period(pooled(), DAY)
        connection.close()
        with transaction.atomic():
            with no_second_connection(monkeypatch):
                assert number() == 1
            assert [number() for _ in range(39)] == list(range(2, 41))
        assert "lock timeout" not in caplog.text
        expect_all_accounted_for()

    def test_reserved_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        define_series("invoice", template="INV-{year}-{counter:06}", allocation="reserved")
        with transaction.atomic():
            with (
                no_second_connection(monkeypatch),
                pytest.raises(e.SecondConnectionFailed, match="too many clients.*two connections for each thread"),
            ):
                number()
            assert not Entry.objects.exists()
            # Nothing was made on the first connection, which the second could not see.
            assert number() == 1

    def test_a_default_series_that_reserves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with default_allocation("reserved"), transaction.atomic():
            with no_second_connection(monkeypatch), pytest.raises(e.SecondConnectionFailed):
                number()
            assert number() == 1


def test_slots_belong_to_a_period() -> None:
    pooled()
    with checkouts(2) as (old, new):
        old.begin()
        new.begin()
        assert old.run(lambda: number(on=date(2026, 12, 31))) == 1
        assert new.run(lambda: number(on=date(2027, 1, 1))) == 1
        assert old.run(lambda: number(on=date(2027, 1, 1))) == 2
        assert new.run(lambda: number(on=date(2026, 1, 1))) == 2
        old.rollback()
        new.commit()
    with transaction.atomic():
        assert [number(on=date(2026, 12, 31)), number(on=date(2027, 1, 1))] == [1, 2]
    assert Entry.objects.filter(period__starts_on=date(2026, 1, 1)).count() == 2
    assert Period.objects.count() == 2
    expect_all_accounted_for()


def test_set_constraints_all_immediate_changes_nothing() -> None:
    pooled()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert number("a") == 1
        assert [entry.value for entry in issue_many("invoice", documents=["a", "b"], on=DAY)] == [1, 2]
    expect_all_accounted_for()


def test_the_preview_names_the_lowest_free_slot() -> None:
    pooled()
    with checkouts(2) as (first, second):
        first.begin()
        second.begin()
        first.run(number)
        second.run(number)
        second.commit()
        first.rollback()
    assert preview("invoice", on=DAY) == "INV-2026-000001"
    assert numbers(1) == [1]
    assert preview("invoice", on=DAY) == "INV-2026-000003"
