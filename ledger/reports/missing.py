"""Cuts the values of a period without a document into spans, each with what is known of it.

An *island* is a run of values between two documents. Its *items* are what is known of its values: gaps with an entry,
ranges of an adopted history, reservations and free slots. A value that no item covers is lost.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any


class What(StrEnum):
    """What is known of a span of values without a document."""

    FLAGGED = "flagged"
    ADOPTED = "adopted"
    LOST = "lost"
    RESERVED = "reserved"
    FREE = "free"

    @property
    def is_in_progress(self) -> bool:
        """Whether a document may still get such a value."""
        return self in (What.RESERVED, What.FREE)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The document next to an island: its value, its number and its business date."""

    value: int
    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Island:
    """The values from ``first`` to ``last``, both inclusive, and the documents next to it; None at a period's ends."""

    first: int
    last: int
    before: Neighbour | None
    after: Neighbour | None

    @property
    def dated(self) -> date | None:
        """The day on which it is counted: the date of the document before it, or else of the one after it.

        So each value belongs to one day, and to exactly one of two reports whose dates adjoin.
        """
        neighbour = self.before or self.after
        return None if neighbour is None else neighbour.issued_on


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of the values from ``first`` to ``last``, both inclusive."""

    first: int
    last: int
    what: What
    since: datetime | None = None
    document: str = ""
    actor: str = ""
    asked_for: date | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    explanation: str = ""
    explained_by: str = ""
    explained_at: datetime | None = None
    #: If it is an event: the transaction that wrote it, and the era of the database.
    era: int | None = None
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The values from ``first`` to ``last``, both inclusive, all of one item (None: lost), in one island."""

    first: int
    last: int
    island: Island
    item: Item | None

    @property
    def known(self) -> Item:
        """What is known of these values; of lost ones, only that they are lost."""
        return self.item or Item(self.first, self.last, What.LOST)

    @property
    def what(self) -> What:
        return self.known.what

    @property
    def count(self) -> int:
        return self.last - self.first + 1


def spans(found: Iterable[tuple[Island, Item | None]]) -> Iterator[Span]:
    """Cut islands along their items. ``found`` has each island with each of its items, or with None, in order.

    Every value of an island is in exactly one span, even if items overlap or reach beyond the island, which happens
    only in a ledger that was tampered with.
    """
    for island, pairs in groupby(found, key=lambda pair: pair[0]):
        reached = island.first - 1
        for item in filter(None, (item for _, item in pairs)):
            first, last = max(item.first, reached + 1), min(item.last, island.last)
            if first > last:
                continue
            if first > reached + 1:
                yield Span(reached + 1, first - 1, island, None)
            yield Span(first, last, island, item)
            reached = last
        if reached < island.last:
            yield Span(reached + 1, island.last, island, None)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many values are in progress or missing, of these lost or unexplained; the lowest and the highest of all."""

    in_progress: int = 0
    missing: int = 0
    ranges: int = 0
    lost: int = 0
    unexplained: int = 0
    first: int | None = None
    last: int | None = None


def tally(all_spans: Iterable[Span]) -> Tally:
    """Count spans, in order. Adjacent missing values are one range, whatever their causes."""
    in_progress = missing = ranges = lost = unexplained = 0
    first = last = missing_through = None
    for span in all_spans:
        first, last = span.first if first is None else first, span.last
        if span.what.is_in_progress:
            in_progress += span.count
            continue
        missing += span.count
        lost += span.count if span.item is None else 0
        unexplained += span.count if span.item is not None and not span.item.explanation else 0
        ranges += missing_through is None or span.first > missing_through + 1
        missing_through = span.last
    return Tally(in_progress, missing, ranges, lost, unexplained, first, last)
