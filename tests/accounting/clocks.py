"""A clock that stands still until somebody sleeps, and then moves at once; and how long tests wait for stand-ins."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from workers.accounting.http_options import Clock, Timeouts

#: Real seconds. Those of ``read`` pass only if a server doesn't answer, and are long enough for a busy machine.
TIMEOUTS = Timeouts(connect=30, read=1, write=30, total=60)


class FakeClock(Clock):
    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._passed += seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass without a sleep."""
        self._passed += seconds
