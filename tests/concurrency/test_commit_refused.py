"""Failures while COMMIT numbers tickets: our own error, nothing is written, no callback runs, and work continues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger import close_period, define_series, errors as e, issue, issue_many, open_period
from ledger.models import Entry, Period, Series
from ledger.models.queues import Ticket
from tests.allocations import AT_COMMIT, DAY, expect_all_accounted_for, values
from tests.concurrency.checkouts import Checkout, checkouts, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATE = "INV-{year}-{counter:06}"


@pytest.fixture(autouse=True)
def no_ticket_outlives_its_transaction() -> Iterator[None]:
    yield
    assert not Ticket.objects.exists()


def at_commit(code: str = "invoice", template: str = TEMPLATE, **settings: Any) -> Series:
    series = define_series(code, template=template, allocation=AT_COMMIT, **settings)
    open_period(series, DAY)
    return series


def ticket(document: str | None = None, series: str = "invoice", **arguments: Any) -> Entry:
    return issue(series, document=document, **{"on": DAY, **arguments})


def refused(checkout: Checkout, error: type[e.LedgerError], match: str) -> None:
    """COMMIT raises this; its callbacks don't run, and the same connection can begin again."""
    told: list[str] = []
    checkout.run(lambda: transaction.on_commit(lambda: told.append("committed")))
    before = Entry.objects.count()
    with pytest.raises(error, match=match) as caught:
        checkout.commit()
    assert isinstance(caught.value, DatabaseError), "as what Django expects of a COMMIT"
    assert told == []
    assert Entry.objects.count() == before
    assert checkout.run(lambda: connection.in_atomic_block) is False
    assert checkout.run(still_usable) == 1


def still_usable() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        one: int = cursor.fetchone()[0]
    return one


@pytest.mark.parametrize("block", [False, True])
def test_a_period_closed_meanwhile(block: bool) -> None:
    at_commit()
    with checkouts(1) as (checkout,):
        checkout.begin()
        lost = checkout.run(
            lambda: (
                issue_many("invoice", documents=["order:17", "order:18"], on=DAY)[0] if block else ticket("order:17")
            )
        )
        close_period(Period.objects.get(), early=True)
        refused(checkout, e.CommitRefused, "Document 'order:17' of tenant ''.*the period was closed")
        with pytest.raises(e.NotIssued):
            str(lost)
    assert values() == []
    expect_all_accounted_for()


def test_a_series_switched_off_meanwhile() -> None:
    series = at_commit()
    with checkouts(1) as (checkout,):
        checkout.begin()
        checkout.run(ticket)
        Series.objects.filter(pk=series.pk).update(is_active=False)
        refused(checkout, e.CommitRefused, "the series was switched off")
    expect_all_accounted_for()


def test_a_stated_date_that_is_too_early_by_then() -> None:
    at_commit(chronological=True)
    with checkouts(2) as (early, late):
        early.begin()
        early.run(lambda: ticket(on=date(2026, 6, 10)))
        late.begin()
        late.run(lambda: ticket(on=date(2026, 6, 20)))
        late.commit()
        refused(early, e.CommitRefused, "dated 2026-06-10, got no number at COMMIT: a later date has been issued")
        early.begin()
        with pytest.raises(e.OutOfOrder, match="2026-06-10 is before 2026-06-20"):
            early.run(lambda: ticket(on=date(2026, 6, 10)))
        early.commit()
    assert values() == [1]
    expect_all_accounted_for()


@pytest.mark.parametrize("block", [False, True])
def test_a_date_that_nobody_stated_is_that_of_the_commit(block: bool) -> None:
    """Between issue and COMMIT the series moves to a zone where it is tomorrow, as at midnight."""
    define_series(
        "ticket",
        template="T{counter}",
        calendar="never",
        allocation=AT_COMMIT,
        chronological=True,
        time_zone="Pacific/Pago_Pago",
    )
    with checkouts(2) as (first, second):
        first.begin()
        entry = first.run(
            lambda: issue_many("ticket", documents=["a", "b"])[0] if block else issue("ticket", document="a")
        )
        before = entry.issued_on
        define_series("ticket", time_zone="Pacific/Kiritimati")
        second.begin()
        later = second.run(lambda: issue("ticket").issued_on)
        second.commit()
        assert later >= before + timedelta(days=1)
        first.commit()
    stored = Entry.objects.get(document="a")
    assert stored.issued_on >= later
    assert entry.issued_on == stored.issued_on, "the ticket tells the date that counts"
    dates = list(Entry.objects.order_by("value").values_list("issued_on", flat=True))
    assert dates == sorted(dates)


def test_the_last_number_taken_meanwhile() -> None:
    at_commit("short", "S{year}-{counter}", max_length=7, start_value=9)
    with checkouts(2) as (first, second):
        for checkout in (first, second):
            checkout.begin()
            checkout.run(lambda: ticket(series="short"))
        first.commit()
        refused(second, e.CommitRefused, "the next number would be too long")
    assert values("short") == [9]


def test_the_document_got_a_number_with_other_facts_meanwhile() -> None:
    at_commit()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: ticket("order:17", metadata={"total": 1}))
        second.begin()
        second.run(lambda: ticket("order:17", metadata={"total": 2}))
        first.commit()
        refused(second, e.CommitRefused, "another date or other metadata")
    assert Entry.objects.get().metadata == {"total": 1}


def test_a_number_that_another_series_gave_out() -> None:
    at_commit("old", "OLD-{counter}", calendar="never")
    with transaction.atomic():
        ticket(series="old").value  # noqa: B018
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_period SET last_value = 2 WHERE prefix = 'OLD-'")
        cursor.execute(
            "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor,"
            " metadata) SELECT tenant, series_id, id, 2, 'adopted', 'inv-2026-000001', '', '2026-01-01', '', '{}'"
            " FROM ledger_period WHERE prefix = 'OLD-'"
        )
    at_commit()
    with checkouts(1) as (checkout,):
        checkout.begin()
        checkout.run(ticket)
        refused(checkout, e.NumberTaken, "would repeat a number of the same tenant")


def test_lock_timeout_at_commit() -> None:
    at_commit()
    with checkouts(2) as (holder, impatient):
        holder.begin()
        holder.run(lambda: ticket().value)
        impatient.begin()
        impatient.run(ticket)
        impatient.run(lambda: run_sql("SET LOCAL lock_timeout = '20ms'"))
        refused(impatient, e.LockTimeout, "at COMMIT.* held by another checkout")
        holder.commit()
    assert values() == [1]
    expect_all_accounted_for()


def test_a_deadlock_at_commit() -> None:
    """Both asked for a number early, each from the other's series: the documentation warns of that."""
    at_commit("a", "A{counter}", calendar="never")
    at_commit("b", "B{counter}", calendar="never")
    with checkouts(2) as (first, second):
        for checkout, asked, pending in ((first, "a", "b"), (second, "b", "a")):
            checkout.begin()
            checkout.run(lambda asked=asked: ticket(series=asked).value)  # type: ignore[misc]
            checkout.run(lambda pending=pending: ticket(series=pending))  # type: ignore[misc]
        one = first.do(leave(first))
        wait_until_blocked(first, one)
        other = second.do(leave(second))
        errors = [step.exception(30) for step in (one, other)]
    (error,) = [error for error in errors if error is not None]
    assert isinstance(error, e.DeadlockDetected)
    assert "at COMMIT" in str(error)
    assert (values("a"), values("b")) == ([1], [1])
    expect_all_accounted_for()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_another_commit_was_first(isolation: str) -> None:
    at_commit()
    with checkouts(2) as (first, second):
        for checkout in (first, second):
            checkout.begin()
            checkout.run(lambda: run_sql(f"SET TRANSACTION ISOLATION LEVEL {isolation}"))
            checkout.run(ticket)
        first.commit()
        refused(second, e.SerializationFailure, "at COMMIT.* changed since this transaction began")
    assert values() == [1]


def test_asked_before_commit_the_error_comes_then() -> None:
    at_commit()
    with checkouts(1) as (checkout,):
        checkout.begin()
        entry = checkout.run(lambda: ticket("order:17"))
        close_period(Period.objects.get(), early=True)
        with pytest.raises(e.LedgerError, match="order:17") as caught:
            checkout.run(lambda: str(entry))
        assert isinstance(caught.value, e.CommitRefused | e.PeriodClosed)
        checkout.rollback()
    expect_all_accounted_for()


def test_another_table_s_error_at_commit_is_left_as_it_is() -> None:
    at_commit()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bill (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    try:
        with checkouts(1) as (checkout,):
            checkout.begin()
            checkout.run(ticket)
            checkout.run(lambda: run_sql("INSERT INTO bill VALUES (1), (1)"))
            with pytest.raises(IntegrityError, match="bill_id_key") as caught:
                checkout.commit()
        assert not isinstance(caught.value, e.LedgerError)
    finally:
        run_sql("DROP TABLE bill")
    assert values() == []


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def leave(checkout: Checkout) -> Callable[[], None]:
    """COMMIT, to be run as a step that may fail."""
    return lambda: checkout._leave(None)
