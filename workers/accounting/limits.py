"""How often a system may be asked, and the gate that every request goes through.

The limits belong to an organisation of the vendor, and several worker processes share them, so the count lives in the
database that these share: ``workers.accounting.quota``. What is here knows no database.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workers.accounting.clock import Clock
from workers.accounting.errors import RateLimited


@dataclass(frozen=True, slots=True)
class Limits:
    """What the vendor allows one organisation; None where it names no limit.

    ``cooldown``: seconds to wait after a 429 that doesn't say how long.
    """

    per_minute: int | None = None
    concurrent: int | None = None
    per_day: int | None = None
    cooldown: float = 5.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may go; ``ticket`` is given back when it is done."""

    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: not before ``seconds`` from now, because of ``limit``."""

    seconds: float
    limit: str


class Limiter(Protocol):
    """Counts the requests of one organisation, for all processes that share it."""

    def take(self, now: datetime) -> Admitted | Wait:
        """Count one request, or say how long to wait."""
        ...

    def give_back(self, ticket: str) -> None:
        """The request is done; it counts no more among the concurrent ones."""
        ...

    def pause(self, until: datetime) -> None:
        """The system said to wait: nobody asks it before then."""
        ...


class Unlimited:
    """For systems of one's own, and for tests."""

    def take(self, now: datetime) -> Admitted | Wait:
        return Admitted()

    def give_back(self, ticket: str) -> None:
        return None

    def pause(self, until: datetime) -> None:
        return None


@contextmanager
def admitted(
    limiter: Limiter, clock: Clock, *, system: str, patience: float, jitter: Callable[[], float] = random.random
) -> Iterator[None]:
    """Wait here for a short while, no longer than ``patience``; else RateLimited says when to come back."""
    waited = 0.0
    while isinstance(answer := limiter.take(clock.now()), Wait):
        if waited + answer.seconds > patience:
            at = clock.now() + timedelta(seconds=answer.seconds)
            raise RateLimited(
                f"{system}: no request may be made before {at:%Y-%m-%d %H:%M:%S %Z} ({answer.limit}).",
                rule="All workers together keep to what the system allows one organisation.",
                remedy="Nothing is lost: the next run goes on where this one stopped.",
                system=system,
                retry_at=at,
            )
        # Those who wait for the same moment should not all come at it.
        seconds = answer.seconds + jitter() * 0.25
        clock.sleep(seconds)
        waited += seconds
    try:
        yield
    finally:
        limiter.give_back(answer.ticket)
