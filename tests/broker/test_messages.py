"""Messages that come twice, or never, or late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import override_settings

from ledger import define_series
from ledger.models import Period, Slot, SweepBatch, SweepRun
from ledger.sweeps import run
from ledger.sweeps.health import health
from tests.broker.ledger_state import (
    burn,
    counted,
    flagged,
    held,
    runs,
    succeeded,
    wait_for_runs,
    wait_until_ended,
    waiting,
)
from tests.broker.processes import crew
from tests.broker.redis_server import RedisServer, is_over
from tests.broker.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., None]

SWEEPS = (*("open_next_periods", "refill_pools", "flag_gaps", "heal", "close_periods", "missing_documents"), "verify")


def spread(send: Send, sweep: str, size: int) -> SweepRun:
    """A run whose batches were sent as messages that no worker has taken."""
    with override_settings(LEDGER={"SWEEPS": {sweep: {"batch": size}}}):
        return run(
            sweep, spread=lambda row, number, ids: send(sweep, row.pk, number, list(ids), task="ledger.run_batch")
        )


class TestTwice:
    def test_every_sweep(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(5)
        define_series("daily", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="UTC")
        define_series("pool", template="P-{counter}", calendar="never", time_zone="UTC", allocation="pooled")
        for sweep in SWEEPS:
            send(sweep)
        assert broker.deliver_twice() == len(SWEEPS)
        with crew(tmp_path, broker.url) as team:
            team.worker(concurrency=3)
            for sweep in SWEEPS:
                wait_until_ended(sweep, 2)
            send("refill_pools")
            wait_until_ended("refill_pools", 3)
        assert flagged() == [1, 2, 3, 4, 5]
        assert counted("flag_gaps", "flagged") == 5
        assert Period.objects.filter(series__code="daily").count() == 31
        assert Slot.objects.count() == 16

    def test_every_batch(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(7)
        row = spread(send, "flag_gaps", 2)
        assert (row.batches, row.finished_at) == (4, None)
        assert broker.deliver_twice() == 4
        with crew(tmp_path, broker.url) as team:
            team.worker(concurrency=3)
            wait_for_runs("flag_gaps", 1)
            until(lambda: not broker.waiting(), "the second copies are still there")
            send("heal")
            wait_for_runs("heal", 1)
        assert flagged() == [1, 2, 3, 4, 5, 6, 7]
        (again,) = runs("flag_gaps")
        assert again.counts["flagged"] == 7
        assert SweepBatch.objects.filter(run=row, finished_at__isnull=False).count() == 4
        assert sum(part.counts["flagged"] for part in SweepBatch.objects.all()) == 7

    def test_while_the_first_is_still_at_work(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        """A visibility timeout that is shorter than the task: Redis hands it to a second worker."""
        burn(3)
        with crew(tmp_path, broker.url, FOLIO_TEST_VISIBILITY="3") as team:
            with held():
                workers = [team.worker(), team.worker()]
                send("hesitate")
                until(lambda: waiting() == 1, "nobody works on it")
                until(lambda: succeeded("hesitate"), lambda: "".join(worker.said for worker in workers))
                assert runs("hesitate")[0].finished_at is None, "the first is still at it; the second found it done"
            wait_for_runs("hesitate", 2)
        assert flagged() == [1, 2, 3]
        assert counted("hesitate", "flagged") == 3


class TestNever:
    def test_every_sweep_is_dropped_once(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(3)
        define_series("daily", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="UTC")
        with crew(tmp_path, broker.url) as team:
            for sweep in SWEEPS:
                send(sweep)
            assert broker.drop_all() == len(SWEEPS)
            team.worker(concurrency=2)
            for sweep in SWEEPS:
                send(sweep)
            for sweep in SWEEPS:
                wait_for_runs(sweep, 1)
        assert flagged() == [1, 2, 3]
        assert Period.objects.filter(series__code="daily").count() == 31

    def test_a_lost_batch_is_found_by_the_next_run(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(6)
        row = spread(send, "flag_gaps", 2)
        broker.client.lpop("celery")
        assert len(broker.waiting()) == 2
        with crew(tmp_path, broker.url) as team:
            team.worker()
            until(lambda: len(flagged()) == 4, "the other batches are not done")
            send("heal")
            wait_for_runs("heal", 1)
            row.refresh_from_db()
            assert (row.finished_at, row.counts["flagged"]) == (None, 4), "a run that lost a batch never succeeds"
            assert next(one for one in health() if one.sweep == "flag_gaps").overdue
            send("flag_gaps")
            wait_for_runs("flag_gaps", 1)
        assert flagged() == [1, 2, 3, 4, 5, 6]
        assert counted("flag_gaps", "flagged") == 6
        assert not next(one for one in health() if one.sweep == "flag_gaps").overdue


class TestLate:
    def test_what_piled_up_while_no_worker_ran_is_dropped(
        self, broker: RedisServer, send: Send, tmp_path: Path
    ) -> None:
        burn(2)
        with crew(tmp_path, broker.url, {"SWEEPS": {"flag_gaps": {"every": 1}}}) as team:
            beat = team.beat()
            until(lambda: sum(b"ledger.flag_gaps" in message for message in broker.waiting()) >= 3, lambda: beat.said)
            beat.stop()
            piled = [message for message in broker.waiting() if b"ledger.flag_gaps" in message]
            broker.drop_all()
            broker.client.rpush("celery", *piled)
            last = broker.last_expiry()
            until(lambda: is_over(last), "the last does not expire")
            worker = team.worker()
            send("heal")
            wait_for_runs("heal", 1)
            until(lambda: worker.said.count("Discarding revoked task") == len(piled), lambda: worker.said)
            assert runs("flag_gaps") == []
            send("flag_gaps")
            wait_for_runs("flag_gaps", 1)
        assert flagged() == [1, 2]


def test_much_work_is_spread_by_the_worker_itself(broker: RedisServer, send: Send, tmp_path: Path) -> None:
    for at in range(11):
        define_series("invoice", org=f"t{at}", template="I{year}{month}-{counter}", calendar="month", time_zone="UTC")
    with crew(tmp_path, broker.url, {"SWEEPS": {"open_next_periods": {"batch": 3}}}) as team:
        team.worker(concurrency=2)
        send("open_next_periods")
        wait_for_runs("open_next_periods", 1)
        (first,) = runs("open_next_periods")
        assert first.batches == 4
        assert first.counts == {"opened": Period.objects.count(), "failed": 0}
        assert SweepBatch.objects.count() == 4
        send("open_next_periods")
        wait_for_runs("open_next_periods", 2)
    assert runs("open_next_periods")[1].counts == {"opened": 0, "failed": 0}
    assert runs("open_next_periods")[1].batches is None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT s.id) FROM ledger_series s JOIN ledger_period p ON p.series_id = s.id"
            " AND (now() AT TIME ZONE 'UTC')::date + 30 BETWEEN p.starts_on AND p.ends_on"
        )
        assert cursor.fetchone()[0] == 11
    assert len(succeeded("open_next_periods")) == 2
