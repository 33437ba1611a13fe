"""Names of old sequences that continue in a series: ``LEDGER_COMPAT["OLD_NAMES"]`` says in which series and period.

The ledger then keeps the number of the document, ``1/FV/11/2026``, and not the name of a counter.
"""

from datetime import date
from typing import NamedTuple

from ledger.compat.conf import SeriesChoice, compat_settings
from ledger.errors import InvalidDate, InvalidSeries
from ledger.models import Period, Series
from ledger.periods import find_period, open_period


class Renamed(NamedTuple):
    """What an old name stands for: a series, and a day of the period, or None for today."""

    choice: SeriesChoice
    day: date | None


def renamed(name: object) -> Renamed | None:
    """What the settings have for an old name, if anything. Its groups year, month and day name the period."""
    if not isinstance(name, str):
        return None
    for pattern, choice in compat_settings().old_names:
        if (found := pattern.fullmatch(name)) is None:
            continue
        parts = {part: int(text) for part, text in found.groupdict().items() if text is not None}
        if "year" not in parts:
            return Renamed(choice, None)
        try:
            return Renamed(choice, date(parts["year"], parts.get("month", 1), parts.get("day", 1)))
        except ValueError as error:
            raise InvalidDate(
                f"The old name {name!r} has no date: {error}",
                rule="The groups year, month and day of LEDGER_COMPAT['OLD_NAMES'] say which period a name is of.",
                remedy="Correct the regular expression.",
            ) from error
    return None


def period_of(alias: str, series: Series, day: date, first_value: int) -> Period:
    """The period of an old name; one that is opened now begins at ``first_value``."""
    first = None if first_value == 1 else first_value
    return find_period(series, day, alias) or open_period(series, day, first_value=first, using=alias)


def no_turn(name: str) -> InvalidSeries:
    return InvalidSeries(
        f"The sequence {name!r} can't begin again: it goes on in a series of LEDGER_COMPAT['OLD_NAMES'].",
        rule="A series begins again with its calendar, and gives no number twice.",
        remedy="Leave reset_value and delete() out; a name with another year or month is another period.",
    )
