"""What keeps the machine busy while contestants work, and what their connections wait for."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence

import psutil
from django.db import connection

from tests.benchmarks.measuring.sample import Load

#: Seconds between looks: often enough to average over a few seconds; each costs the contestants a millisecond.
LOOK_EVERY = 0.25

# Connections that wait for their client are at a payment, or Python has not come round to them.
_WAITS = """
    SELECT CASE WHEN state = 'idle in transaction' THEN 'client, in a transaction'
                WHEN state <> 'active' THEN 'client'
                WHEN wait_event IS NULL THEN 'at work'
                ELSE wait_event_type || ': ' || wait_event END,
           count(*)
    FROM pg_stat_activity
    WHERE starts_with(datname, 'folio_benchmarks_') AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    GROUP BY 1
"""


class Watch:
    """Measures from when it is made until ``load()``; make it while all contestants stand still."""

    def __init__(self, clients: Sequence[int]) -> None:
        self._clients = [psutil.Process(pid) for pid in clients]
        self._postmaster = _postmaster()
        self._waits: Counter[str] = Counter()
        self._looks = 0
        self._before = self._spent()
        self._began = time.perf_counter()

    def look(self) -> None:
        """Look at what the connections wait for."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITS)
            self._waits.update(dict(cursor.fetchall()))
        self._looks += 1

    def load(self) -> Load:
        """The averages since the watch was made."""
        elapsed = time.perf_counter() - self._began
        server, clients, machine = (
            (now - then) / elapsed for now, then in zip(self._spent(), self._before, strict=True)
        )
        waits = {event: seen / self._looks for event, seen in self._waits.most_common()}
        return Load(os.cpu_count() or 1, server if self._postmaster else None, clients, machine, waits)

    def _spent(self) -> tuple[float, float, float]:
        """Seconds of CPU so far: of the server, the clients, the machine."""
        machine = psutil.cpu_times()
        busy = sum(machine) - machine.idle - getattr(machine, "iowait", 0.0) - getattr(machine, "guest", 0.0)
        clients = sum(sum(client.cpu_times()[:2]) for client in self._clients)
        return _spent_by_server(self._postmaster) if self._postmaster else 0.0, clients, busy


def _spent_by_server(postmaster: psutil.Process) -> float:
    """Seconds of CPU so far, of all processes that the server ever had."""
    while True:
        children = postmaster.children()
        try:
            alive = sum(sum(child.cpu_times()[:2]) for child in children)
        except psutil.NoSuchProcess:
            continue
        # What has ended counts with its parent. Whoever ends meanwhile would count twice, or not at all: look again.
        total: float = alive + sum(postmaster.cpu_times()[:4])
        if postmaster.children() == children:
            return total


def _postmaster() -> psutil.Process | None:
    """The server's first process, when it runs on this machine and can be seen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        parent = psutil.Process(pid).parent()
        return parent if parent is not None and "postgres" in parent.name() else None
    except psutil.Error:
        return None
