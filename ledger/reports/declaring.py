"""By which day a missing number is to be declared to an authority, by the rules that its series names."""

from __future__ import annotations

from datetime import date, datetime

from ledger.errors import InvalidSeries
from ledger.models import Series
from ledger.rules import find_rules
from ledger.unreadable import day_or_none
from ledger.zones import zone_or_utc


def due_day(series: Series) -> int | None:
    """The day of the month after, or None where the series' rules know no such day."""
    try:
        rules = find_rules(series.rules) if series.rules else None
    except InvalidSeries:
        return None  # of another version of Folio; ledger_rules tells of it
    return rules.gaps.due_day if rules is not None else None


def declaration_due(series: Series, known_since: datetime | None) -> date | None:
    """Until when what is known since then is to be declared; None where nobody asks for it, or nothing is proven."""
    day = due_day(series)
    if day is None or known_since is None:
        return None
    since = day_or_none(known_since.astimezone(zone_or_utc(series.time_zone)).date())
    if since is None or since.year == date.max.year:
        return None  # no such day
    # In the months that have that many days at least: the rules name none beyond the 28th.
    return date(since.year + since.month // 12, since.month % 12 + 1, day)
