"""Races that every allocation must win, each with a commit twin and a rollback twin where it has an end."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from ledger import close_period, define_series, errors as e, issue, issue_many, preview
from ledger.models import Entry, Period, Series
from tests.allocations import (
    AT_COMMIT,
    DAY,
    POOLED,
    RESERVED,
    SERIAL,
    default_allocation,
    expect_all_accounted_for,
    free_slots,
    reserved_values,
    values,
)
from tests.concurrency.checkouts import Checkout, checkouts, in_threads, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])


def defined(allocation: str, code: str = "invoice", **settings: Any) -> Series:
    """A series with its period of 2026, so that a race is only about the numbers."""
    series = define_series(code, **{"template": "INV-{year}-{counter:06}", "allocation": allocation, **settings})
    with transaction.atomic():
        issue(code, on=DAY)
    return series


def number(document: str | None = None, series: str = "invoice", on: date = DAY) -> int:
    """The value of a number, which at_commit decides when it is asked for."""
    return issue(series, document=document, on=on).value


@ENDS
def test_the_same_document_on_two_connections(allocation: str, end: str) -> None:
    defined(allocation)
    with checkouts(2) as (first, second):
        first.begin()
        original = first.run(lambda: number("order:17"))
        assert first.run(lambda: number("order:17")) == original == 2, "the same transaction finds it"
        second.begin()
        waiting = second.do(lambda: number("order:17"))
        wait_until_blocked(second, waiting)
        first.end(end)
        retried = waiting.result(30)
        second.commit()
    # After a rollback the pool's lowest slot is free again, but the second checkout holds the next one already.
    assert retried == (3 if (allocation, end) == (POOLED, "rollback") else 2)
    assert Entry.objects.get(document="order:17").value == retried
    assert Entry.objects.count() == 2
    assert reserved_values() == [], "a retry is given the reservation that is there"
    expect_all_accounted_for()
    with transaction.atomic():
        assert number() == ({2, 3} - {retried}).pop(), "nothing was burnt"


@ENDS
def test_the_same_document_with_other_facts_on_two_connections(allocation: str, end: str) -> None:
    defined(allocation)

    def with_metadata(total: str) -> int:
        return issue("invoice", document="order:17", on=DAY, metadata={"total": total}).value

    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: with_metadata("10.00"))
        second.begin()
        waiting = second.do(lambda: with_metadata("12.00"))
        wait_until_blocked(second, waiting)
        first.end(end)
        if end == "commit":
            with pytest.raises(e.LedgerError) as refused:
                waiting.result(30)
            assert isinstance(refused.value, e.DocumentConflict | e.CommitRefused)
            second.rollback()
        else:
            waiting.result(30)
            second.commit()
    assert Entry.objects.get(document="order:17").metadata == {"total": "10.00" if end == "commit" else "12.00"}
    expect_all_accounted_for()


@ENDS
def test_a_block_with_a_document_of_another_checkout(allocation: str, end: str) -> None:
    defined(allocation)
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: [entry.value for entry in issue_many("invoice", documents=["a", "b"], on=DAY)])
        second.begin()
        waiting = second.do(lambda: [entry.value for entry in issue_many("invoice", documents=["b", "c"], on=DAY)])
        wait_until_blocked(second, waiting)
        first.end(end)
        taken = waiting.result(30)
        second.commit()
    found = dict(Entry.objects.exclude(document="").values_list("document", "value"))
    assert [found["b"], found["c"]] == taken
    assert sorted(found) == (["a", "b", "c"] if end == "commit" else ["b", "c"])
    expect_all_accounted_for()
    assert reserved_values() == ([2] if (allocation, end) == (RESERVED, "rollback") else [])


def test_two_blocks_of_the_same_documents_in_opposite_orders(allocation: str) -> None:
    """A third checkout holds up the first block half-way; once it ends, neither block may wait for the other."""
    defined(allocation)

    def block(*documents: str) -> list[int]:
        with transaction.atomic():
            return [entry.value for entry in issue_many("invoice", documents=documents, on=DAY)]

    with checkouts(3) as (holder, first, second):
        holder.begin()
        holder.run(lambda: number("m"))
        one = first.do(lambda: block("a", "m", "b"))
        wait_until_blocked(first, one)
        other = second.do(lambda: block("b", "a"))
        wait_until_blocked(second, other, or_done=True)
        holder.rollback()
        assert one.result(30)[::-2] == other.result(30)
    expect_all_accounted_for()


def test_a_retry_does_not_queue_behind_another_checkout(allocation: str) -> None:
    defined(allocation)
    with transaction.atomic():
        number("order:17")
    with checkouts(2) as (slow, retry):
        slow.begin()
        assert slow.run(number) == 3
        retry.begin()
        assert retry.run(lambda: number("order:17")) == 2
        assert retry.run(lambda: issue_many("invoice", documents=["order:17"], on=DAY)[0].value) == 2
        retry.commit()
        slow.commit()


@ENDS
def test_a_default_series_is_made_while_another_checkout_is_open(unlocked: str, end: str) -> None:
    with default_allocation(unlocked), checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue("invoice", document="a", on=DAY).pk)
        second.begin()
        second.run(lambda: issue("invoice", document="b", on=DAY).pk)
        second.commit()
        first.end(end)
    assert Series.objects.get().allocation == unlocked
    assert Period.objects.count() == 1
    assert Entry.objects.count() == (2 if end == "commit" else 1)
    expect_all_accounted_for()


@ENDS
def test_a_period_begins_while_another_checkout_is_open(unlocked: str, end: str) -> None:
    defined(unlocked)
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue("invoice", document="a", on=date(2027, 1, 1)).pk)
        second.begin()
        second.run(lambda: issue("invoice", document="b", on=date(2027, 1, 1)).pk)
        second.commit()
        first.end(end)
    assert Period.objects.count() == 2
    assert Entry.objects.filter(issued_on=date(2027, 1, 1)).count() == (2 if end == "commit" else 1)
    expect_all_accounted_for()


def test_sixteen_threads_begin_a_default_series_and_its_year_at_once(allocation: str) -> None:
    def checkout(_: int) -> None:
        with transaction.atomic():
            issue("invoice", on=date(2027, 1, 1))

    with default_allocation(allocation):
        in_threads(16, checkout)
    assert values() == list(range(1, 17))
    assert Period.objects.count() == Series.objects.count() == 1
    assert reserved_values() == []
    expect_all_accounted_for()


def test_outside_a_transaction_is_refused(allocation: str) -> None:
    defined(allocation)
    before = Period.objects.get().last_value
    with pytest.raises(e.TransactionRequired, match=r"outside a transaction.*transaction\.atomic\(\)"):
        issue("invoice", on=DAY)
    with pytest.raises(e.TransactionRequired):
        issue_many("invoice", documents=["a"], on=DAY)
    assert Period.objects.get().last_value == before
    assert preview("invoice", on=DAY) == "INV-2026-000002"


def test_a_killed_connection(allocation: str) -> None:
    defined(allocation)
    doomed = Checkout()
    doomed.begin()
    assert doomed.run(lambda: number("order:17")) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [doomed.pid])
        assert cursor.fetchone() == (True,)
    with pytest.raises(OperationalError):
        doomed.commit()
    doomed.close()
    with transaction.atomic():
        assert number() == (3 if allocation == RESERVED else 2)
    with transaction.atomic():
        assert number("order:17") == (2 if allocation == RESERVED else 3)
    assert values() == [1, 2, 3]
    expect_all_accounted_for()


def test_an_answer_to_commit_that_is_lost(allocation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told whether it was committed; the same document finds its number in a new transaction."""
    defined(allocation)
    commit = psycopg.Connection.commit

    def lost(driver: psycopg.Connection[Any]) -> None:
        commit(driver)
        driver.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with checkouts(1) as (checkout,):
        checkout.begin()
        checkout.run(lambda: issue("invoice", document="order:17", on=DAY))
        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Connection, "commit", lost)
            with pytest.raises(OperationalError, match="closed the connection"):
                checkout.commit()
    with transaction.atomic():
        assert number("order:17") == 2
    with transaction.atomic():
        assert number() == 3
    assert values() == [1, 2, 3]
    expect_all_accounted_for()


@ENDS
def test_back_dated_while_another_checkout_is_in_the_new_year(unlocked: str, end: str) -> None:
    defined(unlocked)
    with checkouts(2) as (new, old):
        new.begin()
        new.run(lambda: issue("invoice", document="new", on=date(2027, 1, 1)).pk)
        old.begin()
        assert old.run(lambda: number("old", on=date(2026, 12, 31))) == 2
        new.end(end)
        old.commit()
    assert Entry.objects.get(document="old").number == "INV-2026-000002"
    assert Entry.objects.filter(document="new").count() == (1 if end == "commit" else 0)
    expect_all_accounted_for()


def test_many_documents_at_once_each_asked_for_by_four(allocation: str) -> None:
    defined(allocation)

    def checkout(worker: int) -> list[int]:
        taken = []
        for order in range(10):
            with transaction.atomic():
                entry = issue("invoice", document=f"order:{order}", on=DAY)
            taken.append(entry.value)
        return taken

    answers = in_threads(4, checkout)
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert Entry.objects.count() == 11
    assert reserved_values() == []
    expect_all_accounted_for()
    if allocation != POOLED:
        assert values() == list(range(1, 12))


def test_the_last_numbers_and_no_more(allocation: str) -> None:
    """Nine checkouts want six numbers: six get one each, three get the error that the series is exhausted."""
    define_series("invoice", template="I{year}-{counter}", max_length=7, start_value=4, allocation=allocation)

    def checkout(_: int) -> str:
        try:
            with transaction.atomic():
                return str(issue("invoice", on=DAY).value)
        except (e.PeriodExhausted, e.CommitRefused) as error:
            return type(error).__name__

    taken = in_threads(9, checkout)
    assert sorted(taken)[:6] == ["4", "5", "6", "7", "8", "9"]
    assert len(values()) == 6
    assert set(taken[6:]) <= {"4", "5", "6", "7", "8", "9", "PeriodExhausted", "CommitRefused"}
    assert free_slots() == reserved_values() == []
    expect_all_accounted_for()


@pytest.mark.parametrize("allocation", [SERIAL, AT_COMMIT])
def test_closing_waits_for_a_checkout_that_knows_its_number(allocation: str) -> None:
    defined(allocation)
    with checkouts(2) as (checkout, clerk):
        checkout.begin()
        checkout.run(number)
        closing = clerk.do(lambda: close_period(Period.objects.get(), early=True))
        wait_until_blocked(clerk, closing)
        checkout.commit()
        assert closing.result(30).closed_at is not None
    assert values() == [1, 2]
    expect_all_accounted_for()


def test_the_series_may_be_defined_again_in_the_checkout_that_begins_a_period(allocation: str) -> None:
    """Calling define_series at each use is safe, as its documentation says; there is nobody else to wait for."""
    defined(allocation)
    with transaction.atomic():
        define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation)
        assert number(on=date(2027, 1, 1)) == 1
    expect_all_accounted_for()


@pytest.mark.parametrize("allocation", [SERIAL, AT_COMMIT, POOLED])
def test_forty_numbers_in_the_transaction_that_defines_the_series(allocation: str) -> None:
    """More than one batch of the pool; no other connection can see them yet."""
    with transaction.atomic():
        define_series("own", template="O{counter:03}", calendar="never", allocation=allocation)
        assert [number(series="own") for _ in range(40)] == list(range(1, 41))
    expect_all_accounted_for()


def test_a_series_that_only_this_transaction_knows_cannot_be_reserved_from() -> None:
    with transaction.atomic():
        define_series("own", template="O{counter:03}", calendar="never", allocation=RESERVED)
        with pytest.raises(e.NotReservable, match="'own' or its period is visible to this transaction alone"):
            number(series="own")
        with pytest.raises(e.NotReservable):
            issue_many("own", documents=["a"], on=DAY)
    with transaction.atomic():
        assert number(series="own") == 1, "once it is committed, it can"
    expect_all_accounted_for()
