"""Sweeps that spread their work: how runs and batches add up, whatever happens to a batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from ledger import close_period, define_series, issue, open_next_periods, open_period
from ledger.models import Period, SweepBatch, SweepRun
from ledger.sweeps import Batches, Ids, Sweep, register, registry, run, run_batch
from ledger.sweeps.health import health
from tests.concurrency.checkouts import checkouts

pytestmark = pytest.mark.django_db(transaction=True)

DONE: list[str] = []
CALLS: list[list[str]] = []


def batches(names: Sequence[str], size: int) -> Iterator[list[str]]:
    for at in range(0, len(names), size):
        yield list(names[at : at + size])


def do(alias: str, ids: Ids) -> dict[str, int]:
    """Each name once, whoever asks first: as a sweep does, by looking at what is there."""
    CALLS.append([str(name) for name in ids])
    fresh = [str(name) for name in ids if name not in DONE]
    DONE.extend(fresh)
    if "bad" in fresh:
        raise RuntimeError("no luck")
    return {"done": len(fresh)}


class Spread:
    """Keeps the batches, as a broker would."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, int, list[Any]]] = []

    def __call__(self, row: SweepRun, number: int, ids: Ids) -> None:
        self.messages.append((row.pk, number, list(ids)))

    def deliver(self, *numbers: int) -> None:
        for number in numbers:
            run_batch(*self.messages[number - 1])


@pytest.fixture(autouse=True)
def by_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep of another app, over five names, two to a batch."""
    monkeypatch.setattr(registry, "_sweeps", dict(registry._sweeps))
    DONE.clear()
    CALLS.clear()
    found = ("a", "b", "c", "d", "e")
    register(
        Sweep(
            "names", "naming", lambda alias: {"looked": 1}, Batches(lambda _, size: batches(found, size), do, ("done",))
        )
    )


@pytest.fixture
def spread() -> Iterator[Spread]:
    with override_settings(LEDGER={"SWEEPS": {"names": {"every": 60, "batch": 2}}}):
        yield Spread()


def is_overdue() -> bool:
    return next(one.overdue for one in health() if one.sweep == "names")


def test_without_a_broker_all_of_it_runs_here(spread: Spread) -> None:
    row = run("names")
    assert (row.counts, row.batches, row.error) == ({"looked": 1, "done": 5}, None, "")
    assert row.finished_at is not None
    assert not SweepBatch.objects.exists()


def test_a_single_batch_needs_no_message(spread: Spread) -> None:
    with override_settings(LEDGER={"SWEEPS": {"names": {"batch": 5}}}):
        row = run("names", spread=spread)
    assert (row.counts["done"], row.batches, spread.messages) == (5, None, [])


def test_the_run_is_over_with_its_last_batch(spread: Spread) -> None:
    row = run("names", spread=spread)
    assert (row.batches, row.finished_at, row.counts) == (3, None, {"looked": 1, "done": 0})
    spread.deliver(1, 2)
    row.refresh_from_db()
    assert (row.finished_at, row.counts) == (None, {"looked": 1, "done": 4})
    assert is_overdue()
    spread.deliver(3)
    row.refresh_from_db()
    assert row.finished_at is not None
    assert row.counts == {"looked": 1, "done": 5}
    assert not is_overdue()


def test_a_batch_that_is_delivered_twice_counts_once(spread: Spread) -> None:
    row = run("names", spread=spread)
    spread.deliver(1, 1, 1)
    spread.deliver(2, 2)
    row.refresh_from_db()
    assert (row.finished_at, row.counts["done"]) == (None, 4)
    assert SweepBatch.objects.count() == 2
    assert CALLS == [["a", "b"], ["c", "d"]]


def test_batches_may_end_before_the_run_has_sent_the_last(spread: Spread) -> None:
    def at_once(row: SweepRun, number: int, ids: Ids) -> None:
        run_batch(row.pk, number, ids)

    row = run("names", spread=at_once)
    assert row.finished_at is not None
    assert (row.counts, row.batches) == ({"looked": 1, "done": 5}, 3)


def test_a_batch_that_fails_says_so_in_both_rows(spread: Spread, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ("a", "b", "bad", "c")
    register(Sweep("names", "naming", batches=Batches(lambda _, size: batches(found, size), do, ("done",))))
    row = run("names", spread=spread)
    with pytest.raises(RuntimeError):
        spread.deliver(2)
    spread.deliver(1)
    row.refresh_from_db()
    assert row.finished_at is not None
    assert (row.error, row.counts) == ("batch 2: RuntimeError: no luck", {"done": 2})
    assert SweepBatch.objects.get(number=2).error == "RuntimeError: no luck"
    assert is_overdue()


def test_a_broker_that_fails_in_the_middle_is_an_error_of_the_run(spread: Spread) -> None:
    def once(row: SweepRun, number: int, ids: Ids) -> None:
        if number == 2:
            raise ConnectionError("no broker")
        spread(row, number, ids)

    with pytest.raises(ConnectionError):
        run("names", spread=once)
    row = SweepRun.objects.get()
    assert row.error == "ConnectionError: no broker"
    assert row.finished_at is not None
    spread.deliver(1)
    assert SweepRun.objects.get().counts["done"] == 2


def test_a_batch_of_a_forgotten_run_is_left_to_the_next(spread: Spread) -> None:
    row = run("names", spread=spread)
    row.delete()
    spread.deliver(1, 2, 3)
    assert DONE == []


def test_batches_that_end_at_the_same_time_see_each_other(spread: Spread) -> None:
    for _ in range(5):
        DONE.clear()
        spread.messages.clear()
        row = run("names", spread=spread)
        start = threading.Barrier(3)

        def deliver(number: int, start: threading.Barrier = start) -> None:
            start.wait()
            spread.deliver(number)
            connection.close()

        crew = [threading.Thread(target=deliver, args=(number,)) for number in (1, 2, 3)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        row.refresh_from_db()
        assert row.finished_at is not None
        assert row.counts["done"] == 5


def test_old_runs_are_forgotten_with_their_batches(spread: Spread) -> None:
    run("names", spread=spread)
    spread.deliver(1, 2, 3)
    SweepRun.objects.update(started_at="2020-01-01T00:00Z")
    DONE.clear()
    row = run("names")
    assert SweepRun.objects.get() == row
    assert not SweepBatch.objects.exists()


class TestASecondDelivery:
    """``do`` looks again at what there is to do."""

    def test_a_period_that_is_closed_is_not_counted_again(self) -> None:
        made = define_series("invoice", template="I{year}-{counter}", time_zone="UTC", close_after_days=0)
        old = open_period(made, date(2020, 5, 5))
        sweep = registry.find_sweep("close_periods")
        assert sweep.batches is not None
        assert sweep.batches.do("default", [old.pk]) == {"closed": 1, "held": 0}
        assert sweep.batches.do("default", [old.pk]) == {"closed": 0, "held": 0}

    def test_a_period_that_may_stay_open_by_now_stays_open(self) -> None:
        made = define_series("invoice", template="I{year}-{counter}", time_zone="UTC", close_after_days=0)
        old = open_period(made, date(2020, 5, 5))
        made.close_after_days = None
        made.save()
        sweep = registry.find_sweep("close_periods")
        assert sweep.batches is not None
        assert sweep.batches.do("default", [old.pk]) == {"closed": 0, "held": 0}
        close_period(old)

    def test_a_pool_that_is_full_is_not_minted_again(self) -> None:
        made = define_series("invoice", template="I-{counter}", calendar="never", allocation="pooled", time_zone="UTC")
        period = open_period(made)
        sweep = registry.find_sweep("refill_pools")
        assert sweep.batches is not None
        assert sweep.batches.do("default", [period.pk]) == {"minted": 1, "held": 0}
        assert sweep.batches.do("default", [period.pk]) == {"minted": 0, "held": 0}


class TestNobodyIsWaitedForForEver:
    def test_a_checkout_that_opens_the_same_period(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ledger import periods

        monkeypatch.setattr(periods, "_PATIENCE", "20ms")
        define_series("invoice", template="I-{counter}", calendar="never", time_zone="UTC")
        define_series("other", template="O-{counter}", calendar="never", time_zone="UTC")
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: issue("invoice"))
            done = open_next_periods()
            assert done["opened"] == 1
            assert [failure["series"] for failure in done["failed"]] == ["invoice"]
            slow.commit()
        assert open_next_periods() == {"opened": 0, "failed": []}

    def test_inside_a_transaction_its_own_limit_holds(self) -> None:
        define_series("invoice", template="I-{counter}", calendar="never", time_zone="UTC")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '7s'")
            open_next_periods()
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "7s"
        assert Period.objects.count() == 1

    def test_a_checkout_that_holds_the_counter_of_a_pool(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ledger.sweeps import work

        monkeypatch.setattr(work, "_PATIENCE", "20ms")
        made = define_series("invoice", template="I-{counter}", calendar="never", allocation="pooled", time_zone="UTC")
        period = open_period(made)
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: list(Period.objects.select_for_update().filter(pk=period.pk)))
            assert run("refill_pools").counts == {"minted": 0, "held": 1}
            slow.commit()
        assert run("refill_pools").counts == {"minted": 1, "held": 0}
