"""Dates and times as exports write them: in a format, with month names of a language, in the file's time zone."""

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import dates as names, translation

from ledger.calendars import business_date, zone
from ledger.errors import InvalidArgument, InvalidDate
from ledger.spreadsheets.layout import Layout
from ledger.spreadsheets.reading import text_of

# Directives of strptime that state a time of day; a format without one has bare dates.
_TIME_OF_DAY = re.compile(r"%[HIcX]")
_SHORTEST = 3
_WORD = re.compile(r"[^\W\d_]+\.?")


class UnreadableDate(ValueError):
    """Why a cell is no date; only the modules that read tables see it."""


class Dates:
    """Reads the cells of a layout's date column. Raises InvalidArgument for a format that works for no file."""

    def __init__(self, layout: Layout) -> None:
        self.zone: ZoneInfo | None = None if layout.time_zone is None else zone(layout.time_zone)
        self.wanted = layout.date_format or "ISO 8601, such as 2026-03-31 or 2026-03-31T14:05"
        self._format = layout.date_format
        self._bare = layout.date_format is not None and _TIME_OF_DAY.search(layout.date_format) is None
        self._between = _between(layout)
        together = re.fullmatch("(%[dmyY])+", layout.date_format or "") is not None
        self._digits = sum(4 if one == "Y" else 2 for one in (layout.date_format or "")[1::2]) if together else 0
        self._months: dict[str, int] = {}
        if self._format is not None:
            _check(self._format, has_year=self._between is not None)
            if re.search("%[bB]", self._format):
                self._months = _months(layout.language or "en")
                # A dot after a name says that it is short: it is the same month without.
                self._format = re.sub(r"%[bB]\.?", "%m", self._format)

    def _month(self, word: re.Match[str]) -> str:
        """The month that a word names, in full or by a beginning that no other month has; or the word."""
        name = word[0].rstrip(".").casefold()
        found = {self._months[name]} if name in self._months else set()
        if not found and len(name) >= _SHORTEST:
            found = {month for known, month in self._months.items() if known.startswith(name)}
        return str(found.pop()) if len(found) == 1 else word[0]

    def read(self, cell: Any) -> tuple[datetime, bool]:
        """The moment in a cell, naive without an offset, and whether it is a bare date. Raises ValueError."""
        if isinstance(cell, datetime):
            return cell, False
        if isinstance(cell, date):
            return datetime(cell.year, cell.month, cell.day), True  # noqa: DTZ001  (a bare date)
        text = str(cell).strip()
        if self._format is None:
            return datetime.fromisoformat(text), len(text) <= len("2026-03-31")
        if self._months:
            text = _WORD.sub(self._month, text)
        # Without separators, a lost zero would make another date: 101 is 1 January, not 10 January.
        if self._digits and (len(text := text.zfill(self._digits)) != self._digits or not text.isdigit()):
            raise ValueError(text)
        if self._between is None:
            # Naive on purpose where the format has no offset: the zone decides.
            return datetime.strptime(text, self._format), self._bare  # noqa: DTZ007
        first, last = self._between
        for year in range(first.year, last.year + 1):
            try:
                stated = datetime.strptime(f"{text} {year}", f"{self._format} %Y")  # noqa: DTZ007
            except ValueError:  # 29 February, in the other year
                continue
            if first <= stated.date() <= last:
                return stated, self._bare
        raise ValueError(text)

    def moment(self, cell: Any, here: ZoneInfo) -> tuple[datetime, date]:
        """The moment in a cell, and its business date in the zone ``here``.

        A time without an offset is in the file's zone; where clocks are put back and it comes twice, it is the first
        one. A bare date is the first moment of the day. Raises UnreadableDate.
        """
        text = text_of(cell)
        if not text:
            raise UnreadableDate("it has no date")
        try:
            stated, bare = self.read(cell)
        except ValueError:
            raise UnreadableDate(f"the date {text[:40]!r} doesn't have the format {self.wanted}") from None
        zone = here if bare or self.zone is None else self.zone
        try:
            if stated.tzinfo is not None:
                return stated.astimezone(UTC), business_date(stated, here)
            moment = stated.replace(tzinfo=zone).astimezone(UTC)
            known = bare or moment.astimezone(zone).replace(tzinfo=None) == stated
            day = stated.date() if bare else business_date(moment, here)
        except (OverflowError, ValueError, InvalidDate):
            raise UnreadableDate(f"the date {text[:40]!r} lies outside the years 1 to 9999") from None
        if not known:
            raise UnreadableDate(f"the time {text} never was in {zone.key}: its clocks were put forward past it")
        return moment, day


def _check(text: str, *, has_year: bool) -> None:
    """Refuse a format that lacks a part of the date."""
    said = set(re.findall("%[-#]?([A-Za-z])", text.replace("%%", "")))
    missing = []
    if not said & set("cx"):
        missing += [] if said & set("yY") or has_year else ["year"]
        missing += [] if said & set("mbBj") else ["month"]
        missing += [] if said & set("dj") else ["day"]
    problem = f"has no {' and no '.join(missing)}" if missing else ""
    if not missing:
        try:
            sample = datetime(2026, 3, 31)  # noqa: DTZ001
            datetime.strptime(sample.strftime(text), text)  # noqa: DTZ007
        except ValueError as error:
            problem = f"can't be read: {error}"
    if problem:
        raise InvalidArgument(
            f"The date format {text!r} {problem}.",
            rule="A date format says where day, month and year are, in the directives of strptime.",
            remedy="Write it like --date-format '%d/%m/%Y %H:%M', or '%d. %B %Y' with --language de; for dates without "
            "a year, add --years-from 2026-01-01 --years-to 2026-12-31.",
        )


def _between(layout: Layout) -> tuple[date, date] | None:
    if layout.years_from is None and layout.years_to is None:
        return None
    try:
        first, last = date.fromisoformat(layout.years_from or ""), date.fromisoformat(layout.years_to or "")
    except ValueError:
        first, last = date.max, date.min
    if first > last or (last - first).days > 366 or layout.date_format is None:
        raise InvalidArgument(
            f"Dates without a year can't lie between {layout.years_from} and {layout.years_to}.",
            rule="They lie between two ISO dates, at most a year apart, and have a date format.",
            remedy="Pass both, such as --date-format %d%m --years-from 2026-01-01 --years-to 2026-12-31.",
        )
    return first, last


def _months(language: str) -> dict[str, int]:
    """The month names of a language, in full and short; raises InvalidArgument for one that Django doesn't know."""
    if not translation.check_for_language(language):
        raise InvalidArgument(
            f"There is no language {language!r}.",
            rule="Month names are read in a language that Django has a translation for.",
            remedy="Pass its code, such as --language de.",
        )
    with translation.override(language):
        return {
            str(name).casefold().rstrip("."): number
            for table in (names.MONTHS, names.MONTHS_3, names.MONTHS_AP, names.MONTHS_ALT)
            for number, name in table.items()
        }
