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
    where the caller stated none. ``replaces`` is the id of the document's void entry that the number replaces.
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

    def for_one(self) -> tuple[Any, ...]:
        """The arguments of the stored function that numbers one document."""
        metadata = self.metadata or "{}"
        return (self.tenant, self.series, self.on, self.at, self.document, self.actor, metadata, self.replaces)

    def for_many(self, documents: list[str] | str) -> tuple[Any, ...]:
        """The arguments of the one that numbers a block, which compares what is stated with what is there."""
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


class Taken(NamedTuple):
    """A new number, as the functions for one document answer with it: all texts, of which more may follow."""

    outcome: str
    days: str
    entry: str
    series: str
    period: str
    value: str
    number: str
    issued_us: str
    transaction: str


class Answer(NamedTuple):
    """A number issued just now, or the id of the document's earlier one, or why the series gave no number."""

    outcome: Outcome
    business_date: date | None
    entry: NumberIssued | None = None
    existing_id: int | None = None


def refused(outcome: str, days: str | None = None, existing: str | None = None) -> Answer:
    """What a function for one document answered, where it gave no new number: it ends with what it knows."""
    day = None if days is None else day_of(days)
    return Answer(Outcome(outcome), day, existing_id=None if existing is None else int(existing))


class BlockAnswer(NamedTuple):
    """As Answer, for many documents: new numbers by position in the list; the other documents had one already."""

    outcome: Outcome
    business_date: date | None
    entries: Mapping[int, NumberIssued]
    existing_id: int | None = None


class Allocator(Protocol):
    """What the module of an allocation has; its name is that of the allocation.

    ``take`` and ``take_many`` work inside the transaction of ``connection``, ask the database first and believe what it
    says. They open no period and explain no refusal: the Outcome tells ``ledger.issuing`` to do so, and it asks again.
    A refusal writes nothing, and the transaction can continue. A series of another allocation is Outcome.ALLOCATION.
    What is rolled back leaves no entry. What is committed is never given out again, be it void or not.
    ``tests/integration/test_allocator_contract.py`` tries all of this.
    """

    def take(self, connection: BaseDatabaseWrapper, request: Request) -> Answer:
        """The number of one document: a new one, or EXISTING with the id of the entry that it has."""
        ...

    def take_many(self, connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
        """New numbers, in their order, for those of ``documents`` that have none; all documents differ.

        OTHER_FACTS names a document that has a number with another date or other metadata than were stated.
        """
        ...

    def upcoming(self, alias: str, period: Period) -> int:
        """The value that would come next in ``period``, which may be unsaved. Locks and writes nothing."""
        ...


def all_numbered(alias: str, request: Request, documents: Sequence[str]) -> bool:
    """Whether each of ``documents``, all different, has a number: a retry asks for no open period."""
    entries = Entry.objects.using(alias).filter(
        tenant=request.tenant,
        series__tenant=request.tenant,
        series__code=request.series,
        document__in=documents,
        replaces=None,  # the first one of each
    )
    return entries.count() == len(documents)
