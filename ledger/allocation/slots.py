"""What ``pooled`` and ``remote`` share: both take the lowest free slots of a period."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import sql
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, Taken, day_of, refused
from ledger.allocation.opening import first_row
from ledger.models import NumberIssued, Period


class Slot(NamedTuple):
    """A slot that became an entry; ``is_low`` when it is time to make new ones, ``counter`` is the highest there is."""

    answer: Answer
    period: int
    counter: int
    is_low: bool


class Empty(NamedTuple):
    """Not enough slots are free: ``missing`` are missing, and the period's counter stands at ``counter``."""

    day: date
    period: int
    counter: int
    missing: int


def take_slot(connection: BaseDatabaseWrapper, allocation: str, request: Request) -> Slot | Empty | Answer:
    """The lowest free slot for one document, in one round trip; an Answer says why the series gave none."""
    (answer,) = first_row(connection, sql.ISSUE_SLOT, (allocation, *request.for_one()))
    if answer[0] == "issued":
        *common, counter, level = answer
        taken = Taken(*common)
        day = day_of(taken.days)
        entry = EntryRows(connection, request, day).answered(request.document, taken)
        return Slot(Answer(Outcome.ISSUED, day, entry=entry), int(taken.period), int(counter), level == "low")
    if answer[0] == "empty":
        _, days, _, period, counter = answer
        return Empty(day_of(days), int(period), int(counter), 1)
    return refused(*answer)


class Block:
    """The lowest free slots for those of ``documents`` that have no number yet, in their order."""

    def __init__(
        self, connection: BaseDatabaseWrapper, allocation: str, request: Request, documents: Sequence[str]
    ) -> None:
        self.connection = connection
        self.allocation = allocation
        self.request = request
        self.places = {document: place for place, document in enumerate(documents)}
        self.remaining = list(documents)
        self.issued: dict[int, NumberIssued] = {}

    def ask(self) -> BlockAnswer | Empty | None:
        """The answer; None where others were faster with some of the documents or slots, so ask again."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql.ISSUE_SLOTS, (self.allocation, *self.request.for_many(self.remaining)))
            rows = cursor.fetchall()
        if not rows:
            return None
        outcome, day, _, entry, _, period, counter, *_ = rows[0]
        if outcome == "empty":
            return Empty(day, period, counter, missing=entry)
        if outcome == "existing":
            return BlockAnswer(Outcome.ISSUED if self.issued else Outcome.EXISTING, day, self.issued)
        if outcome != "issued":
            return BlockAnswer(Outcome(outcome), day, {}, existing_id=entry)
        written = EntryRows(self.connection, self.request, day)
        with garbage_collection_paused():
            for _, _, document, *facts in rows:
                self.issued[self.places[document]] = written.entry(document, *facts)
        if len(self.issued) == len(self.places):
            return BlockAnswer(Outcome.ISSUED, day, self.issued)
        self.remaining = [document for document, place in self.places.items() if place not in self.issued]
        return None


def lowest_slot(alias: str, period: Period, *, give_back: bool) -> int | None:
    """The lowest slot that is there to be taken, be it held by a checkout or not."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql.LOWEST_SLOT, {"tenant": period.tenant, "period": period.pk, "give_back": give_back})
        lowest: int | None = cursor.fetchone()[0]
    return lowest
