"""``serial``: the counter's row is locked until the caller commits. Strict order, no gap, one checkout at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ledger import sql
from ledger.allocation.early import release_early
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, day_of
from ledger.models import Period

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the next value for one document, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SERIAL, request.for_one())
        answer = cursor.fetchone()[0]
    outcome = answer[0]
    day = day_of(answer[1]) if len(answer) > 1 else None
    if outcome != "issued" or day is None:
        return Answer(Outcome(outcome), day, existing_id=int(answer[2]) if len(answer) > 2 else None)
    if answer[9] == "true":
        release_early(connection, int(answer[8]))
    return Answer(Outcome.ISSUED, day, entry=EntryRows(connection, request, day).answered(request.document, answer))


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take a contiguous block for those of ``documents`` that have no number yet, in their order, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SERIAL_MANY, request.for_many(list(documents)))
        rows = cursor.fetchall()
    outcome, business_date = Outcome(rows[0][0]), rows[0][1]
    if len(rows) == 1 and outcome != Outcome.ISSUED:
        return BlockAnswer(outcome, business_date, {}, existing_id=rows[0][3])
    written = EntryRows(connection, request, business_date)
    if taken := next((row for row in rows if row[10]), None):
        release_early(connection, taken[9])
    with garbage_collection_paused():
        entries = {
            row[2] - 1: written.entry(documents[row[2] - 1], row[3], row[4], row[5], row[6], row[7], row[8], row[9])
            for row in rows
            if row[0] == "issued"
        }
    return BlockAnswer(Outcome.ISSUED, business_date, entries)


def upcoming(alias: str, period: Period) -> int:
    """The value that would come next, from what was read already."""
    return period.last_value + 1
