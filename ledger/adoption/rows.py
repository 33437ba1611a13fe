"""Reads the file of a previous system: CSV goes in, one `Row` for each document comes out, with what is wrong with it.

No database, and constant memory whatever the file: a line has a limit, and nothing is remembered from row to row. What
takes two rows to see (a number that comes twice) is the business of the staging table in ``ledger.adoption``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.adoption.source import Source, text_lines
from ledger.calendars import business_date
from ledger.errors import AdoptionError, InvalidArgument, InvalidDate
from ledger.formats import MAX_VALUE, Template
from ledger.texts import flaw

#: The longest number that the ledger can hold, in characters.
NUMBER_LENGTH = 100

#: The most that the ledger keeps of a row beside its number, in bytes of JSON.
METADATA_BYTES = 64 * 1024

# Directives of strptime that state a time of day; a format without one has bare dates.
_TIME_OF_DAY = re.compile(r"%[HIcX]")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a file has what.

    ``pattern`` is a regular expression that the whole number matches; its group ``counter`` has the digits of the
    value, and its other named groups go into the entry's metadata. By default it is the series' own template.
    ``void_values`` are the words of the void column that mean void, without regard to case. ``keep_columns`` and the
    customer are kept in the metadata. ``date_format`` is one of ``strptime``, by default ISO 8601.
    """

    number_column: str = "number"
    date_column: str = "issued_at"
    document_column: str | None = None
    customer_column: str | None = None
    void_column: str | None = None
    void_values: tuple[str, ...] = ("void", "cancelled", "true", "1", "yes")
    keep_columns: tuple[str, ...] = ()
    pattern: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    date_format: str | None = None


class Row(NamedTuple):
    """One line as the staging table takes it. With a ``problem``, the rest may be missing.

    ``native`` tells that the number looks like one of the series' own template; ``metadata`` is JSON text.
    """

    line: int
    value: int | None = None
    number: str | None = None
    document: str | None = None
    issued_at: datetime | None = None
    issued_on: date | None = None
    void: bool | None = None
    metadata: str | None = None
    native: bool | None = None
    problem: str | None = None


class BadRow(Exception):
    """The reason why a row can't be taken over; never leaves this module."""


class RowReader:
    """A layout, checked against the template and the time zone of the series that takes the numbers over.

    Raises InvalidArgument where it can't work for any file.
    """

    def __init__(self, layout: Layout, template: Template, zone: ZoneInfo) -> None:
        own = template.pattern()
        self.layout = layout
        self.zone = zone
        self.pattern = own if layout.pattern is None else _compiled(layout.pattern)
        # Without regard to case, as numbers are unique.
        self.native = re.compile(own.pattern, re.IGNORECASE)
        self.void_values = frozenset(value.casefold() for value in layout.void_values)
        check_layout(layout, self.pattern)

    def rows(self, source: Source) -> Iterator[Row]:
        """One row for each document of the file, without blank lines. Raises AdoptionError where it is no such file."""
        lines = text_lines(source, self.layout.encoding)
        reader = csv.reader(lines, delimiter=self.layout.delimiter, strict=True)
        columns = self._columns(next(_records(reader), (1, [], None)), source.name)
        found = False
        for line, fields, problem in _records(reader):
            found = True
            if problem is None and len(fields) != columns.count:
                problem = f"it has {len(fields)} fields, and the header {columns.count}"
            yield Row(line, problem=problem) if problem else self._row(line, fields, columns)
        if not found:
            raise AdoptionError(
                f"The file {source.name!r} has a header and no row.",
                rule="A file has one row for each document.",
                remedy="Export the numbers again, and see that there are some.",
            )

    def _columns(self, header: tuple[int, list[str], str | None], name: str) -> _Columns:
        _, names, problem = header
        if problem or not names:
            raise AdoptionError(
                f"The file {name!r} " + (f"has an unreadable header: {problem}." if problem else "is empty."),
                rule="The first line names the columns, and each further one is a document.",
                remedy="Export the numbers again as CSV with a header.",
            )
        return _Columns.of(self.layout, [text.strip() for text in names], name)

    def _row(self, line: int, fields: list[str], columns: _Columns) -> Row:
        number = fields[columns.number].strip()
        column = self.layout.number_column
        try:
            value, groups = self._value(number)
            column = self.layout.date_column
            issued_at, issued_on = self._moment(fields[columns.date].strip())
            column = self.layout.document_column or ""
            document = "" if columns.document is None else _document(fields[columns.document].strip())
            kept = {}
            for column, at in columns.kept:
                if text := fields[at].strip():
                    kept[column] = _kept(text)
            column = ""
            metadata = _metadata(groups | kept)
        except BadRow as reason:
            told = f"column {column!r}: {reason}" if column else str(reason)
            shown = number[:NUMBER_LENGTH].encode(errors="replace").decode()
            return Row(line, number=shown, problem=told.encode(errors="backslashreplace").decode())
        void = columns.void is not None and fields[columns.void].strip().casefold() in self.void_values
        native = self.native.match(number) is not None
        return Row(
            line,
            value,
            number,
            document,
            issued_at,
            issued_on,
            void,
            metadata,
            native,
        )

    def _value(self, number: str) -> tuple[int, dict[str, str]]:
        if not number:
            raise BadRow("it has no number")
        if len(number) > NUMBER_LENGTH:
            raise BadRow(
                f"the number {number[:40]!r}… has {len(number)} characters, and the ledger holds {NUMBER_LENGTH}"
            )
        if found := flaw(number):
            raise BadRow(f"the number {number!a} {found.problem}")
        matched = self.pattern.fullmatch(number)
        if matched is None:
            raise BadRow(f"the number {number!r} does not match the pattern {self.pattern.pattern}")
        groups = matched.groupdict()
        digits = groups.pop("counter") or ""
        if not (digits.isascii() and digits.isdigit()):
            raise BadRow(f"the number {number!r} has the counter {digits!r}, which is no whole number")
        # The series must be able to go on after it.
        if len(digits.lstrip("0")) > len(str(MAX_VALUE)) or int(digits) >= MAX_VALUE:
            raise BadRow(f"the number {number!r} has a counter of {MAX_VALUE} or more, after which no other can come")
        return int(digits), {name: text for name, text in groups.items() if text}

    def _moment(self, text: str) -> tuple[datetime, date]:
        """The moment stated, and its business date. A time without an offset is local in the series' zone.

        Of the two moments of a time that comes twice, when clocks are put back, the first is taken. A bare date means
        the first moment of the day.
        """
        if not text:
            raise BadRow("it has no date")
        try:
            stated, bare = _stated(text, self.layout.date_format)
        except ValueError:
            wanted = self.layout.date_format or "ISO 8601, such as 2026-03-31 or 2026-03-31T14:05"
            raise BadRow(f"the date {text[:40]!r} is none of the format {wanted}") from None
        try:
            if stated.tzinfo is not None:
                return stated.astimezone(UTC), business_date(stated, self.zone)
            moment = stated.replace(tzinfo=self.zone).astimezone(UTC)
            if not bare and moment.astimezone(self.zone).replace(tzinfo=None) != stated:
                raise BadRow(f"the time {text} never was in {self.zone.key}: its clocks were put forward past it")
        except (OverflowError, ValueError, InvalidDate):
            raise BadRow(f"the date {text[:40]!r} lies outside the years 1 to 9999") from None
        return moment, stated.date()


@dataclass(frozen=True, slots=True)
class _Columns:
    """At which place of a row stands what."""

    count: int
    number: int
    date: int
    document: int | None
    void: int | None
    kept: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, layout: Layout, names: list[str], file: str) -> _Columns:
        def place(name: str) -> int:
            if names.count(name) == 1:
                return names.index(name)
            known = ", ".join(name[:40] for name in names[:30])
            raise AdoptionError(
                f"The file {file!r} has {'two columns' if name in names else 'no column'} {name!r}; it has {known}.",
                rule="Each column that is taken over stands in the header, once.",
                remedy="Name them, for example --number-column 'Invoice no' --date-column Date, or --delimiter ';'.",
            )

        def maybe(name: str | None) -> int | None:
            return None if name is None else place(name)

        customer = maybe(layout.customer_column)
        kept = [] if customer is None else [("customer", customer)]
        return cls(
            count=len(names),
            number=place(layout.number_column),
            date=place(layout.date_column),
            document=maybe(layout.document_column),
            void=maybe(layout.void_column),
            kept=(*kept, *((name, place(name)) for name in layout.keep_columns)),
        )


def check_layout(layout: Layout, pattern: re.Pattern[str]) -> None:
    """Refuse options that no file could be read with. Raises InvalidArgument."""
    if "counter" not in pattern.groupindex:
        raise InvalidArgument(
            f"The pattern {pattern.pattern!r} has no group named counter.",
            rule="A pattern has the group (?P<counter>…), the digits that count the documents.",
            remedy=r"Write it like ^INV-(?P<counter>\d+)$.",
        )
    kept = [*(name for name in pattern.groupindex if name != "counter"), *layout.keep_columns]
    kept += ["customer"] if layout.customer_column else []
    if twice := sorted({name for name in kept if kept.count(name) > 1}):
        raise InvalidArgument(
            f"The metadata would have {', '.join(twice)} twice.",
            rule="Named groups of the pattern, kept columns and the customer share the entry's metadata.",
            remedy="Rename the group, or leave the column out.",
        )
    if len(layout.delimiter) != 1 or layout.delimiter in '"\r\n\0 ':
        raise InvalidArgument(
            f"The delimiter {layout.delimiter!r} can't part the fields of a line.",
            rule="A delimiter is one character, and no quote, space or line break.",
            remedy="Pass ',' or ';', or 'tab' for the tabulator.",
        )
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=layout.encoding)
        if layout.date_format is not None:
            _stated(datetime(2026, 3, 31, tzinfo=UTC).strftime(layout.date_format), layout.date_format)
    except (LookupError, ValueError) as error:
        raise InvalidArgument(
            f"The file can't be read so: {error}.",
            rule="An encoding is one that Python knows, and a date format one of strptime.",
            remedy="Write them like --encoding cp1252 and --date-format '%d/%m/%Y %H:%M'.",
        ) from error


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidArgument(
            f"The pattern {pattern!r} can't be read: {error}.",
            rule="A pattern is a regular expression of Python.",
            remedy=r"Write it like ^INV-(?P<counter>\d+)$.",
        ) from error


def _records(reader: Any) -> Iterator[tuple[int, list[str], str | None]]:
    """Line, fields and problem of each record; the line is the one it starts on, as quoted fields may have several."""
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"it is no line of CSV ({error})"
            continue
        if fields:
            yield line, fields, None


def _stated(text: str, date_format: str | None) -> tuple[datetime, bool]:
    """What the text says, and whether it is a bare date. Raises ValueError."""
    if date_format is not None:
        # Naive on purpose where the format has no offset: the series' zone decides.
        stated = datetime.strptime(text, date_format)  # noqa: DTZ007
        return stated, _TIME_OF_DAY.search(date_format) is None
    return datetime.fromisoformat(text), len(text) <= len("2026-03-31")


def _kept(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow(f"the text {text[:40]!r} holds half a character: a lone surrogate") from None
    return text


def _metadata(kept: dict[str, str]) -> str:
    if not kept:
        return "{}"
    size = len(json.dumps(kept, ensure_ascii=False).encode())
    if size > METADATA_BYTES:
        longest = max(kept, key=lambda name: len(kept[name]))
        raise BadRow(
            f"what is kept of it has {size:,} bytes, most of them in {longest!r}; the ledger holds {METADATA_BYTES:,}"
        )
    return json.dumps(kept)


def _document(text: str) -> str:
    if text and (found := flaw(text)):
        raise BadRow(f"the document {text[:40]!a} {found.problem}")
    return text
