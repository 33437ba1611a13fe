"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds. Hundreds of times what it takes, so that a busy machine is no failure.
PATIENCE = 180.0


def until(condition: Callable[[], object], problem: str | Callable[[], str], patience: float = PATIENCE) -> None:
    """Return as soon as the condition holds; fail with ``problem`` if it doesn't in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(problem if isinstance(problem, str) else problem())
        time.sleep(0.02)
