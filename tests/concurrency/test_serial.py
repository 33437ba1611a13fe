"""The allocation `serial` with several checkouts at once; each race with a commit twin and a rollback twin."""

from __future__ import annotations

import random
from concurrent.futures import Future
from datetime import date
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from ledger import close_period, define_series, errors as e, issue, issue_many, open_period, void
from ledger.models import Entry, NumberVoided, Period, Series
from ledger.periods import find_period
from tests.concurrency.checkouts import Checkout, checkouts, in_threads, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])
DAY = date(2026, 6, 1)


def values(series: str = "invoice") -> list[int]:
    return list(Entry.objects.filter(series__code=series).order_by("value").values_list("value", flat=True))


def opened(*series: str) -> None:
    """Open the periods of these series, so that a race is about the counter alone."""
    for code in series or ("invoice",):
        with transaction.atomic():
            issue(code, on=DAY)


def number(document: str | None = None, series: str = "invoice", **arguments: object) -> int:
    return issue(series, document=document, on=DAY, **arguments).value  # type: ignore[arg-type]


def test_outside_a_transaction_is_refused() -> None:
    with pytest.raises(e.TransactionRequired, match=r"outside a transaction.*transaction\.atomic\(\)"):
        issue("invoice")
    with pytest.raises(e.TransactionRequired):
        issue_many("invoice", documents=["a"])
    assert not Series.objects.exists()


@ENDS
def test_the_second_checkout_waits_and_then_succeeds(end: str) -> None:
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(number) == 2
        second.begin()
        waiting = second.do(number)
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30) == (3 if end == "commit" else 2)
        second.commit()
    assert values() == ([1, 2, 3] if end == "commit" else [1, 2])
    assert Period.objects.get().last_value == values()[-1]


@ENDS
def test_a_block_waits_too(end: str) -> None:
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue_many("invoice", documents=["a", "b"], on=DAY))
        second.begin()
        waiting = second.do(lambda: issue_many("invoice", documents=["b", "c"], on=DAY))
        wait_until_blocked(second, waiting)
        first.end(end)
        assert [entry.value for entry in waiting.result(30)] == ([3, 4] if end == "commit" else [2, 3])
        second.commit()
    assert values() == ([1, 2, 3, 4] if end == "commit" else [1, 2, 3])


def test_other_series_and_tenants_do_not_wait() -> None:
    opened("invoice", "order")
    with transaction.atomic():
        issue("invoice", org="b", on=DAY)
    with checkouts(3) as (first, second, third):
        for checkout in (first, second, third):
            checkout.begin()
        assert first.run(number) == 2
        assert second.run(lambda: number(series="order")) == 2, "another series, while the first holds its counter"
        assert third.run(lambda: number(org="b")) == 2, "another tenant"
        for checkout in (third, second, first):
            checkout.commit()


@ENDS
def test_the_same_document_on_two_connections(end: str) -> None:
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        original = first.run(lambda: issue("invoice", document="order:17", on=DAY))
        second.begin()
        waiting = second.do(lambda: issue("invoice", document="order:17", on=DAY))
        wait_until_blocked(second, waiting)
        first.end(end)
        retried = waiting.result(30)
        second.commit()
    assert retried.value == 2
    assert (retried.pk == original.pk) is (end == "commit")
    assert values() == [1, 2]
    assert Period.objects.get().last_value == 2, "nothing was burnt"
    with transaction.atomic():
        assert number() == 3


@ENDS
def test_the_same_document_under_the_chronology_guard(end: str) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", chronological=True)
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue("invoice", document="order:17", on=date(2026, 6, 2)))
        second.begin()
        waiting = second.do(lambda: issue("invoice", document="order:17", on=date(2026, 6, 30)))
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30).value == 2
        second.commit()
    period = Period.objects.get()
    assert (period.last_value, period.last_issued_on) == (2, date(2026, 6, 2 if end == "commit" else 30))


def test_a_retry_does_not_queue_behind_another_checkout() -> None:
    opened()
    with transaction.atomic():
        number("order:17")
    with checkouts(2) as (slow, retry):
        slow.begin()
        assert slow.run(number) == 3
        retry.begin()
        assert retry.run(lambda: number("order:17")) == 2
        retry.commit()
        slow.commit()


@ENDS
def test_the_period_is_opened_by_whoever_comes_first(end: str) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(number) == 1
        second.begin()
        waiting = second.do(number)
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30) == (2 if end == "commit" else 1)
        second.commit()
    assert Period.objects.count() == 1
    assert values() == ([1, 2] if end == "commit" else [1])


@ENDS
def test_a_default_series_is_made_by_whoever_comes_first(end: str) -> None:
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(number) == 1
        second.begin()
        waiting = second.do(number)
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30) == (2 if end == "commit" else 1)
        second.commit()
    assert Series.objects.count() == 1


def test_eight_threads_open_the_new_year_at_once() -> None:
    def checkout(_: int) -> int:
        with transaction.atomic():
            return issue("invoice", on=date(2027, 1, 1)).value

    assert sorted(in_threads(8, checkout)) == list(range(1, 9))
    assert Period.objects.count() == Series.objects.count() == 1


def test_a_period_that_another_checkout_opened_a_moment_ago_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    seen = [None]

    def late(*arguments: Any) -> Period | None:
        """Look just before the other checkout commits, once."""
        return seen.pop() if seen else find_period(*arguments)

    monkeypatch.setattr("ledger.periods.find_period", late)
    period = open_period(Series.objects.get(), DAY)
    assert (period.pk, seen) == (Period.objects.get().pk, [])


def test_series_in_opposite_orders_end_in_an_explained_deadlock() -> None:
    opened("invoice", "order")
    with checkouts(2) as (first, second):
        first.begin()
        second.begin()
        first.run(lambda: number(series="invoice"))
        second.run(lambda: number(series="order"))
        one = first.do(lambda: number(series="order"))
        wait_until_blocked(first, one)
        other = second.do(lambda: number(series="invoice"))
        outcomes = {first: one, second: other}
        failed = [checkout for checkout, step in outcomes.items() if step.exception(30)]
        assert len(failed) == 1
        error = outcomes[failed[0]].exception()
        assert isinstance(error, e.DeadlockDetected)
        assert isinstance(error, OperationalError), "a host's retry wrapper catches it"
        assert "Run the whole transaction again" in str(error)
        failed[0].rollback()
        (survivor,) = set(outcomes) - set(failed)
        survivor.commit()
        failed[0].begin()
        assert failed[0].run(lambda: number(series="invoice")) == 3, "the retry succeeds"
        failed[0].commit()
    assert (values("invoice"), values("order")) == ([1, 2, 3], [1, 2])


def test_a_lock_timeout_is_explained() -> None:
    opened()

    def impatient() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '20ms'")
        return number()

    with checkouts(2) as (first, second):
        first.begin()
        first.run(number)
        second.begin()
        with pytest.raises(e.LockTimeout, match="'invoice'.* is held by another checkout"):
            second.run(impatient)
        second.rollback()
        first.commit()
    assert values() == [1, 2]


def test_a_refused_checkout_holds_up_nobody() -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", chronological=True)
    define_series("short", template="S{year}-{counter}", max_length=8)
    opened("invoice", "short")
    with transaction.atomic():
        close_period(issue("invoice", on=date(2025, 1, 1)).period)
        issue_many("short", documents=[str(document) for document in range(98)], on=DAY)
    refusals: list[tuple[str, date, type[e.LedgerError]]] = [
        ("invoice", date(2025, 1, 2), e.PeriodClosed),
        ("invoice", date(2026, 5, 31), e.OutOfOrder),
        ("short", DAY, e.PeriodExhausted),
    ]
    with checkouts(2) as (refused, other):
        for code, day, error in refusals:
            refused.begin()
            with pytest.raises(error):
                refused.run(lambda code=code, day=day: issue(code, on=day))  # type: ignore[misc]
            with pytest.raises(error):
                refused.run(lambda code=code, day=day: issue_many(code, documents=["x"], on=day))  # type: ignore[misc]
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks WHERE pid = %s AND locktype IN ('advisory', 'tuple')", [refused.pid]
                )
                assert cursor.fetchone() == (0,), code
            other.begin()
            other.run(lambda: number(series="invoice"))
            other.commit()
            refused.rollback()


def test_a_block_and_a_number_in_one_transaction_while_another_waits() -> None:
    """Both queue before they lock, or the one would hold what the other waits for."""
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue_many("invoice", documents=["a"], on=DAY))
        second.begin()
        waiting = second.do(number)
        wait_until_blocked(second, waiting)
        assert first.run(number) == 3
        first.commit()
        assert waiting.result(30) == 4
        second.commit()


@ENDS
def test_closing_waits_for_the_checkout_and_then_refuses(end: str) -> None:
    opened()
    period = Period.objects.get()
    with checkouts(2) as (checkout, clerk):
        checkout.begin()
        checkout.run(number)
        closing = clerk.do(lambda: close_period(period, early=True))
        wait_until_blocked(clerk, closing)
        checkout.end(end)
        assert closing.result(30).closed_at is not None
    with pytest.raises(e.PeriodClosed), transaction.atomic():
        number()
    assert values() == ([1, 2] if end == "commit" else [1])
    assert Period.objects.get().last_value == values()[-1]


@ENDS
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("block", [False, True])
def test_a_period_closed_while_a_checkout_waits(end: str, block: bool, early: bool) -> None:
    """One that has ended keeps its highest value; one that is closed early has none left."""
    day = DAY if early else date(2020, 6, 1)

    def take() -> int:
        return issue_many("invoice", documents=["a"], on=day)[0].value if block else issue("invoice", on=day).value

    with transaction.atomic():
        issue("invoice", on=day)
    period = Period.objects.get()
    with checkouts(2) as (clerk, late):
        clerk.begin()
        clerk.run(lambda: close_period(period, early=early))
        late.begin()
        waiting = late.do(take)
        wait_until_blocked(late, waiting)
        clerk.end(end)
        if end == "commit":
            with pytest.raises(e.PeriodClosed):
                waiting.result(30)
            assert late.run(Period.objects.count) == 1  # told before anything failed: the transaction goes on
        else:
            assert waiting.result(30) == 2
        late.commit()
    assert values() == ([1] if end == "commit" else [1, 2])


@ENDS
@pytest.mark.parametrize("block", [False, True])
def test_the_last_number_taken_while_a_checkout_waits(end: str, block: bool) -> None:
    define_series("invoice", template="I{year}-{counter}", max_length=7, start_value=8)
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(number) == 9
        second.begin()
        waiting = second.do(lambda: issue_many("invoice", documents=["a"], on=DAY)[0].value if block else number())
        wait_until_blocked(second, waiting)
        first.end(end)
        if end == "commit":
            with pytest.raises(e.PeriodExhausted, match="'I2026-10'"):
                waiting.result(30)
        else:
            assert waiting.result(30) == 9
        second.commit()
    assert values() == [8, 9]


def test_the_guard_looks_again_after_waiting() -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", chronological=True)
    opened()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue("invoice", on=date(2026, 6, 20)))
        second.begin()
        waiting = second.do(lambda: issue("invoice", on=date(2026, 6, 10)))
        wait_until_blocked(second, waiting)
        first.commit()
        with pytest.raises(e.OutOfOrder, match="2026-06-10 is before 2026-06-20"):
            waiting.result(30)
        second.commit()
    assert values() == [1, 2]


@ENDS
def test_two_voids_of_one_number(end: str) -> None:
    opened()
    entry = Entry.objects.get()
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: void(entry, reason="first"))
        second.begin()
        waiting = second.do(lambda: void(entry, reason="second"))
        wait_until_blocked(second, waiting)
        first.end(end)
        if end == "commit":
            with pytest.raises(e.AlreadyVoided):
                waiting.result(30)
        else:
            assert waiting.result(30).reason == "second"
        second.commit()
    assert NumberVoided.objects.count() == 1


def test_a_killed_connection_leaves_no_gap() -> None:
    opened()
    doomed = Checkout()
    doomed.begin()
    assert doomed.run(number) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [doomed.pid])
        assert cursor.fetchone() == (True,)
    with transaction.atomic():
        assert number() == 2
    with pytest.raises(OperationalError):
        doomed.commit()
    doomed.close()
    assert values() == [1, 2]


def test_the_same_document_in_two_periods_at_once() -> None:
    opened()
    with transaction.atomic():
        issue("invoice", on=date(2027, 1, 1))
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: issue("invoice", document="order:17", on=date(2026, 12, 31)))
        second.begin()
        waiting: Future[Entry] = second.do(lambda: issue("invoice", document="order:17", on=date(2027, 1, 1)))
        wait_until_blocked(second, waiting)
        first.commit()
        with pytest.raises(e.SerializationFailure, match="order:17.*Run the whole transaction again"):
            waiting.result(30)
        second.rollback()
        second.begin()
        with pytest.raises(e.DocumentConflict):
            second.run(lambda: issue("invoice", document="order:17", on=date(2027, 1, 1)))
        second.rollback()
    assert [period.last_value for period in Period.objects.order_by("starts_on")] == [2, 1]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_many_checkouts_at_every_isolation_level(isolation: str) -> None:
    """Commits, rollbacks, savepoints, retries and blocks at once: no duplicate, no gap, and the counter agrees."""
    opened()
    seeds = random.Random(2026)
    plans = [[seeds.random() for _ in range(20)] for _ in range(8)]

    def work(worker: int) -> int:
        retries = 0
        for step, chance in enumerate(plans[worker]):
            document = f"{worker}:{step}"
            while True:
                try:
                    one_checkout(document, chance, isolation)
                except OperationalError:
                    # Ours from issue(), Django's own where SERIALIZABLE fails at COMMIT: one clause catches both.
                    assert isolation != "read committed", "READ COMMITTED needs no retry"
                    retries += 1
                    continue
                except RuntimeError:
                    pass
                break
        return retries

    in_threads(8, work)
    taken = values()
    assert taken == list(range(1, len(taken) + 1))
    assert Period.objects.get().last_value == len(taken)
    documents = Entry.objects.exclude(document="").values_list("document", flat=True)
    assert len(documents) == len(set(documents)) == len(taken) - 1


def one_checkout(document: str, chance: float, isolation: str) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        if chance < 0.2:
            issue_many("invoice", documents=[f"{document}/{item}" for item in range(3)], on=DAY)
        elif chance < 0.35:
            try:
                with transaction.atomic():
                    number(f"{document}/savepoint")
                    raise ZeroDivisionError
            except ZeroDivisionError:
                number(document)
        else:
            number(document)
            assert number(document)
        if chance > 0.8:
            raise RuntimeError("the payment failed")
