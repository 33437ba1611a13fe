"""The contract of an allocation: what it is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.models import Entry, NumberIssued, Period

#: The ordinal of 1970-01-01, from which the database counts days.
_EPOCH = date(1970, 1, 1).toordinal()


class Request(NamedTuple):
    """One call of ``issue``, with every argument checked and turned into what the database takes.

    ``on`` is a business date, ``at`` a moment that the series' time zone turns into one; with neither, the database's
    clock says what today is. ``on_stated`` tells whether the caller chose the date. ``metadata`` is JSON text, or None
    if the caller stated none. ``replaces`` is the id of the document's void entry that the number replaces.
    """

    tenant: str
    series: str
    on: date | None
    at: datetime | None
    on_stated: bool
    document: str
    actor: str
    metadata: str | None
    replaces: int | None = None

    @property
    def of_series(self) -> dict[str, Any]:
        """The filter that picks the rows of its series."""
        return {"tenant": self.tenant, "series__tenant": self.tenant, "series__code": self.series}

    def for_one(self) -> tuple[Any, ...]:
        """The arguments of the stored function that numbers one document."""
        metadata = self.metadata or "{}"
        return (self.tenant, self.series, self.on, self.at, self.document, self.actor, metadata, self.replaces)

    def for_many(self, documents: list[str] | str) -> tuple[Any, ...]:
        """The arguments of the function that numbers a block, which compares the stated facts with existing entries."""
        return (self.tenant, self.series, self.on, self.at, documents, self.actor, self.metadata, self.on_stated)


class Outcome(StrEnum):
    """What the database decided; the words are those of the stored functions."""

    ISSUED = "issued"
    EXISTING = "existing"
    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    ALLOCATION = "allocation"
    NO_PERIOD = "no_period"
    CLOSED = "closed"
    EXHAUSTED = "exhausted"
    OUT_OF_ORDER = "out_of_order"
    OTHER_FACTS = "other_facts"
    TRY_AGAIN = "try_again"
    TOO_FAR = "too_far"
    FOREIGN = "foreign"


def day_of(days: str) -> date:
    """The business date that a stored function answers with, in days since 1970."""
    return date.fromordinal(_EPOCH + int(days))


def schema_of(table: str) -> str:
    """The schema, quoted for SQL, of a table that a stored function names in full."""
    return table.rpartition(".")[0]


class Taken(NamedTuple):
    """A new number, as the functions for one document return it: all texts, and more may follow."""

    outcome: str
    days: str
    entry: str
    series: str
    period: str
    value: str
    number: str
    issued_us: str
    transaction: str


class Looked(NamedTuple):
    """Where a number will come from, as ``ledger_look`` returns it: all texts."""

    outcome: str
    days: str
    series: str
    period: str
    transaction: str
    early: str
    entries: str
    server: str
    database: str
    login: str


class Answer(NamedTuple):
    """A number issued just now, or the id of the document's earlier one, or why the series gave no number."""

    outcome: Outcome
    business_date: date | None
    entry: NumberIssued | None = None
    existing_id: int | None = None


def refused(outcome: str, days: str | None = None, existing: str | None = None) -> Answer:
    """The answer of a function for one document that gave no new number: it stops after the last fact it knows."""
    day = None if days is None else day_of(days)
    return Answer(Outcome(outcome), day, existing_id=None if existing is None else int(existing))


class BlockAnswer(NamedTuple):
    """An Answer for many documents: new numbers by position in the list; the other documents had one already."""

    outcome: Outcome
    business_date: date | None
    entries: Mapping[int, NumberIssued]
    existing_id: int | None = None


class Allocator(Protocol):
    """What the module of an allocation provides; its name is that of the allocation.

    ``take`` and ``take_many`` work inside the transaction of ``connection``, ask the database first and trust its
    answer. They open no period and explain no refusal: the Outcome tells ``ledger.issuing`` to do so, and it asks
    again. A refusal writes nothing, and the transaction can continue. A series with another allocation gives
    Outcome.ALLOCATION. A rollback leaves no entry. A committed number is never given out again, void or not.
    ``tests/integration/test_allocator_contract.py`` tests all of this.
    """

    def take(self, connection: BaseDatabaseWrapper, request: Request) -> Answer:
        """The number of one document: a new one, or EXISTING with the id of the entry that it has."""
        ...

    def take_many(self, connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
        """New numbers, in their order, for those of ``documents`` that have none; all documents differ.

        OTHER_FACTS names a document whose number has another date or other metadata than the request states.
        """
        ...

    def upcoming(self, alias: str, period: Period) -> int:
        """The value that would come next in ``period``, which may be unsaved. Locks and writes nothing."""
        ...


def next_value(alias: str, period: Period) -> int:
    """``Allocator.upcoming`` if the counter alone decides; it was read with the period."""
    return period.last_value + 1


def all_numbered(alias: str, request: Request, documents: Sequence[str]) -> bool:
    """Whether each of ``documents``, all different, has a number: a retry needs no open period."""
    numbered = Entry.objects.using(alias).filter(**request.of_series, document__in=documents)
    entries = numbered.filter(replaces=None)  # the first one of each
    return entries.count() == len(documents)
