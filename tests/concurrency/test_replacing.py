"""Two checkouts give one document a new number at once, in each allocation: it gets one."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction

from ledger import define_series, errors as e, issue, void
from ledger.models import Entry, Period
from tests.allocations import DAY, POOLED, RESERVED, expect_all_accounted_for
from tests.concurrency.checkouts import checkouts, wait_until_blocked
from tests.drafts import remote_series, stock

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])


def voided(allocation: str) -> Entry:
    if allocation == "remote":
        stock(remote_series(), [f"B-{n}" for n in range(1, 9)])
    else:
        define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation)
    with transaction.atomic():
        entry = issue("invoice", document="order:17", on=DAY)
    with transaction.atomic():
        void(entry, reason="wrong address")
    return Entry.objects.get(pk=entry.pk)


def replaced(entry: Entry, on: date = DAY) -> str:
    return issue("invoice", document="order:17", on=on, replaces=entry).number


@ENDS
@pytest.mark.parametrize("allocation", ["serial", "at_commit", "pooled", "reserved", "remote"])
def test_one_wins_and_the_other_gets_its_number(allocation: str, end: str) -> None:
    first = voided(allocation)
    with checkouts(2) as (one, other):
        one.begin()
        given = one.run(lambda: replaced(first))
        other.begin()
        waiting = other.do(lambda: replaced(first))
        wait_until_blocked(other, waiting)
        one.end(end)
        got = waiting.result(30)
        other.commit()
    row = Entry.objects.get(replaces=first)
    assert (row.document, row.number) == ("order:17", got)
    # After a rollback the pool's lowest slot is free again, but the other checkout holds the next one already.
    assert (got == given) is (end == "commit" or allocation not in (POOLED, "remote"))
    expect_all_accounted_for()


def test_both_at_commit_without_asking_for_the_number() -> None:
    first = voided("at_commit")
    with checkouts(2) as (one, other):
        for checkout in (one, other):
            checkout.begin()
            checkout.run(lambda: issue("invoice", document="order:17", on=DAY, replaces=first).pk)
        one.commit()
        other.commit()
    assert Entry.objects.get(replaces=first).value == 2
    expect_all_accounted_for()


def test_the_entry_of_at_commit_is_the_new_one_after_commit() -> None:
    first = voided("at_commit")
    with transaction.atomic():
        second = issue("invoice", document="order:17", on=DAY, replaces=first)
        assert issue("invoice", document="order:17", on=DAY).pk == second.pk, "it waits for COMMIT"
    assert (second.number, second.replaces_id) == ("INV-2026-000002", first.pk)


def test_a_ticket_whose_document_was_numbered_and_voided_meanwhile() -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", allocation="at_commit")
    with checkouts(2) as (slow, quick):
        slow.begin()
        slow.run(lambda: issue("invoice", document="order:17", on=DAY).pk)
        quick.begin()
        quick.run(lambda: void(issue("invoice", document="order:17", on=DAY), reason="a test").pk)
        quick.commit()
        with pytest.raises(e.DocumentVoided, match="void already") as refused:
            slow.commit()
        assert isinstance(refused.value, e.CommitRefused)
    assert Entry.objects.count() == 1
    expect_all_accounted_for()


def test_in_two_periods_at_once() -> None:
    """They share no counter, so an index decides."""
    first = voided("serial")
    with checkouts(2) as (one, other):
        one.begin()
        one.run(lambda: replaced(first))
        other.begin()
        waiting = other.do(lambda: replaced(first, date(2027, 1, 1)))
        wait_until_blocked(other, waiting)
        one.commit()
        with pytest.raises(e.SerializationFailure):
            waiting.result(30)
        other.rollback()
    assert Entry.objects.filter(replaces=first).count() == 1


@pytest.mark.parametrize("allocation", ["serial", "at_commit", RESERVED])
def test_voiding_the_latest_date_takes_no_counter_and_frees_the_series(allocation: str) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation, chronological=True)
    with transaction.atomic():
        issue("invoice", on=DAY)
    with transaction.atomic():
        mistyped = issue("invoice", document="order:17", on=date(2026, 12, 31))
    with checkouts(2) as (checkout, clerk):
        checkout.begin()
        if allocation != RESERVED:  # whose value would wait for a sweep, with that very date
            assert checkout.run(lambda: issue("invoice", on=date(2026, 12, 31)).value) == 3
        clerk.begin()
        clerk.run(lambda: void(mistyped, reason="mistyped").pk)
        clerk.commit()
        checkout.rollback()
    with transaction.atomic():
        entry = issue("invoice", document="order:17", on=date(2026, 6, 2), replaces=mistyped.number)
    assert entry.issued_on == date(2026, 6, 2)
    assert Period.objects.get().last_issued_on == date(2026, 6, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_latest_date('', %s)", [Period.objects.get().pk])
        assert cursor.fetchone() == (date(2026, 6, 2),)
    expect_all_accounted_for()
