"""Real worker processes on a real Redis and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from celery import Celery
from django.db import connection

from ledger import define_series
from ledger.models import Period, RemotePool, SweepRun
from ledger.models.tables import event_tables
from tests.broker.waiting import until
from tests.drafts import remote_series
from tests.worker import worker


@pytest.fixture
def client(redis_url: str, transactional_db: None) -> Iterator[Celery]:
    """An app that sends tasks, while a worker in a process of its own takes them, on the test database."""
    with worker(redis_url) as client:
        yield client


def send(client: Celery, sweep: str) -> dict[str, Any]:
    """Have the worker run it, and return what it counted, by the row that it leaves."""
    before = SweepRun.objects.filter(sweep=sweep).count()
    client.send_task(f"ledger.{sweep}")
    ended = SweepRun.objects.filter(sweep=sweep, finished_at__isnull=False).order_by("pk")
    until(lambda: ended.count() > before, f"{sweep} does not end")
    assert ended[before].error == ""
    return dict(ended[before].counts)


def test_a_worker_opens_the_next_fiscal_year(client: Celery) -> None:
    define_series("invoice", template="INV-{fy_start}-{counter:06}", calendar="fiscal-year", fiscal_start=tomorrow())
    define_series("daily", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="Pacific/Auckland")
    define_series("odd", template="O{year}-{counter}", calendar="explicit")
    done = send(client, "open_next_periods")
    assert Period.objects.filter(series__code="invoice").count() == 2
    assert Period.objects.filter(series__code="daily").count() == 31
    assert done == {"opened": 33, "failed": 0}
    assert send(client, "open_next_periods") == {"opened": 0, "failed": 0}
    runs = SweepRun.objects.filter(sweep="open_next_periods", error="").exclude(finished_at=None)
    assert [run.counts["opened"] for run in runs.order_by("pk")] == [33, 0]


def tomorrow() -> str:
    """Month and day of tomorrow, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date + 1")
        day: date = cursor.fetchone()[0]
    # The 29th of February begins no fiscal year.
    return f"{day:%m-%d}" if (day.month, day.day) != (2, 29) else "03-01"


@pytest.mark.parametrize("sweep", ["refill_pools", "flag_gaps", "heal", "close_periods", "missing_documents", "verify"])
def test_every_sweep_is_a_task(client: Celery, sweep: str) -> None:
    counts = send(client, sweep)
    # A test database lets itself be flushed, and is a superuser's, which to a process that is no test runner looks like
    # tampering.
    expected = {len(event_tables()) + 1} if sweep == "verify" else {0}
    assert set(counts.values()) == expected
    assert SweepRun.objects.get().counts == counts


def test_pools_of_drafts_are_refilled_by_one_message_for_each_system(client: Celery) -> None:
    for code in ("invoice", "receipt"):
        remote_series(code, system="nowhere")
    remote_series("order", system="elsewhere")
    client.send_task("ledger.refill_remote_pools")
    runs = SweepRun.objects.filter(finished_at__isnull=False)
    until(lambda: runs.count() == 2, "not two runs")
    assert {run.sweep for run in runs} == {"refill_remote_pools:nowhere", "refill_remote_pools:elsewhere"}
    assert {pool.error.split("'")[1] for pool in RemotePool.objects.all()} == {"elsewhere", "nowhere"}
    assert {run.error.partition(":")[0] for run in runs} == {"Misconfigured"}


def test_the_schedule_names_tasks_that_exist() -> None:
    from workers import tasks
    from workers.schedule import schedule

    named = {entry["task"] for entry in schedule().values()}
    assert named == {f"ledger.{name}" for name in dir(tasks) if f"ledger.{name}" in named}
    assert len(named) == 11


def test_a_project_without_the_app_has_no_sweeps_of_it(settings: Any) -> None:
    from workers.schedule import schedule

    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "workers"]
    assert {"ledger-push", "ledger-reconcile", "ledger-refill-remote-pools"}.isdisjoint(schedule())
    assert len(schedule()) == 8
