"""Real worker processes on a real Redis and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection

from ledger import define_series
from ledger.models import Period, RemotePool, SweepRun
from ledger.models.tables import event_tables
from tests.drafted import remote_series

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(redis_url: str, transactional_db: None) -> Iterator[Celery]:
    """An app that sends tasks, while a worker in a process of its own takes them, on the test database."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "REDIS_URL": redis_url,
    }
    command = [sys.executable, "-m", "celery", "-A", "workers", "worker", "--loglevel=INFO", "--concurrency=1"]
    worker = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    app = Celery("client", broker=redis_url, backend=redis_url)
    try:
        assert worker.stdout is not None
        said = []
        for line in worker.stdout:
            said.append(line)
            if "ready." in line:
                break
        else:
            pytest.fail("the worker ended:\n" + "".join(said))
        yield app
    finally:
        worker.terminate()
        worker.communicate(timeout=30)
        app.close()


def send(client: Celery, task: str, **arguments: Any) -> Any:
    return client.send_task(task, kwargs=arguments).get(timeout=60)


def test_a_worker_opens_the_next_fiscal_year(client: Celery) -> None:
    define_series("invoice", template="INV-{fy_start}-{counter:06}", calendar="fiscal-year", fiscal_start=tomorrow())
    define_series("daily", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="Pacific/Auckland")
    define_series("odd", template="O{year}-{counter}", calendar="explicit")
    done = send(client, "ledger.open_next_periods")
    assert Period.objects.filter(series__code="invoice").count() == 2
    assert Period.objects.filter(series__code="daily").count() == 31
    assert done == {"opened": 33, "failed": 0}
    assert send(client, "ledger.open_next_periods") == {"opened": 0, "failed": 0}
    runs = SweepRun.objects.filter(sweep="open_next_periods", error="").exclude(finished_at=None)
    assert [run.counts["opened"] for run in runs.order_by("pk")] == [33, 0]


def tomorrow() -> str:
    """Month and day of tomorrow, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date + 1")
        day: date = cursor.fetchone()[0]
    # The 29th of February begins no fiscal year.
    return f"{day:%m-%d}" if (day.month, day.day) != (2, 29) else "03-01"


@pytest.mark.parametrize(
    "sweep", ["refill_pools", "refill_remote_pools", "flag_gaps", "heal", "close_periods", "verify"]
)
def test_every_sweep_is_a_task(client: Celery, sweep: str) -> None:
    counts = send(client, f"ledger.{sweep}")
    # A test database lets itself be flushed, which to a process that is no test runner looks like tampering.
    expected = {len(event_tables())} if sweep == "verify" else {0}
    assert set(counts.values()) == expected
    assert SweepRun.objects.get().counts == counts


def test_pools_of_drafts_are_refilled_by_one_message_for_each_system(client: Celery) -> None:
    assert send(client, "ledger.refill_remote_pools") == {"drafted": 0}
    for code in ("invoice", "receipt"):
        remote_series(code, system="nowhere")
    remote_series("order", system="elsewhere")
    assert send(client, "ledger.refill_remote_pools") == {"systems": 2}
    with pytest.raises(Exception, match="no accounting system 'nowhere'"):
        send(client, "ledger.refill_remote_pools", system="nowhere")
    assert {pool.error.split("'")[1] for pool in RemotePool.objects.all()} == {"elsewhere", "nowhere"}
    assert [run.error.partition(":")[0] for run in SweepRun.objects.order_by("pk")] == ["", *["Misconfigured"] * 3]


def test_the_schedule_names_tasks_that_exist() -> None:
    from workers import tasks
    from workers.schedule import schedule

    named = {entry["task"] for entry in schedule().values()}
    assert named == {f"ledger.{name}" for name in dir(tasks) if f"ledger.{name}" in named}
    assert len(named) == 7
