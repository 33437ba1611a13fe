"""Which period a business date falls in.

Pure: dates go in, spans of dates come out; no database, no clock. Months, quarters and both kinds of years are runs of
equal steps of 1, 3 or 12 months from an anchor day, so `_Steps` serves all of them.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from ledger.errors import InvalidCalendar, InvalidDate

#: Keys of the tz database that are no places. The first means whatever the machine is set to. The last seven are also
#: abbreviations, which PostgreSQL reads without summer time, and by the session's own list of them.
NO_PLACES = frozenset({"localtime", "Factory", "CET", "EET", "EST", "HST", "MET", "MST", "WET"})

_ONE_DAY = timedelta(days=1)


class CalendarKind(StrEnum):
    """How often the counter of a series starts anew."""

    NEVER = "never"
    YEAR = "year"
    FISCAL_YEAR = "fiscal-year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class Span:
    """The dates from ``starts_on`` to ``ends_on``, both included.

    Raises `InvalidCalendar` if it ends before it starts, and `InvalidDate` if an end is not a plain date.
    """

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        require_plain_date(self.starts_on)
        require_plain_date(self.ends_on)
        if self.starts_on > self.ends_on:
            raise InvalidCalendar(
                f"The span from {self.starts_on} to {self.ends_on} ends before it starts.",
                rule="A span includes its first and its last day, so it has at least one day.",
                remedy="Swap the two dates; a single day is one such as 2026-01-01 to 2026-01-01.",
            )

    def __contains__(self, on: date) -> bool:
        require_plain_date(on)
        return self.starts_on <= on <= self.ends_on

    def __str__(self) -> str:
        return f"{self.starts_on} to {self.ends_on}"

    @property
    def days(self) -> int:
        """How many days the span has."""
        return (self.ends_on - self.starts_on).days + 1


def named_span(text: str) -> Span:
    """The days that a text names: 2026, 2026-11, or 2026-01-01..2026-03-31; raises ValueError or InvalidCalendar."""
    first, dots, last = text.partition("..")
    if dots:
        return Span(date.fromisoformat(first), date.fromisoformat(last))
    if re.fullmatch(r"[0-9]{4}", text):
        return Span(date(int(text), 1, 1), date(int(text), 12, 31))
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        raise ValueError(text)
    year, month = int(text[:4]), int(text[5:])
    return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class FiscalStart:
    """The day of the year on which every fiscal year starts.

    Raises `InvalidCalendar` for a day that some year lacks: 29 February, and those that no year has.
    """

    month: int
    day: int

    def __post_init__(self) -> None:
        if (self.month, self.day) == (2, 29):
            raise InvalidCalendar(
                "A fiscal year can't start on 02-29.",
                rule="A fiscal year starts on a day that every year has.",
                remedy="Choose 28 February (02-28) or 1 March (03-01).",
            )
        if not (1 <= self.month <= 12 and 1 <= self.day <= monthrange(2001, self.month)[1]):
            raise InvalidCalendar(
                f"A fiscal year can't start on day {self.day} of month {self.month}.",
                rule="A fiscal year starts on a day that every year has.",
                remedy="Give month and day such as 04-01 for 1 April.",
            )

    @classmethod
    def parse(cls, text: str) -> "FiscalStart":
        """Read a month and a day, two digits each: ``"04-01"`` is 1 April. Raises `InvalidCalendar`."""
        found = re.fullmatch(r"([0-9]{2})-([0-9]{2})", text)
        if found is None:
            raise InvalidCalendar(
                f"The fiscal start {text!r} can't be read.",
                rule="A fiscal start is a month and a day, two digits each, with a hyphen between them.",
                remedy="Write it like 04-01 for 1 April.",
            )
        return cls(month=int(found[1]), day=int(found[2]))

    def __str__(self) -> str:
        return f"{self.month:02}-{self.day:02}"


_NEW_YEAR = FiscalStart(1, 1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The rule that divides the days into the periods of a series.

    ``fiscal_start`` anchors fiscal years and quarters, and the fiscal tokens of templates; the other kinds ignore it.
    """

    kind: CalendarKind
    fiscal_start: FiscalStart = _NEW_YEAR

    def span(self, on: date) -> Span | None:
        """The one period that holds the day; None for ``explicit``, whose periods are opened by hand.

        The periods at both ends of Python's dates are cut off at 0001-01-01 and 9999-12-31. Raises `InvalidDate` for a
        datetime, whose day depends on a time zone: pass it through `business_date` first.
        """
        require_plain_date(on)
        match self.kind:
            case CalendarKind.NEVER:
                return Span(date.min, date.max)
            case CalendarKind.YEAR:
                return _Steps(12, _NEW_YEAR).span(on)
            case CalendarKind.FISCAL_YEAR:
                return _Steps(12, self.fiscal_start).span(on)
            case CalendarKind.QUARTER:
                return _Steps(3, self.fiscal_start).span(on)
            case CalendarKind.MONTH:
                return _Steps(1, _NEW_YEAR).span(on)
            case CalendarKind.DAY:
                return Span(on, on)
            case CalendarKind.EXPLICIT:
                return None

    def following(self, span: Span) -> Span | None:
        """The period that starts the day after; None after the last possible day, and for ``explicit``.

        After a span that is no regular period (a short first year) comes the rest of the regular one, never an overlap.
        """
        if span.ends_on == date.max:
            return None
        starts_on = span.ends_on + _ONE_DAY
        regular = self.span(starts_on)
        return None if regular is None else Span(starts_on, regular.ends_on)


def fiscal_year(on: date, fiscal_start: FiscalStart) -> tuple[int, int]:
    """The calendar years in which the day's fiscal year starts and ends: (2022, 2023) for 2022-04-01 to 2023-03-31.

    A fiscal year that starts on 1 January ends in the same year. The first and the last of Python's dates may be in one
    that starts in year 0 or ends in year 10000.
    """
    starts_in = _Steps(12, fiscal_start).index(on)
    return starts_in, starts_in if fiscal_start == _NEW_YEAR else starts_in + 1


def quarter(on: date, fiscal_start: FiscalStart) -> int:
    """The quarter of the day, 1 to 4, counted from the fiscal start."""
    return _Steps(3, fiscal_start).index(on) % 4 + 1


def business_date(moment: date | datetime, zone: ZoneInfo) -> date:
    """The day of a moment in the zone; a plain date is taken as it is.

    Raises `InvalidDate` for a naive datetime, and for a moment whose day in that zone is outside the years 1 to 9999.
    """
    # A datetime is a date to Python, so it is checked first.
    if not isinstance(moment, datetime):
        require_plain_date(moment)
        return moment
    try:
        if moment.utcoffset() is None:
            raise InvalidDate(
                f"The datetime {moment.isoformat()} has no time zone.",
                rule="A moment has one business date only if its time zone is known.",
                remedy="Pass an aware one such as 2026-04-01T00:30:00+05:30, or the date 2026-04-01.",
            )
        return moment.astimezone(zone).date()
    except (OverflowError, ValueError) as error:
        if isinstance(error, InvalidDate):
            raise
        raise InvalidDate(
            f"The datetime {moment.isoformat()} has no date in {zone.key}.",
            rule="A business date lies in the years 1 to 9999.",
            remedy="Pass the business date itself, such as 2026-04-01.",
        ) from error


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA key such as ``Asia/Kolkata``. Raises `InvalidCalendar` for any other text."""
    # Checking membership, rather than loading it, keeps out paths, folders and the wrong case on every file system.
    if name in NO_PLACES or name not in available_timezones():
        raise InvalidCalendar(
            f"The time zone {name!r} is unknown.",
            rule="A time zone is UTC or a place in the IANA time zone database, written exactly as it is there. An "
            "abbreviation such as CET is no place: to PostgreSQL it has no summer time.",
            remedy="Use one such as Europe/Berlin, Asia/Kolkata or UTC.",
        )
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Time divided into steps of some months; step 0 holds the anchor day of year 0."""

    months: int
    anchor: FiscalStart

    def index(self, on: date) -> int:
        """The number of the step that holds the day; for steps of 12 months, the year in which it starts."""
        require_plain_date(on)
        index = (on.year * 12 + on.month - self.anchor.month) // self.months
        return index if self._start(index) <= (on.year, on.month, on.day) else index - 1

    def span(self, on: date) -> Span:
        """The step that holds the day, cut off where Python's dates end."""
        index = self.index(on)
        start, next_start = self._start(index), self._start(index + 1)
        return Span(
            starts_on=date(*start) if start[0] >= date.min.year else date.min,
            ends_on=date(*next_start) - _ONE_DAY if next_start[0] <= date.max.year else date.max,
        )

    def _start(self, index: int) -> tuple[int, int, int]:
        # No date: the steps at both ends start in year 0 or 10000, which a date can't hold.
        year, month = divmod(self.anchor.month - 1 + index * self.months, 12)
        last_day = monthrange(year, month + 1)[1]
        return year, month + 1, min(self.anchor.day, last_day)


def require_plain_date(on: object) -> None:
    """Raise `InvalidDate` for anything but a date; a datetime doesn't count as one."""
    if isinstance(on, datetime):
        raise InvalidDate(
            f"The datetime {on.isoformat()} is not a date.",
            rule="A period holds dates; the date of a moment depends on a time zone.",
            remedy="Convert it with business_date(moment, zone), or pass a date such as 2026-04-01.",
        )
    if not isinstance(on, date):
        raise InvalidDate(
            f"{on!r} is not a date.",
            rule="A business date is a datetime.date or an aware datetime.datetime.",
            remedy="Pass one such as date(2026, 4, 1).",
        )


def day_after(day: date) -> date:
    """The next day, or the last possible one."""
    return day if day == date.max else day + timedelta(days=1)


def day_before(day: date) -> date:
    """The day before, or the first possible one."""
    return day if day == date.min else day - timedelta(days=1)
