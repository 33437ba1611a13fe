"""``serial``: the counter's row is locked until the caller commits. Strict order, no gap, one checkout at a time."""

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import sql
from ledger.allocation.early import release_early
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.hooks import first_row
from ledger.allocation.interface import (
    Answer,
    BlockAnswer,
    Outcome,
    Request,
    Taken,
    day_of,
    next_value as upcoming,  # noqa: F401  (as Allocator asks)
    refused,
)


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the next value for one document, in one round trip."""
    (answer,) = first_row(connection, sql.ISSUE_SERIAL, request.for_one())
    if answer[0] != "issued":
        return refused(*answer)
    *common, early = answer
    taken = Taken(*common)
    if early == "true":
        release_early(connection, int(taken.transaction))
    day = day_of(taken.days)
    return Answer(Outcome.ISSUED, day, entry=EntryRows(connection, request, day).answered(request.document, taken))


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take a contiguous block for those of ``documents`` that have no number yet, in their order, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SERIAL_MANY, request.for_many(list(documents)))
        rows = cursor.fetchall()
    outcome, day, _, entry, *_ = rows[0]
    if len(rows) == 1 and outcome != Outcome.ISSUED:
        return BlockAnswer(Outcome(outcome), day, {}, existing_id=entry)
    written = EntryRows(connection, request, day)
    for *_, writer, early in rows:
        if early:
            release_early(connection, writer)
            break
    with garbage_collection_paused():
        entries = {
            place - 1: written.entry(documents[place - 1], *facts)
            for outcome, _, place, *facts, _ in rows
            if outcome == "issued"
        }
    return BlockAnswer(Outcome.ISSUED, day, entries)
