"""``serial``: the counter's row is locked until the caller commits. Strict order, no gap, one checkout at a time."""

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import sql
from ledger.allocation.connection_hooks import first_row
from ledger.allocation.early_release import release_early
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, Taken, day_of, next_value, refused
from ledger.cursors import by_name

upcoming = next_value


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
        with garbage_collection_paused():
            rows = by_name(cursor, cursor.fetchall())
    first = rows[0]
    if len(rows) == 1 and first.outcome != Outcome.ISSUED:
        return BlockAnswer(Outcome(first.outcome), first.business_date, {}, existing_id=first.entry_id)
    written = EntryRows(connection, request, first.business_date)
    if (early := next((row for row in rows if row.early_release), None)) is not None:
        release_early(connection, early.entry_transaction)
    with garbage_collection_paused():
        entries = {
            row.place - 1: written.of_row(documents[row.place - 1], row) for row in rows if row.outcome == "issued"
        }
    return BlockAnswer(Outcome.ISSUED, first.business_date, entries)
