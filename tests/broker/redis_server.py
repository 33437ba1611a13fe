"""A Redis of a test's own: killed, wiped, and started again on the same port."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import redis

from ledger.site import embedded
from tests import provision
from tests.broker.waiting import until

QUEUE = "celery"


class RedisServer:
    """It isn't started at first, and a kill loses everything in it."""

    def __init__(self, folder: Path) -> None:
        binary = embedded.redis_server()
        assert binary is not None
        self.port = provision.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        self._command = [str(binary), *options, "--save", "", "--appendonly", "no"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, "Redis does not start")

    def kill(self) -> None:
        """Kill it by SIGKILL; all messages are lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def waiting(self) -> list[bytes]:
        """The messages that no worker has taken, as they are."""
        found: Any = self.client.lrange(QUEUE, 0, -1)
        return list(found)

    def deliver_twice(self) -> int:
        """Put every message that waits into the queue once more; returns how many."""
        messages = self.waiting()
        for message in messages:
            self.client.rpush(QUEUE, message)
        return len(messages)

    def drop_all(self) -> int:
        """Lose every message that waits; returns how many."""
        lost = len(self.waiting())
        self.client.delete(QUEUE)
        return lost

    def last_expiry(self) -> float:
        """When the last of the waiting messages expires, as a Unix time."""
        from datetime import datetime

        expiries = [json.loads(message)["headers"]["expires"] for message in self.waiting()]
        return max(datetime.fromisoformat(expiry).timestamp() for expiry in expiries)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Redis ended at once"
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


def is_over(moment: float) -> bool:
    """Whether that Unix time has passed."""
    return time.time() > moment
