"""When a request is sent again, and how long to wait before it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Retries:
    """``attempts`` in all; pauses double from ``first`` to ``longest`` seconds, and are cut to a random part.

    Whoever has to wait longer than ``patience`` seconds is sent away with RateLimited: a worker that sleeps holds its
    place, and a later run can do the waiting.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 20.0
    patience: float = 65.0
    jitter: Callable[[], float] = random.random

    def pause(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after the ``attempt``-th failure, counted from 1."""
        if retry_after is not None:
            # Not before what the system asked for, and not everybody at that very moment.
            return retry_after + self.jitter() * min(self.first, 1.0)
        return min(self.longest, self.first * 2.0 ** (attempt - 1)) * self.jitter()


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number, or an HTTP date; None if it says neither."""
    if header is None:
        return None
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
