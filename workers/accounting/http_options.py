"""Clock, time-outs, retries and limits of every adapter's requests, in one object that tests can replace.

The limits belong to an organisation of the vendor. Several worker processes share them, so the count is in their
database: ``workers.accounting.quota``. Nothing here asks a database.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from workers.accounting.errors import RateLimited

if TYPE_CHECKING:
    import httpx

    from workers.accounting.oauth import SharedTokens


class Clock:
    """The time for everything about requests; tests replace it by one that stands still."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Limits:
    """The requests that the vendor allows one organisation; None for no limit.

    ``cooldown``: seconds to wait after a 429 that doesn't say how long.
    """

    per_minute: int | None = None
    concurrent: int | None = None
    per_day: int | None = None
    cooldown: float = 5.0


@dataclass(frozen=True, slots=True)
class Wait:
    """The request may be sent in ``seconds`` at the earliest, because of ``limit``."""

    seconds: float
    limit: str


class Limiter:
    """Counts the requests of one organisation, for all processes that share it; this class allows them all."""

    def __init__(self, organisation: str = "", limits: Limits | None = None) -> None:
        """This class needs neither."""

    def take(self, now: datetime) -> str | Wait:
        """Count one request, and return its ticket, to be given back when it is done; or say how long to wait."""
        return ""

    def give_back(self, ticket: str) -> None:
        """The request is done and no longer counts as concurrent."""

    def pause(self, until: datetime) -> None:
        """The system told us to wait: no process sends a request before ``until``."""


@contextmanager
def admitted(
    limiter: Limiter, clock: Clock, *, system: str, patience: float, jitter: Callable[[], float] = random.random
) -> Iterator[None]:
    """Wait until the request may be sent, at most ``patience`` seconds; RateLimited if that takes longer."""
    waited = 0.0
    while isinstance(answer := limiter.take(clock.now()), Wait):
        if waited + answer.seconds > patience:
            at = clock.now() + timedelta(seconds=answer.seconds)
            raise RateLimited(
                f"{system}: no request may be made before {at:%Y-%m-%d %H:%M:%S %Z} ({answer.limit}).",
                rule="All workers together keep to the system's limits for one organisation.",
                remedy="Nothing is lost: the next run goes on where this one stopped.",
                system=system,
                retry_at=at,
            )
        # Processes that wait for the same moment should not all come at once.
        seconds = answer.seconds + jitter() * 0.25
        clock.sleep(seconds)
        waited += seconds
    try:
        yield
    finally:
        limiter.give_back(answer)


@dataclass(frozen=True, slots=True)
class Retries:
    """``attempts`` in all; pauses double from ``first`` to ``longest`` seconds, each times a random factor up to 1.

    A pause longer than ``patience`` seconds raises the error instead: a sleeping worker blocks a place, and a later run
    can try again.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 20.0
    patience: float = 65.0
    jitter: Callable[[], float] = random.random

    def pause(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after this attempt; the first is 1."""
        if retry_after is not None:
            # At the moment that the system asked for or later, and not all processes at once.
            return retry_after + self.jitter() * min(self.first, 1.0)
        return min(self.longest, self.first * 2.0 ** (attempt - 1)) * self.jitter()


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds in a ``Retry-After`` header, which has a number or an HTTP date; None if it has neither."""
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


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes of the answer, to write, and for one attempt as a whole."""

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """``limiter`` makes the Limiter of an organisation; ``tokens`` keeps the tokens that OAuth renews.

    ``systems.shared()`` makes those of production, with both in the database. ``largest_answer`` is in bytes. A request
    calls ``before_attempt`` each time before it is sent; an error there stops it.
    """

    clock: Clock = field(default_factory=Clock)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    limiter: Callable[[str, Limits], Limiter] = Limiter
    tokens: "SharedTokens | None" = None
    transport: "httpx.BaseTransport | None" = None
    largest_answer: int = 64 * 1024 * 1024
    before_attempt: Callable[[], None] = lambda: None
