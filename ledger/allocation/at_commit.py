"""``at_commit``: issuing leaves a ticket, which the database numbers while COMMIT runs. Strict order, by commit.

It returns a NumberIssued whose value, number and time Django reads when they are needed: after COMMIT with one query;
before it, reading them makes the database number the ticket at once, and locks the counter from then on.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals, sql
from ledger.allocation.connection_hooks import first_row
from ledger.allocation.deferred_numbers import DeferredNumbers, listen
from ledger.allocation.early_release import release_early
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import (
    Answer,
    BlockAnswer,
    Looked,
    Outcome,
    Request,
    all_numbered,
    day_of,
    next_value,
    refused,
    schema_of,
)
from ledger.database_errors import explain_commit_errors
from ledger.models import NumberIssued

upcoming = next_value


class _Ticket(NamedTuple):
    """A ticket, as ``ledger_leave_ticket`` returns it: all texts, ``ids`` those that its entries will have."""

    outcome: str
    days: str
    series: str
    period: str
    transaction: str
    ticket: str
    ids: str
    slides: str
    replaces: str | None
    early: str
    entries: str


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Leave a ticket for one document, or find the one that this transaction has left for it."""
    answer, secret = _leave(connection, request, [request.document])
    if answer[0] == "other_facts":
        raise refusals.pending_with_other_facts(request.document)
    if answer[0] != "pending":
        return refused(*answer)
    [entry] = _promised(connection, request, [request.document], _Ticket(*answer), secret)
    return Answer(Outcome.ISSUED, entry.issued_on, entry=entry)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Leave one ticket for those of ``documents`` that have no number yet: a contiguous block, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOOK, (request.tenant, request.series, request.on, request.at, "", "at_commit", None))
        (look,) = cursor.fetchone()
        if look[0] != "look":
            refusal = refused(*look)
            known = all_numbered(connection.alias, request, documents)
            return BlockAnswer(Outcome.EXISTING if known else refusal.outcome, refusal.business_date, {})
        looked = Looked(*look)
        facts = (request.on_stated, request.metadata)
        cursor.execute(sql.FRESH, (request.tenant, looked.series, looked.period, list(documents), *facts))
        fresh, other = cursor.fetchone()
    day = day_of(looked.days)
    if other is not None:
        return BlockAnswer(Outcome.OTHER_FACTS, day, {}, existing_id=other)
    if not fresh:
        return BlockAnswer(Outcome.EXISTING, day, {})
    answer, secret = _leave(connection, request, fresh)
    if answer[0] == "other_facts":
        raise refusals.pending_with_other_facts(fresh[0])
    if answer[0] != "pending":
        return BlockAnswer(Outcome(answer[0]), day, {})
    places = {document: place for place, document in enumerate(documents)}
    with garbage_collection_paused():
        entries = _promised(connection, request, fresh, _Ticket(*answer), secret)
    return BlockAnswer(Outcome.ISSUED, day, {places[entry.document]: entry for entry in entries})


def _leave(connection: BaseDatabaseWrapper, request: Request, documents: list[str]) -> tuple[list[str], str]:
    """The database's answer, and the secret that the notice at COMMIT will repeat."""
    explain_commit_errors(connection)
    one, secret = len(documents) == 1, secrets.token_hex(8)
    arguments = (*request.for_many(documents[0] if one else documents), secret, request.replaces)
    (answer,) = first_row(connection, sql.LEAVE_TICKET if one else sql.LEAVE_TICKETS, arguments)
    return answer, secret


def _promised(
    connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str], left: _Ticket, secret: str
) -> list[NumberIssued]:
    series, period, writer, ticket = int(left.series), int(left.period), int(left.transaction), int(left.ticket)
    if left.early == "true":
        release_early(connection, writer)
    # The ticket may be an earlier one, for a call that didn't say what it replaces.
    request = request._replace(replaces=None if left.replaces is None else int(left.replaces))
    written = EntryRows(connection, request, day_of(left.days))
    entries = [
        written.promised(document, int(entry_id), series, period, writer)
        for document, entry_id in zip(documents, left.ids.strip("{}").split(","), strict=True)
    ]
    deferred = DeferredNumbers(
        connection.alias, schema_of(left.entries), ticket, request.series, entries, written=written
    )
    deferred.give()
    if len(entries) == 1:
        listen(connection, deferred, secret)
    if left.slides == "true":
        transaction.on_commit(deferred.forget_date, using=connection.alias)
    return entries
