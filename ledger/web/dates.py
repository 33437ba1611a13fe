"""A month or a span of business dates that an address asks for; any page with numbers takes one."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Dates:
    """The days from ``since`` to ``until``, both inclusive; None where that end is open."""

    since: date | None = None
    until: date | None = None
    month: str = ""

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def within(self, first: date, last: date) -> "Dates":
        """The part of them that lies in a period."""
        return Dates(max(self.since or first, first), min(self.until or last, last))

    @property
    def query(self) -> str:
        """The end of an address that asks for the same; empty where nothing is asked for."""
        return f"?{urlencode(self.kept)}" if self else ""

    @property
    def kept(self) -> dict[str, str]:
        """The parameters that ask for the same again."""
        if self.month:
            return {"month": self.month}
        return {key: f"{day}" for key, day in (("since", self.since), ("until", self.until)) if day is not None}


def asked_dates(request: HttpRequest) -> Dates:
    """``month=2026-11``, or ``since`` and ``until``. What is no date, or ends the wrong way round, asks for nothing."""
    month = request.GET.get("month", "")
    first = _day(f"{month}-01")
    if first is not None:
        return Dates(first, first.replace(day=monthrange(first.year, first.month)[1]), month)
    since, until = _day(request.GET.get("since", "")), _day(request.GET.get("until", ""))
    return Dates() if since is not None and until is not None and since > until else Dates(since, until)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
