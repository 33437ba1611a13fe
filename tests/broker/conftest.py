"""A Redis for each test, and a client that sends tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ledger.site import embedded
from tests.broker.redis_server import RedisServer
from workers.schedule import options


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis that a test may kill."""
    if embedded.redis_server() is None:
        pytest.skip("no redis-server on this machine")
    server = RedisServer(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def send(broker: RedisServer) -> Iterator[Callable[..., None]]:
    """Send a sweep, or a batch, with the limits that the schedule gives it.

    It expires late: on a busy machine a worker may take longer to start than a sweep's next turn.
    """
    client = Celery("client", broker=broker.url)
    client.conf.task_ignore_result = True

    def send_one(sweep: str, *arguments: object, task: str = "", **changed: float) -> None:
        limits: dict[str, Any] = {**options(sweep), "expires": 3600.0, **changed}
        client.send_task(task or f"ledger.{sweep}", args=list(arguments), **limits)

    yield send_one
    client.close()
