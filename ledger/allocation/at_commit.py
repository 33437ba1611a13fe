"""``at_commit``: issuing leaves a ticket, which the database numbers while COMMIT runs. Strict order, by commit.

It returns a NumberIssued whose value, number and time Django reads when they are needed: after COMMIT with one query;
before it, reading them makes the database number the ticket at once, and locks the counter from then on.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals, sql
from ledger.allocation.deferred_numbers import DeferredNumbers, listen
from ledger.allocation.early import release_early
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.hooks import first_row
from ledger.allocation.interface import (
    Answer,
    BlockAnswer,
    Outcome,
    Request,
    all_numbered,
    day_of,
    next_value as upcoming,  # noqa: F401  (as Allocator asks)
    refused,
)
from ledger.database_errors import explain_commit_errors
from ledger.models import NumberIssued


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Leave a ticket for one document, or find the one that this transaction has left for it."""
    answer, schema = _leave(connection, request, [request.document])
    if answer[0] == "other_facts":
        raise refusals.pending_with_other_facts(request.document)
    if answer[0] != "pending":
        return refused(*answer)
    entry = _promised(connection, request, [request.document], answer, schema)[0]
    return Answer(Outcome.ISSUED, entry.issued_on, entry=entry)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Leave one ticket for those of ``documents`` that have no number yet: a contiguous block, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOOK, (request.tenant, request.series, request.on, request.at, "", "at_commit", None))
        look = cursor.fetchone()[0]
        if look[0] != "look":
            outcome, day, *_ = refused(*look)
            known = all_numbered(connection.alias, request, documents)
            return BlockAnswer(Outcome.EXISTING if known else outcome, day, {})
        _, days, series, period, *_ = look
        facts = (request.on_stated, request.metadata)
        cursor.execute(sql.FRESH, (request.tenant, series, period, list(documents), *facts))
        fresh, other = cursor.fetchone()
    day = day_of(days)
    if other is not None:
        return BlockAnswer(Outcome.OTHER_FACTS, day, {}, existing_id=other)
    if not fresh:
        return BlockAnswer(Outcome.EXISTING, day, {})
    answer, schema = _leave(connection, request, fresh)
    if answer[0] == "other_facts":
        raise refusals.pending_with_other_facts(fresh[0])
    if answer[0] != "pending":
        return BlockAnswer(Outcome(answer[0]), day, {})
    places = {document: place for place, document in enumerate(documents)}
    with garbage_collection_paused():
        entries = _promised(connection, request, fresh, answer, schema)
    return BlockAnswer(Outcome.ISSUED, day, {places[entry.document]: entry for entry in entries})


def _leave(connection: BaseDatabaseWrapper, request: Request, documents: list[str]) -> tuple[list[str], str]:
    """The database's answer, and the schema of the ticket."""
    explain_commit_errors(connection)
    one = len(documents) == 1
    arguments = (*request.for_many(documents[0] if one else documents), request.replaces)
    answer: tuple[list[str], str] = first_row(connection, sql.LEAVE_TICKET if one else sql.LEAVE_TICKETS, arguments)
    return answer


def _promised(
    connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str], answer: Sequence[Any], schema: str
) -> list[NumberIssued]:
    _, days, series_id, period_id, transaction_id, ticket, ids, slides, replaces, early = answer
    if early == "true":
        release_early(connection, int(transaction_id))
    # The ticket may be an earlier one, which the call found without saying what it replaces.
    request = request._replace(replaces=None if replaces is None else int(replaces))
    written = EntryRows(connection, request, day_of(days))
    entries = [
        written.promised(document, int(entry_id), int(series_id), int(period_id), int(transaction_id))
        for document, entry_id in zip(documents, ids.strip("{}").split(","), strict=True)
    ]
    deferred = DeferredNumbers(connection.alias, schema, int(ticket), request.series, entries, written=written)
    deferred.give()
    if len(entries) == 1:
        listen(connection, deferred)
    if slides == "true":
        transaction.on_commit(deferred.forget_date, using=connection.alias)
    return entries
