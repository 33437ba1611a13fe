"""By which day a missing number is to be declared to an authority, by the rules that its series names."""

from __future__ import annotations

from datetime import date, datetime

from ledger.calendars import zone
from ledger.models import Series
from ledger.rules import find_rules


def due_day(series: Series) -> int | None:
    """The day of the month after, or None where the series' rules know no such day."""
    rules = find_rules(series.rules) if series.rules else None
    return rules.gaps.due_day if rules is not None else None


def declaration_due(series: Series, known_since: datetime | None) -> date | None:
    """Until when what is known since then is to be declared; None where nobody asks for it, or nothing is proven."""
    day = due_day(series)
    if day is None or known_since is None:
        return None
    since = known_since.astimezone(zone(series.time_zone)).date()
    # In the months that have that many days at least: the rules name none beyond the 28th.
    return date(since.year + since.month // 12, since.month % 12 + 1, day)
