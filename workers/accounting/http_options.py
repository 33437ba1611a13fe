"""What every adapter is connected through, in one object: what a test replaces, and what settings adjust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from workers.accounting.clock import Clock, SystemClock
from workers.accounting.limits import Limiter, Limits, Unlimited
from workers.accounting.retries import Retries
from workers.accounting.token_store import TokenStore


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes of the answer, to write, and for one attempt as a whole."""

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    total: float = 120.0


def unlimited(organisation: str, limits: Limits) -> Limiter:
    return Unlimited()


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """``limiter`` makes the gate of an organisation; ``tokens`` keeps what OAuth renews.

    ``systems.shared()`` makes the one for production, with both in the database. ``largest_answer`` is in bytes.
    """

    clock: Clock = field(default_factory=SystemClock)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    limiter: Callable[[str, Limits], Limiter] = unlimited
    tokens: TokenStore | None = None
    transport: httpx.BaseTransport | None = None
    largest_answer: int = 64 * 1024 * 1024
