"""Turns each row of a previous system's table that counts into a ``Row``, with what is wrong with it.

Uses no database and constant memory. Faults that concern two rows, such as a number that comes twice, are found in the
staging table of ``ledger.adoption``.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.errors import InvalidArgument, LedgerError
from ledger.formats import MAX_VALUE, NumberFormat
from ledger.models.series import NUMBER_LENGTH
from ledger.number_templates import Template
from ledger.spreadsheets import ChosenRows, Dates, Layout, Table, UnreadableDate, text_of
from ledger.texts import flaw

#: The most metadata that the ledger keeps of a row, in bytes of JSON.
METADATA_BYTES = 64 * 1024

#: The metadata key of a number whose text names another period, month or day than its date.
CONTRADICTION = "contradiction"

#: The metadata key of the number in the file, if the series has reformatted it.
AS_WRITTEN = "as_written"

# How many periods before and after a date are searched for the one in a number's text.
_PERIODS = 40

# How many days' formats are cached.
_DAYS = 5_000


class Row(NamedTuple):
    """One row as the staging table takes it. With a ``problem``, other fields may be missing.

    ``counted_on`` is a day of the period that the number counts in: ``issued_on``, unless the number's text names
    another period. ``void`` is None if the row doesn't say; ``native`` tells that the number looks like one of the
    series' own template; ``prefix`` is the text before its counter; ``metadata`` is JSON.
    """

    line: int
    value: int | None = None
    number: str | None = None
    document: str | None = None
    issued_at: datetime | None = None
    issued_on: date | None = None
    counted_on: date | None = None
    void: bool | None = None
    metadata: str | None = None
    native: bool | None = None
    prefix: str | None = None
    problem: str | None = None


class BadValue(Exception):
    """The reason why a row can't be taken over; never leaves this module."""


class RowReader:
    """Reads a table by its layout, the template and the time zone of the series that takes over the numbers.

    Raises InvalidArgument if the layout works with no file, TableError if it doesn't fit this one.
    """

    def __init__(self, table: Table, layout: Layout, template: Template, zone: ZoneInfo) -> None:
        own = template.pattern()
        self.table = table
        self.layout = layout = table.completed(layout)
        self.template = template
        self.zone = zone
        self.dates = Dates(layout)
        given = template.pattern(padded=not layout.restore_zeros) if layout.pattern is None else None
        self.pattern = given or _compiled(layout.pattern or "")
        # Without regard to case, as numbers are unique.
        self.native = re.compile(own.pattern, re.IGNORECASE)
        check_names(layout, self.pattern)
        self.chosen = ChosenRows(table, layout)
        customer = self.chosen.customer
        self.kept = [] if customer is None else [("customer", customer)]
        self.kept += [(name, table.column(name)) for name in layout.keep_columns]
        self._formats: dict[date, NumberFormat | None] = {}

    def rows(self) -> Iterator[Row]:
        """The rows that count. Raises TableError if no row counts."""
        for one in self.chosen:
            yield Row(one.row, problem=one.problem) if one.problem else self._row(one.row, one.cells)

    def _row(self, line: int, fields: Sequence[Any]) -> Row:
        chosen = self.chosen
        number = written = text_of(fields[chosen.number])
        column = self.layout.number_column
        try:
            value, groups, prefix = self._value(number)
            column = self.layout.date_column
            issued_at, issued_on = self.dates.moment(fields[chosen.date], self.zone)
            column = self.layout.document_column or ""
            document = "" if chosen.document is None else _document(text_of(fields[chosen.document]))
            kept = {}
            for column, at in self.kept:
                if text := text_of(fields[at]):
                    kept[column] = _kept(text)
            column = ""
            counted_on, number = self._counted(number, value, issued_on)
            if number != written:
                kept[AS_WRITTEN] = written
            if self._contradicts(number, value, issued_on, counted_on):
                kept[CONTRADICTION] = f"the number {number} is dated {issued_on}"
            metadata = _metadata(groups | kept)
        except (BadValue, UnreadableDate) as reason:
            told = f"{self.table.cell} {column!r}: {reason}" if column else str(reason)
            shown = number[:NUMBER_LENGTH].encode(errors="replace").decode()
            return Row(line, number=shown, problem=told.encode(errors="backslashreplace").decode())
        status = "" if chosen.void is None else text_of(fields[chosen.void])
        void = chosen.statuses.meaning(status) == "void" if status else None
        native = self.native.match(number) is not None
        return Row(line, value, number, document, issued_at, issued_on, counted_on, void, metadata, native, prefix)

    def _format(self, day: date) -> NumberFormat | None:
        """The format of a day's period; None if its periods are made by hand, or it can have none."""
        if day not in self._formats:
            if len(self._formats) > _DAYS:
                self._formats.clear()
            self._formats[day] = None
            if (span := self.template.calendar.span(day)) is not None:
                with suppress(LedgerError):
                    self._formats[day] = self.template.compile(span)
        return self._formats[day]

    def _counted(self, number: str, value: int, issued_on: date) -> tuple[date, str]:
        """A day of the period that the number counts in, and the number, reformatted if the layout asks for it."""
        own = self._format(issued_on)
        restore = self.layout.restore_zeros
        if own is None:
            return issued_on, number
        if restore and self.layout.pattern is not None:
            return issued_on, own.number(value, issued_on)
        if not restore and (self.native.match(number) is None or own.value_of(number.upper()) is not None):
            return issued_on, number
        for day in chain([issued_on], _around(self.template, issued_on)):
            other = self._format(day)
            if other is None:
                continue
            shown = other.number(value, day)
            if restore and _bare(shown) == _bare(number):
                return day, shown
            if other.value_of(number) == value:
                return day, number
        return issued_on, number

    def _contradicts(self, number: str, value: int, issued_on: date, counted_on: date) -> bool:
        """Whether the number's text names another period, month or day than its date."""
        own = self._format(issued_on)
        if own is None or counted_on != issued_on:
            return own is not None
        return own.is_dated and own.value_of(number) == value and own.number(value, issued_on) != number

    def _value(self, number: str) -> tuple[int, dict[str, str], str]:
        if not number:
            raise BadValue("it has no number")
        if len(number) > NUMBER_LENGTH:
            raise BadValue(
                f"the number {number[:40]!r}… has {len(number)} characters, and the ledger holds {NUMBER_LENGTH}"
            )
        if found := flaw(number):
            raise BadValue(f"the number {number!a} {found.problem}")
        matched = self.pattern.fullmatch(number)
        if matched is None:
            form = "of the form that --pattern describes" if self.layout.pattern else f"like {self.template.text}"
            raise BadValue(f"the number {number!r} is not {form}")
        groups = matched.groupdict()
        digits = groups.pop("counter") or ""
        if not (digits.isascii() and digits.isdigit()):
            raise BadValue(f"the number {number!r} has the counter {digits!r}, which is no whole number")
        # The series must be able to continue after it.
        if len(digits.lstrip("0")) > len(str(MAX_VALUE)) or int(digits) >= MAX_VALUE:
            raise BadValue(f"the number {number!r} has a counter of {MAX_VALUE} or more, after which no other can come")
        return int(digits), {name: text for name, text in groups.items() if text}, number[: matched.start("counter")]


def _around(template: Template, day: date) -> Iterator[date]:
    """A day of each period near the given day, the nearest first."""
    before = after = template.calendar.span(day)
    for _ in range(_PERIODS):
        if before is not None and before.starts_on > date.min:
            before = template.calendar.span(before.starts_on - timedelta(days=1))
            if before is not None:
                yield before.ends_on
        if after is not None and after.ends_on < date.max:
            after = template.calendar.span(after.ends_on + timedelta(days=1))
            if after is not None:
                yield after.starts_on


def _bare(number: str) -> str:
    """A number without the leading zeros that spreadsheets drop."""
    return re.sub("(?<![0-9])0+([0-9])", r"\1", number.upper())


def check_names(layout: Layout, pattern: re.Pattern[str]) -> None:
    """Refuse options that work with no file. Raises InvalidArgument."""
    if "counter" not in pattern.groupindex:
        raise InvalidArgument(
            f"The pattern {pattern.pattern!r} has no group named counter.",
            rule="A pattern has the group (?P<counter>…), the digits that count the documents.",
            remedy=r"Write it like ^INV-(?P<counter>\d+)$.",
        )
    kept = [*(name for name in pattern.groupindex if name != "counter"), *layout.keep_columns]
    kept += ["customer"] if layout.customer_column else []
    kept += [AS_WRITTEN, CONTRADICTION]
    if twice := sorted({name for name in kept if kept.count(name) > 1}):
        raise InvalidArgument(
            f"The metadata would have {', '.join(twice)} twice.",
            rule="Named groups of the pattern, kept columns and the customer share the entry's metadata.",
            remedy="Rename the group, or leave the column out.",
        )


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidArgument(
            f"The pattern {pattern!r} can't be read: {error}.",
            rule="A pattern is a regular expression of Python.",
            remedy=r"Write it like ^INV-(?P<counter>\d+)$.",
        ) from error


def _kept(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValue(f"the text {text[:40]!r} holds half a character: a lone surrogate") from None
    return text


def _metadata(kept: dict[str, str]) -> str:
    if not kept:
        return "{}"
    size = len(json.dumps(kept, ensure_ascii=False).encode())
    if size > METADATA_BYTES:
        longest = max(kept, key=lambda name: len(kept[name]))
        raise BadValue(
            f"what is kept of it has {size:,} bytes, most of them in {longest!r}; the ledger holds {METADATA_BYTES:,}"
        )
    return json.dumps(kept)


def _document(text: str) -> str:
    if text and (found := flaw(text)):
        raise BadValue(f"the document {text[:40]!a} {found.problem}")
    return text
