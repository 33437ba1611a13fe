"""Limiters that count as production does, in this process, and remember when they admitted a request."""

from __future__ import annotations

from datetime import datetime, timedelta

from workers.accounting import quota
from workers.accounting.http_options import Limiter, Limits, Wait
from workers.models import Quota


class Meter:
    """``limits`` replace the vendor's limits in the adapter."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.went: dict[str, list[datetime]] = {}

    def limiter(self, organisation: str, _: Limits) -> Limiter:
        return _Metered(self.limits, self.went.setdefault(organisation, []))

    def most_in_a_minute(self) -> int:
        """The most requests of one organisation in any sixty seconds."""
        return max(
            sum(1 for each in went if begin <= each < begin + timedelta(seconds=60))
            for went in self.went.values()
            for begin in went
        )


class _Metered(Limiter):
    def __init__(self, limits: Limits, went: list[datetime]) -> None:
        self._counts = Quota()
        self._limits = limits
        self._went = went

    def take(self, now: datetime) -> str | Wait:
        answer = quota.take(self._counts, self._limits, now)
        if isinstance(answer, str):
            self._went.append(now)
        return answer

    def give_back(self, ticket: str) -> None:
        self._counts.tickets.pop(ticket, None)

    def pause(self, until: datetime) -> None:
        quota.pause(self._counts, until)
