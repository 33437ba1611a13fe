"""Keeping to the time for which a document is claimed: nothing is sent that couldn't end before it is over.

A claim in the database keeps other workers away for a while only, so that it can't outlive a killed worker. One that is
slow must therefore stop by itself. Every request goes through the limiter, again and again while it is repeated, so
that is where it is asked whether there is time left.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from workers.accounting.errors import Unreachable
from workers.accounting.http_options import HttpOptions
from workers.accounting.limits import Admitted, Limiter, Wait

#: Seconds beside what a request may take: for what is done before and after it.
_LEEWAY = 30.0


class ClaimGuard:
    """``hold`` when a document was claimed; ``http_options`` is what an adapter must be connected through."""

    def __init__(self, system: str, http_options: HttpOptions) -> None:
        self._system = system
        self._clock = http_options.clock
        # The total is looked at between two reads, so one of them may come on top.
        self._longest = http_options.timeouts.total + http_options.timeouts.read + _LEEWAY
        self._ends: float | None = None
        make = http_options.limiter
        self.http_options = replace(
            http_options, limiter=lambda organisation, limits: _Guarded(self, make(organisation, limits))
        )

    def hold(self, begun: float, seconds: float) -> None:
        """A claim of so many seconds was made after ``begun``."""
        self._ends = begun + seconds

    def check(self) -> None:
        """Raise Unreachable, which is retryable, if a request could outlast the claim."""
        if self._ends is None or self._clock.monotonic() + self._longest <= self._ends:
            return
        raise Unreachable(
            f"{self._system}: the time for this document is over.",
            rule="No request is sent that could last longer than the document is kept from other workers.",
            remedy="The next run goes on, and looks first for what this one has done.",
            system=self._system,
        )


@dataclass(frozen=True, slots=True)
class _Guarded:
    guard: ClaimGuard
    limiter: Limiter

    def take(self, now: datetime) -> Admitted | Wait:
        self.guard.check()
        return self.limiter.take(now)

    def give_back(self, ticket: str) -> None:
        self.limiter.give_back(ticket)

    def pause(self, until: datetime) -> None:
        self.limiter.pause(until)
