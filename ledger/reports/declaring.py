"""By which day a missing number is to be declared to an authority, by the rules that its series names."""

from datetime import date

from ledger.errors import InvalidSeries
from ledger.models import Series
from ledger.rules.base import Gaps
from ledger.unreadable import day_or_none


def must_declare(series: Series) -> bool:
    """Whether the series' rules know a day by which a missing number is declared."""
    return bool(_policies(series))


def declaration_due(series: Series, broke_on: date | None) -> date | None:
    """The last day to declare a number if the sequence broke on ``broke_on``; None where nobody asks, or none is known.

    It broke on the day of the missing number itself, where that was reserved; else on that of the next higher number.
    """
    day = day_or_none(broke_on)
    if day is None:
        return None
    return min((due for gaps in _policies(series) if (due := gaps.due(day)) is not None), default=None)


def _policies(series: Series) -> list[Gaps]:
    try:
        sets = series.rule_sets()
    except InvalidSeries:
        return []  # of another version of Folio; ledger_rules reports it
    return [rules.gaps for rules in sets if rules.gaps is not None and rules.gaps.due_day is not None]
