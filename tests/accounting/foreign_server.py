"""Runs somebody else's program for the tests: starts it, waits until it answers, and ends it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from workers.accounting.http import trusted_certificates

#: Many times what any of them takes.
START_SECONDS = 500.0


@contextmanager
def serving(
    command: Sequence[str], log: Path, address: str, *, status: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The running program, which answers ``address`` with ``status``; its output goes into ``log``."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(address, status):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{command[0]} doesn't start"
            time.sleep(0.05)
        yield
    finally:
        # Nothing of it is kept, so it needn't end in good order, which takes seconds.
        process.kill()
        process.wait(30)


def _answers(address: str, status: int) -> bool:
    try:
        return httpx.get(address, timeout=5, verify=trusted_certificates()).status_code == status
    except httpx.TransportError:
        return False
