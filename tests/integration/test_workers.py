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
from ledger.models import Period

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
    define_series("invoice", template="INV-{year}-{counter:06}")
    define_series("daily", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="Pacific/Auckland")
    define_series("odd", template="O{year}-{counter}", calendar="explicit")
    done = send(client, "ledger.open_next_periods", ahead_days=366)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")
        today: date = cursor.fetchone()[0]
    yearly = Period.objects.filter(series__code="invoice").order_by("starts_on")
    assert [period.starts_on for period in yearly][:2] == [date(today.year, 1, 1), date(today.year + 1, 1, 1)]
    assert done == {"opened": Period.objects.count(), "failed": []}
    assert Period.objects.filter(series__code="daily").count() == 367
    assert send(client, "ledger.open_next_periods", ahead_days=366) == {"opened": 0, "failed": []}


def test_the_schedule_names_tasks_that_exist() -> None:
    from workers.schedule import SCHEDULE
    from workers.tasks import open_next_periods, verify

    assert {entry["task"] for entry in SCHEDULE.values()} == {open_next_periods.name, verify.name}
