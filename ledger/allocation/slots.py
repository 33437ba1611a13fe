"""What ``pooled`` and ``remote`` share: both take the lowest free slots of a period."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals, sql
from ledger.allocation.connection_hooks import first_row
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, Taken, day_of, refused
from ledger.cursors import by_name, fetch_value
from ledger.models import NumberIssued, Period


class Slot(NamedTuple):
    """A slot that became an entry; ``is_low`` if it is time to make new ones, ``counter`` is the highest minted."""

    answer: Answer
    period: int
    counter: int
    is_low: bool


class Empty(NamedTuple):
    """Not enough slots are free: ``missing`` more are needed, and the period's counter stands at ``counter``."""

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
        _outcome, days, _series, period, counter = answer
        return Empty(day_of(days), int(period), int(counter), 1)
    return refused(*answer)


def take_slots(
    connection: BaseDatabaseWrapper,
    allocation: str,
    request: Request,
    documents: Sequence[str],
    *,
    tries: int,
    refill: Callable[[Empty], BlockAnswer | None],
) -> BlockAnswer:
    """The lowest free slots for those of ``documents`` that have no number yet, in their order.

    Asks again, ``tries`` times in all, if other checkouts have taken some of the documents or slots. If too few slots
    are free, ``refill`` makes some, or raises or answers why it can't.
    """
    places = {document: place for place, document in enumerate(documents)}
    issued: dict[int, NumberIssued] = {}
    for _ in range(tries):
        remaining = [document for document, place in places.items() if place not in issued]
        with connection.cursor() as cursor:
            cursor.execute(sql.ISSUE_SLOTS, (allocation, *request.for_many(remaining)))
            with garbage_collection_paused():
                rows = by_name(cursor, cursor.fetchall())
        if not rows:
            continue
        first, day = rows[0], rows[0].business_date
        if first.outcome == "empty":
            # Its id is the count of missing slots, and its value the counter.
            empty = Empty(day, first.entry_period, first.entry_value, missing=first.entry_id)
            if (refusal := refill(empty)) is not None:
                return refusal
            continue
        if first.outcome == "existing":
            return BlockAnswer(Outcome.ISSUED if issued else Outcome.EXISTING, day, issued)
        if first.outcome != "issued":
            return BlockAnswer(Outcome(first.outcome), day, {}, existing_id=first.entry_id)
        written = EntryRows(connection, request, day)
        with garbage_collection_paused():
            for row in rows:
                issued[places[row.document]] = written.of_row(row.document, row)
        if len(issued) == len(places):
            return BlockAnswer(Outcome.ISSUED, day, issued)
    raise refusals.unsettled(request.series)


def lowest_slot(alias: str, period: Period, *, give_back: bool) -> int | None:
    """The lowest slot that may be taken, whether a checkout holds it or not."""
    wanted = {"tenant": period.tenant, "period": period.pk, "give_back": give_back}
    lowest: int | None = fetch_value(alias, sql.LOWEST_SLOT, wanted)
    return lowest
