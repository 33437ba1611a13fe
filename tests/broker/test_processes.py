"""Workers and brokers that die, hang, or come late."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.models import SweepBatch
from ledger.sweeps.health import Health, health
from tests.broker.ledger_state import burn, counted, flagged, held, runs, succeeded, wait_for_runs, waiting
from tests.broker.processes import crew
from tests.broker.redis_server import RedisServer
from tests.broker.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., None]

#: A time limit that a test waits for, in seconds. On a busy machine too, a run has its row before it ends.
LIMIT = 3.0


def health_of(sweep: str) -> Health:
    return next(one for one in health() if one.sweep == sweep)


@pytest.fixture(autouse=True)
def sweeps_that_wait() -> object:
    """The sweeps of tests/broker/apps.py in this process too, for the health check."""
    from ledger.sweeps import registry
    from tests.broker.apps import BrokerTestConfig

    before = dict(registry._sweeps)
    BrokerTestConfig.ready(None)  # type: ignore[arg-type]
    yield
    registry._sweeps.clear()
    registry._sweeps.update(before)


class TestAWorkerIsKilled:
    def test_with_all_its_processes_in_the_middle_of_a_batch(
        self, broker: RedisServer, send: Send, tmp_path: Path
    ) -> None:
        burn(4)
        with crew(tmp_path, broker.url, {"SWEEPS": {"hesitate": {"batch": 2}}}) as team:
            with held():
                worker = team.worker()
                send("hesitate")
                until(lambda: waiting() == 1, lambda: worker.said)
                worker.kill()
            assert flagged() == [1, 2], "the batch that was killed had done its work, and not said so"
            (run,) = runs("hesitate")
            assert (run.finished_at, run.batches) == (None, 2)
            assert health_of("hesitate").unfinished
            assert health_of("hesitate").overdue

            team.worker()
            until(lambda: flagged() == [1, 2, 3, 4], "the other batch was lost")
            send("hesitate")
            wait_for_runs("hesitate", 1)
        assert flagged() == [1, 2, 3, 4]
        assert runs("hesitate")[0].finished_at is None
        assert (health_of("hesitate").unfinished, health_of("hesitate").overdue) == (False, False)

    def test_by_the_child_that_was_at_work(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(3)
        with crew(tmp_path, broker.url) as team:
            with held():
                worker = team.worker()
                send("hesitate")
                until(lambda: waiting() == 1, lambda: worker.said)
                os.kill(int(runs("hesitate")[0].process.rpartition(":")[2]), signal.SIGKILL)
                # The message goes back, and another child takes it.
                until(lambda: len(runs("hesitate")) == 2, lambda: worker.said)
            wait_for_runs("hesitate", 1)
        assert flagged() == [1, 2, 3]
        assert [run.finished_at is None for run in runs("hesitate")] == [True, False]


class TestRedisIsLost:
    def test_killed_wiped_and_started_again(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(3)
        with crew(tmp_path, broker.url, {"SWEEPS": {"flag_gaps": {"every": 1}}}) as team:
            worker = team.worker(concurrency=2)
            with held():
                send("wait")
                until(lambda: waiting() == 1, lambda: worker.said)
                beat = team.beat()
                until(lambda: flagged() == [1, 2, 3], lambda: worker.said + beat.said)
                broker.kill()
                burn(3)
                until(lambda: "Connection to broker lost" in worker.said, lambda: worker.said)
            # The running task is finished, though no broker can be told.
            wait_for_runs("wait", 1)
            broker.start()
            until(lambda: flagged() == [1, 2, 3, 4, 5, 6], lambda: worker.said + beat.said)
            # And the schedule continues.
            seen = len(succeeded("flag_gaps"))
            wait_for_runs("flag_gaps", seen + 2)
            until(lambda: counted("flag_gaps", "flagged") == 6, "what was done does not add up")

    def test_it_comes_up_after_worker_and_beat(self, broker: RedisServer, tmp_path: Path) -> None:
        broker.kill()
        burn(2)
        with crew(tmp_path, broker.url, {"SWEEPS": {"flag_gaps": {"every": 1}}}) as team:
            worker, beat = team.worker(is_ready=False), team.beat()
            worker.says("refused")
            beat.says("refused")
            assert runs("flag_gaps") == []
            broker.start()
            until(lambda: flagged() == [1, 2], lambda: worker.said + beat.said)
            wait_for_runs("flag_gaps", 2)
        assert counted("flag_gaps", "flagged") == 2

    def test_a_task_that_ends_after_it_has_come_back(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        """Its message belongs to a lost connection: it can't be acknowledged, and the worker continues."""
        burn(2)
        with crew(tmp_path, broker.url) as team:
            worker = team.worker(concurrency=2)
            with held():
                send("wait")
                until(lambda: waiting() == 1, lambda: worker.said)
                broker.kill()
                worker.says("Connection to broker lost")
                broker.start()
                until(lambda: worker.said.count("Connected to redis") == 2, lambda: worker.said)
            wait_for_runs("wait", 1)
            worker.says("could be acknowledged")
            send("flag_gaps")
            wait_for_runs("flag_gaps", 1)
            assert worker.process.poll() is None
        assert flagged() == [1, 2]


class TestATaskHangs:
    def test_its_time_limit_ends_it_and_its_row_says_so(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(2)
        with crew(tmp_path, broker.url) as team:
            worker = team.worker()
            with held():
                send("wait", soft_time_limit=LIMIT)
                until(lambda: runs("wait") and runs("wait")[0].error, lambda: worker.said)
                assert runs("wait")[0].error == "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"
                assert runs("wait")[0].finished_at is not None
                until(lambda: waiting() == 0, "the server still waits for what nobody wants any more")
                # The same process takes the next.
                send("flag_gaps")
                wait_for_runs("flag_gaps", 1)
        assert flagged() == [1, 2]
        assert health_of("wait").overdue
        assert health_of("wait").error

    def test_the_beat_sends_the_limits_of_the_settings(self, broker: RedisServer, tmp_path: Path) -> None:
        times = {"heal": {"every": 3600, "limit": LIMIT}}
        with crew(tmp_path, broker.url, {"SWEEPS": times}, FOLIO_TEST_HEAL="waits") as team, held():
            worker = team.worker(concurrency=2)
            team.beat()
            until(lambda: runs("heal") and runs("heal")[0].error, lambda: worker.said)
            assert "SoftTimeLimitExceeded" in runs("heal")[0].error

    def test_one_that_takes_no_hint_is_killed(self, broker: RedisServer, send: Send, tmp_path: Path) -> None:
        burn(2)
        with crew(tmp_path, broker.url) as team:
            worker = team.worker()
            with held():
                send("stubborn", soft_time_limit=LIMIT, time_limit=LIMIT + 2)
                worker.says(f"Hard time limit ({LIMIT + 2}s) exceeded")
                send("flag_gaps")
                wait_for_runs("flag_gaps", 1)
                (run,) = runs("stubborn")
                assert (run.finished_at, run.error) == (None, "")
                assert health_of("stubborn").unfinished
                assert health_of("stubborn").overdue
        assert flagged() == [1, 2]


class TestBeats:
    def test_two_at_once(self, broker: RedisServer, tmp_path: Path) -> None:
        burn(5)
        with crew(tmp_path, broker.url, {"SWEEPS": {"flag_gaps": {"every": 1, "batch": 2}}}) as team:
            team.worker(concurrency=3)
            team.beat()
            team.beat()
            wait_for_runs("flag_gaps", 4)
            burn(5)
            until(lambda: len(flagged()) == 10, "not all are flagged")
            until(lambda: counted("flag_gaps", "flagged") == 10, "what was done does not add up")
            seen = len(succeeded("flag_gaps"))
            wait_for_runs("flag_gaps", seen + 2)
            until(lambda: not SweepBatch.objects.filter(finished_at=None).exists(), "a batch is never done")
        assert flagged() == list(range(1, 11))
        assert counted("flag_gaps", "flagged") == 10

    def test_one_whose_memory_is_spoilt_starts_anew(self, broker: RedisServer, tmp_path: Path) -> None:
        spoilt = tmp_path / "spoilt"
        spoilt.write_bytes(b"this was a schedule" * 500)
        with crew(tmp_path, broker.url) as team:
            worker = team.worker(concurrency=2)
            beat = team.beat(spoilt)
            # It remembers nothing, so it sends everything at once.
            for sweep in ("open_next_periods", "flag_gaps", "close_periods", "heal", "refill_pools", "verify"):
                until(lambda sweep=sweep: succeeded(sweep), lambda: worker.said + beat.said)  # type: ignore[misc]
