"""A worker in a process of its own, on the test database, and an app that sends it tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def worker(redis_url: str, **environment: str) -> Iterator[Celery]:
    """Start the worker, wait until it is ready, and end it afterwards."""
    command = [sys.executable, "-m", "celery", "-A", "workers", "worker", "--loglevel=INFO", "--concurrency=1"]
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "REDIS_URL": redis_url,
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    app = Celery("client", broker=redis_url)
    try:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if "ready." in line:
                break
        else:
            pytest.fail("the worker ended:\n" + "".join(said))
        yield app
    finally:
        running.terminate()
        running.communicate(timeout=30)
        app.close()
