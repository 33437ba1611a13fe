"""A place for tokens that one process keeps to itself: for tests that are about something else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from workers.accounting.oauth import Hold, SharedTokens, Token


class MemoryTokens(SharedTokens):
    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._lock = threading.Lock()

    def read(self, system: str) -> Token | None:
        return self._tokens.get(system)

    @contextmanager
    def hold(self, system: str) -> Iterator[Hold]:
        with self._lock:
            hold = Hold(self._tokens.get(system))
            yield hold
            if hold.renewed is not None:
                self._tokens[system] = hold.renewed
