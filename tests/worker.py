"""A worker in a process of its own, on the test database, and an app that sends it tasks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from django.db import connection

from tests.broker.processes import CeleryProcess


@contextmanager
def worker(redis_url: str, **environment: str) -> Iterator[Celery]:
    """Start the worker, wait until it is ready, and end it afterwards."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "REDIS_URL": redis_url,
        **environment,
    }
    arguments = ["-A", "workers", "worker", "--loglevel=INFO", "--concurrency=1"]
    with tempfile.TemporaryDirectory() as folder:
        running = CeleryProcess(Path(folder), arguments, settings)
        app = Celery("client", broker=redis_url)
        try:
            running.says("ready.")
            yield app
        finally:
            running.stop()
            app.close()
