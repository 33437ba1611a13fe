"""What an allocation is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from ledger.models import NumberIssued

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
