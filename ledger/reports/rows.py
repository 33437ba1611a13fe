"""What a report consists of: parts, each an iterator of rows of one type, whose fields are its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import Enum
from typing import Any

# The dataclasses below are made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009


class Kind(Enum):
    """What the cells of a column hold; any of them may be None."""

    TEXT = "text"
    WHOLE = "whole number"
    #: A value of a counter, which is no quantity.
    VALUE = "value"
    DAY = "date"
    #: An aware datetime, in the time zone of its series.
    MOMENT = "moment"
    #: A truth; where it is False, the row is shown in red.
    VERDICT = "verdict"
    #: A mapping of texts to whatever JSON can say.
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is the key in JSON and CSV, ``title`` what people read; ``share`` of the width of a page, 0 to omit."""

    name: str
    title: str
    kind: Kind
    share: float


def column(title: str, kind: Kind = Kind.TEXT, share: float = 1.0, **options: Any) -> Any:
    """A field of a row's dataclass together with what is to be said of its column."""
    return field(metadata={"title": title, "kind": kind, "share": share}, **options)


@dataclass(frozen=True, slots=True)
class Row:
    """What the rows of every part begin with: whose they are."""

    series: str = column("Series", share=1.2)
    period: str = column("Period", share=1.7)


def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a type of rows, in order."""
    return tuple(Column(f.name, f.metadata["title"], f.metadata["kind"], f.metadata["share"]) for f in fields(row))


@dataclass(frozen=True, slots=True)
class Part:
    """One table: ``rows()`` reads it anew from the report's snapshot, a few rows at a time; ``note`` says how to read
    it. On paper, where it is ``grouped``, series and period are headings above its rows, and no columns. A part as long
    as the ledger reads ``plain`` cells, since to make a row of each takes as long as all the rest.
    """

    name: str
    title: str
    note: str
    row: type[Row]
    rows: Callable[[], Iterator[Row]]
    grouped: bool = True
    plain: Callable[[], Iterator[tuple[Any, ...]]] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in order."""
        return columns_of(self.row)

    def cells(self) -> Iterator[tuple[Any, ...]]:
        """Its rows as plain cells, in the order of the columns."""
        if self.plain is not None:
            yield from self.plain()
            return
        names = [column.name for column in self.columns]
        for row in self.rows():
            yield tuple(getattr(row, name) for name in names)


@dataclass(frozen=True, slots=True)
class PeriodRow(Row):
    """One period, and how its values are accounted for. With a span of dates, ``first`` to ``duplicates`` are of that
    span; the opening, and what is expected by the rows, are of the whole period.
    """

    template: str = column("Numbers", share=0)
    time_zone: str = column("Time zone", share=0)
    first: int | None = column("First", Kind.VALUE, 0)
    last: int | None = column("Last", Kind.VALUE, 0)
    first_number: str | None = column("First number", share=2.2)
    last_number: str | None = column("Last number", share=2.2)
    expected: int = column("Expected", Kind.WHOLE, 1.25)
    issued: int = column("= Issued", Kind.WHOLE, 1.1)
    open: int = column("+ Open", Kind.WHOLE, 0.8)
    missing: int = column("+ Missing", Kind.WHOLE, 1.15)
    missing_ranges: int = column("in ranges", Kind.WHOLE, 1.05)
    lost: int = column("Lost", Kind.WHOLE, 0.7)
    void: int = column("Void", Kind.WHOLE, 0.8)
    out_of_order: int = column("Out of order", Kind.WHOLE)
    duplicates: int = column("Twice", Kind.WHOLE, 0.85)
    opening_value: int = column("Opens with", Kind.VALUE)
    closing_value_before: int | None = column("Closed with before", Kind.VALUE)
    opening: str = column("So it", share=1.3)
    expected_from_rows: int = column("By the rows", Kind.WHOLE)
    adds_up: bool = column("Sums agree", Kind.VERDICT, 0.85)
    #: What the judge says of the whole period; filled in once all periods are summed up.
    state: str = column("State", share=1.3, default="")


@dataclass(frozen=True, slots=True)
class VoidRow(Row):
    """A number that was declared void."""

    value: int = column("Value", Kind.VALUE, 0)
    number: str = column("Number", share=1.6)
    document: str = column("Document", share=1.4)
    issued_on: date = column("Business date", Kind.DAY, 1.15)
    issued_at: datetime = column("Issued", Kind.MOMENT, 1.75)
    voided_at: datetime = column("Voided", Kind.MOMENT, 1.75)
    voided_by: str = column("By", share=1.2)
    reason: str = column("Reason", share=3)
    replacement: str = column("Replaced by", share=1.4)


@dataclass(frozen=True, slots=True)
class ChangeRow(Row):
    """Settings of a series or period changed, or who may see the tenant's numbers: that is of no series and period.

    ``old`` and ``new`` hold what changed; ``old`` is empty where something was made.
    """

    changed_at: datetime = column("Changed", Kind.MOMENT, 1.75)
    changed_by: str = column("By", share=1.2)
    login: str = column("Database login", share=1.2)
    old: Mapping[str, Any] = column("Before", Kind.EVIDENCE, 3)
    new: Mapping[str, Any] = column("After", Kind.EVIDENCE, 3)


@dataclass(frozen=True, slots=True)
class RegisteredRow(Row):
    """A number that an authority knows under a reference of its own."""

    value: int = column("Value", Kind.VALUE, 0)
    number: str = column("Number", share=1.6)
    issued_on: date = column("Business date", Kind.DAY, 1.15)
    authority: str = column("Authority", share=1.1)
    reference: str = column("Reference", share=3)
    digest: str = column("SHA-256 of what was sent", share=0)
    registered_at: datetime = column("Registered", Kind.MOMENT, 1.75)
    registered_by: str = column("By", share=1.2)


@dataclass(frozen=True, slots=True)
class GapRow(Row):
    """Values that no document bears, from ``start`` to ``end``, both inclusive, all of one cause.

    The neighbours are the documents with the next lower and the next higher value, with their business dates.
    """

    start: int = column("Start", Kind.VALUE, 0)
    end: int = column("End", Kind.VALUE, 0)
    count: int = column("Count", Kind.WHOLE, 0.8)
    start_number: str = column("From", share=1.5)
    end_number: str = column("To (inclusive)", share=1.5)
    before_number: str | None = column("Number before", share=1.5)
    before_on: date | None = column("its date", Kind.DAY, 1.35)
    after_number: str | None = column("Number after", share=1.5)
    after_on: date | None = column("its date", Kind.DAY, 1.35)
    cause: str = column("Cause", share=1.4)
    known_since: datetime | None = column("Known since", Kind.MOMENT, 0)
    evidence: Mapping[str, Any] = column("Evidence", Kind.EVIDENCE, 3.8)
    explanation: str = column("Explanation", share=2.2)
    explained_by: str = column("By", share=0.9)
    explained_at: datetime | None = column("Explained", Kind.MOMENT, 1.75)


@dataclass(frozen=True, slots=True)
class DeclaredGapRow(GapRow):
    """The same where the rules of a series say until when a gap is to be declared to an authority."""

    declaration_due: date | None = column("Declaration due", Kind.DAY, 1.35)


@dataclass(frozen=True, slots=True)
class OpenRow(Row):
    """A value that is neither issued nor missing yet: reserved for a checkout, or free for the next one."""

    value: int = column("Value", Kind.VALUE, 0)
    number: str = column("Number", share=1.6)
    state: str = column("State")
    since: datetime | None = column("Since", Kind.MOMENT, 1.75)
    document: str = column("Document", share=2)
    asked_by: str = column("By")
    asked_for: date | None = column("Business date", Kind.DAY, 1.15)


@dataclass(frozen=True, slots=True)
class AcknowledgedRow(Row):
    """What a look at the ledger found, with why it may stand. Series and period are empty where it has none."""

    number: str = column("Number", share=1.4)
    alarm: str = column("Alarm", share=1.2)
    problem: str = column("What is wrong", share=3.4)
    raised_at: datetime = column("Found", Kind.MOMENT, 1.75)
    reason: str = column("May stand because", share=2.6)
    acknowledged_by: str = column("By", share=0.9)
    acknowledged_at: datetime = column("Acknowledged", Kind.MOMENT, 1.75)
