"""The parts of a report: each is an iterator of rows of one type, whose fields are its columns."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import Enum
from operator import attrgetter
from typing import Any

from ledger.localization import lazily as _

# The dataclasses below are made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009


class Kind(Enum):
    """What the cells of a column hold; any of them may be None."""

    TEXT = "text"
    #: One of Folio's own words: programs get it as it is, people in their language.
    WORD = "word"
    #: The label of a period, likewise.
    PERIOD = "period"
    WHOLE = "whole number"
    #: A value of a counter, which is no quantity.
    VALUE = "value"
    DAY = "date"
    #: An aware datetime, in the time zone of the report.
    MOMENT = "moment"
    #: A boolean; if it is False, the row is shown in red.
    VERDICT = "verdict"
    #: A mapping of texts to whatever JSON can say.
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is the key in JSON and CSV, ``title`` is for people; ``share`` of a page's width, 0 to omit it."""

    name: str
    title: str
    kind: Kind
    share: float


def column(title: Any, kind: Kind = Kind.TEXT, share: float = 1.0, **options: Any) -> Any:
    """A field of a row's dataclass, with the facts of its column."""
    return field(metadata={"title": title, "kind": kind, "share": share}, **options)


@dataclass(frozen=True, slots=True)
class Row:
    """The columns with which the rows of every part begin."""

    series: str = column(_("Series"), share=1.2)
    period: str = column(_("Period"), Kind.PERIOD, 1.7)


@dataclass(frozen=True, slots=True)
class NumberRow(Row):
    """One value and its number."""

    value: int = column(_("Value"), Kind.VALUE, 0)
    number: str = column(_("Number"), share=1.6)


@dataclass(frozen=True, slots=True)
class DocumentRow(NumberRow):
    """A number with its document."""

    document: str = column(_("Document"), share=2)
    issued_on: date = column(_("Business date"), Kind.DAY, 1.15)
    issued_at: datetime = column(_("Moment"), Kind.MOMENT, 2)


def columns_of(row: type[Any]) -> tuple[Column, ...]:
    """The columns of a type of rows, in order."""
    return tuple(Column(f.name, str(f.metadata["title"]), f.metadata["kind"], f.metadata["share"]) for f in fields(row))


@dataclass(frozen=True, slots=True)
class Part:
    """One table: ``rows()`` reads it from the report's snapshot, a few rows at a time; ``note`` says how to read it. On
    paper, if it is ``grouped``, series and period are headings above its rows, and no columns. A part as long as the
    ledger has ``plain`` cells, since making a row object of each takes as long as all the rest.
    """

    name: str
    title: str
    note: str
    row: type[Any]
    rows: Callable[[], Iterator[Any]]
    grouped: bool = True
    plain: Callable[[], Iterator[tuple[Any, ...]]] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.row)

    def cells(self) -> Iterator[tuple[Any, ...]]:
        """Its rows as plain cells, in the order of the columns."""
        if self.plain is not None:
            return self.plain()
        cells = attrgetter(*(column.name for column in self.columns))
        return (cells(row) for row in self.rows())


@dataclass(frozen=True, slots=True)
class PeriodRow(Row):
    """One period, and how its values are accounted for. ``first`` to ``duplicates`` count the dates of the report; the
    opening, and what the rows lead to expect, are of the whole period.
    """

    template: str = column(_("Numbers"), share=0)
    time_zone: str = column(_("Time zone"), share=0)
    first: int | None = column(_("First"), Kind.VALUE, 0)
    last: int | None = column(_("Last"), Kind.VALUE, 0)
    first_number: str | None = column(_("First number"), share=2.2)
    last_number: str | None = column(_("Last number"), share=2.2)
    expected: int = column(_("Expected"), Kind.WHOLE, 1.25)
    issued: int = column(_("= Issued"), Kind.WHOLE, 1.1)
    in_progress: int = column(_("+ In progress"), Kind.WHOLE, 1.1)
    missing: int = column(_("+ Missing"), Kind.WHOLE, 1.15)
    missing_ranges: int = column(_("in ranges"), Kind.WHOLE, 1.05)
    lost: int = column(_("Lost"), Kind.WHOLE, 0.7)
    unexplained: int = column(_("To explain"), Kind.WHOLE, 0)
    void: int = column(_("Void"), Kind.WHOLE, 0.8)
    out_of_order: int = column(_("Out of order"), Kind.WHOLE)
    duplicates: int = column(_("Twice"), Kind.WHOLE, 0.85)
    opening_value: int = column(_("Opens with"), Kind.VALUE)
    closing_value_before: int | None = column(_("Closed with before"), Kind.VALUE)
    opening: str = column(_("So it"), share=1.3)
    expected_from_rows: int = column(_("By the rows"), Kind.WHOLE)
    adds_up: bool = column(_("Sums agree"), Kind.VERDICT, 0.85)
    #: The judge's state of the whole period; filled in after all periods are summed up.
    state: str = column(_("State"), Kind.WORD, 1.8, default="")


@dataclass(frozen=True, slots=True)
class VoidRow(NumberRow):
    """A number that was declared void."""

    document: str = column(_("Document"), share=1.4)
    issued_on: date = column(_("Business date"), Kind.DAY, 1.15)
    issued_at: datetime = column(_("Issued"), Kind.MOMENT, 2)
    voided_at: datetime = column(_("Voided"), Kind.MOMENT, 2)
    voided_by: str = column(_("By"), share=1.2)
    reason: str = column(_("Reason"), share=3)
    replacement: str = column(_("Replaced by"), share=1.4)


@dataclass(frozen=True, slots=True)
class ChangeRow(Row):
    """A change of the settings of a series or period, or of who may see the tenant's numbers (no series or period).

    ``old`` and ``new`` hold what changed; ``old`` is empty for something new.
    """

    changed_at: datetime = column(_("Changed"), Kind.MOMENT, 2)
    changed_by: str = column(_("By"), share=1.2)
    login: str = column(_("Database login"), share=1.2)
    old: Mapping[str, Any] = column(_("Before"), Kind.EVIDENCE, 3)
    new: Mapping[str, Any] = column(_("After"), Kind.EVIDENCE, 3)


@dataclass(frozen=True, slots=True)
class RegisteredRow(NumberRow):
    """A number that an authority knows under a reference of its own."""

    issued_on: date = column(_("Business date"), Kind.DAY, 1.15)
    authority: str = column(_("Authority"), share=1.1)
    reference: str = column(_("Reference"), share=3)
    digest: str = column(_("SHA-256 of what was sent"), share=0)
    registered_at: datetime = column(_("Registered"), Kind.MOMENT, 2)
    registered_by: str = column(_("By"), share=1.2)


@dataclass(frozen=True, slots=True)
class GapRow(Row):
    """Values without a document, from ``start`` to ``end``, both inclusive, all of one cause.

    The neighbours are the documents with the next lower and the next higher value, with their business dates.
    """

    start: int = column(_("Start"), Kind.VALUE, 0)
    end: int = column(_("End"), Kind.VALUE, 0)
    count: int = column(_("Count"), Kind.WHOLE, 0.8)
    start_number: str = column(_("From"), share=1.5)
    end_number: str = column(_("To (inclusive)"), share=1.5)
    before_number: str | None = column(_("Number before"), share=1.5)
    before_on: date | None = column(_("its date"), Kind.DAY, 1.35)
    after_number: str | None = column(_("Number after"), share=1.5)
    after_on: date | None = column(_("its date"), Kind.DAY, 1.35)
    cause: str = column(_("Cause"), Kind.WORD, 1.8)
    known_since: datetime | None = column(_("Known since"), Kind.MOMENT, 0)
    evidence: Mapping[str, Any] = column(_("Evidence"), Kind.EVIDENCE, 3.4)
    explanation: str = column(_("Explanation"), share=2.2)
    explained_by: str = column(_("By"), share=0.9)
    explained_at: datetime | None = column(_("Explained"), Kind.MOMENT, 2)
    declared: str = column(_("Declared"), share=1.2)


@dataclass(frozen=True, slots=True)
class DeclaredGapRow(GapRow):
    """The same for series whose rules say by when a gap must be declared to an authority."""

    declaration_due: date | None = column(_("Declaration due"), Kind.DAY, 1.35)


@dataclass(frozen=True, slots=True)
class DeclarationRow(Row):
    """Missing values that were declared to an authority, from ``start`` to ``end``, both inclusive."""

    start: int = column(_("Start"), Kind.VALUE, 0)
    end: int = column(_("End"), Kind.VALUE, 0)
    start_number: str = column(_("From"), share=1.5)
    end_number: str = column(_("To (inclusive)"), share=1.5)
    authority: str = column(_("Authority"), share=1.1)
    reference: str = column(_("Reference"), share=2)
    justification: str = column(_("Justification"), share=3)
    declared_by: str = column(_("By"), share=1)
    declared_at: datetime = column(_("Declared"), Kind.MOMENT, 2)


@dataclass(frozen=True, slots=True)
class OutOfOrderRow(DocumentRow):
    """A document that is dated before the one with the next lower value."""

    before_number: str = column(_("Number before"), share=1.6)
    before_on: date = column(_("its date"), Kind.DAY, 1.35)


@dataclass(frozen=True, slots=True)
class DuplicateRow(Row):
    """One of the entries of a value that has more than one."""

    value: int = column(_("Value"), Kind.VALUE)
    number: str = column(_("Number"), share=1.6)
    kind: str = column(_("Kind"), Kind.WORD)
    document: str = column(_("Document"), share=2)
    issued_on: date = column(_("Business date"), Kind.DAY, 1.15)
    issued_at: datetime = column(_("Moment"), Kind.MOMENT, 2)
    issued_by: str = column(_("By"), share=1)


@dataclass(frozen=True, slots=True)
class DatingRow(DocumentRow):
    """A document whose business date is not the day of its issue in its series' time zone.

    ``days`` is how many days later it is dated; it is negative if the document is back-dated.
    """

    days: int = column(_("Days later"), Kind.WHOLE)
    issued_by: str = column(_("By"), share=1)


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """The current settings of a series; ChangeRow has the earlier ones."""

    series: str = column(_("Series"), share=1.2)
    template: str = column(_("Template"), share=2)
    calendar: str = column(_("Calendar"), Kind.WORD, 1.2)
    time_zone: str = column(_("Time zone"), share=1.4)
    allocation: str = column(_("Allocation"), Kind.WORD, 1.1)
    rules: str = column(_("Rules"), share=1)
    chronological: str = column(_("Chronology guard"), Kind.WORD, 1.2)
    max_days_ahead: int = column(_("Days ahead at most"), Kind.WHOLE, 1)
    active: str = column(_("Gives out numbers"), Kind.WORD, 1)


@dataclass(frozen=True, slots=True)
class InProgressRow(NumberRow):
    """A value that is neither issued nor missing yet: reserved for a checkout, or free for the next one."""

    state: str = column(_("State"), Kind.WORD)
    since: datetime | None = column(_("Since"), Kind.MOMENT, 2)
    document: str = column(_("Document"), share=2)
    asked_by: str = column(_("By"))
    asked_for: date | None = column(_("Business date"), Kind.DAY, 1.15)


@dataclass(frozen=True, slots=True)
class AcknowledgedRow(Row):
    """An acknowledged alarm, and why it may stand. Series and period are empty if it has none."""

    number: str = column(_("Number"), share=1.4)
    alarm: str = column(_("Alarm"), share=1.2)
    problem: str = column(_("What is wrong"), share=3.4)
    raised_at: datetime = column(_("Found"), Kind.MOMENT, 2)
    reason: str = column(_("May stand because"), share=2.6)
    acknowledged_by: str = column(_("By"), share=0.9)
    acknowledged_at: datetime = column(_("Acknowledged"), Kind.MOMENT, 2)


@dataclass(frozen=True, slots=True)
class AuthorisationRow(Row):
    """A range that an authority granted; values and days are inclusive. ``used`` counts what its counter gave out."""

    authority: str = column(_("Authority"), share=1.1)
    reference: str = column(_("Reference"), share=1.8)
    document_type: str = column(_("Type"), share=0.6)
    prefix: str = column(_("Prefix"), share=0.7)
    first: int = column(_("From"), Kind.VALUE)
    last: int | None = column(_("To"), Kind.VALUE)
    valid_from: date = column(_("Valid from"), Kind.DAY, 1.15)
    valid_to: date | None = column(_("Valid to"), Kind.DAY, 1.15)
    used: int = column(_("Used"), Kind.WHOLE, 0.8)
    lapsed_first: int | None = column(_("Lapsed from"), Kind.VALUE, 0.8)
    lapsed_last: int | None = column(_("Lapsed to"), Kind.VALUE, 0.8)
    lapsed_at: datetime | None = column(_("Lapsed"), Kind.MOMENT, 1.5)
    declared: str = column(_("Declared"), share=1.4)
    document: str = column(_("Document"), share=0)
    authorised_at: datetime = column(_("Added"), Kind.MOMENT, 1.5)
    authorised_by: str = column(_("By"), share=0.9)


@dataclass(frozen=True, slots=True)
class FindingRow(Row):
    """An open difference in an accounting system. Series and period are empty for a number unknown here."""

    number: str = column(_("Number"), share=1.6)
    system: str = column(_("System"), share=1.3)
    finding: str = column(_("What differs"), Kind.WORD, 1.8)
    document: str = column(_("Document"), share=1.2)
    there: str = column(_("There"), share=2.8)
    facts: Mapping[str, Any] = column(_("Both sides"), Kind.EVIDENCE, 0)
    found_at: datetime = column(_("Found"), Kind.MOMENT, 1.75)
    reason: str = column(_("May stand because"), share=1.8)
    acknowledged_by: str = column(_("By"), share=0.9)
    acknowledged_at: datetime | None = column(_("Acknowledged"), Kind.MOMENT, 0)


@dataclass(frozen=True, slots=True)
class ConfirmedRow(Row):
    """How many of a period's numbers a system knows as the ledger does: posted and valid, or void on both sides."""

    system: str = column(_("System"), share=1.2)
    confirmed: int = column(_("Confirmed"), Kind.WHOLE)
    used: int = column(_("Of issued"), Kind.WHOLE)
    compared_at: datetime | None = column(_("Compared"), Kind.MOMENT, 1.75)
