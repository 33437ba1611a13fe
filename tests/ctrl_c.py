"""Processes that receive Ctrl-C, wherever the tests run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard() -> Iterator[None]:
    """SIGINT ends what is started inside the block.

    A shell ignores Ctrl-C for what it starts in the background, and whatever that starts inherits it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
