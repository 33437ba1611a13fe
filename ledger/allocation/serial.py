"""``serial``: the counter's row is locked until the caller commits. Strict order, no gap, one checkout at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import sql
from ledger.allocation.answers import Answer, BlockAnswer, Outcome, Request
from ledger.models import Entry, NumberIssued

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_FIELDS = tuple(field.attname for field in NumberIssued._meta.concrete_fields)


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the next value for one document, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SERIAL, [*_where(request), request.document, *_what(request)])
        outcome, business_date, entry_id, *rest = cursor.fetchone()
    if outcome == Outcome.ISSUED:
        entry = _entry(connection.alias, request, request.document, [entry_id, *rest])
        return Answer(Outcome.ISSUED, business_date, entry=entry)
    return Answer(Outcome(outcome), business_date, existing_id=entry_id)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take a contiguous block for those of ``documents`` that have no number yet, in their order, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.ISSUE_SERIAL_MANY,
            [*_where(request), list(documents), request.actor, request.metadata, request.on_stated],
        )
        rows = cursor.fetchall()
    outcome, business_date = Outcome(rows[0][0]), rows[0][1]
    if len(rows) == 1 and outcome != Outcome.ISSUED:
        return BlockAnswer(outcome, business_date, {}, existing_id=rows[0][3])
    entries = {
        row[2] - 1: _entry(connection.alias, request, documents[row[2] - 1], row[3:])
        for row in rows
        if row[0] == Outcome.ISSUED
    }
    return BlockAnswer(Outcome.ISSUED, business_date, entries)


def _where(request: Request) -> tuple[str, str, date | None, Any]:
    return (request.tenant, request.series, request.on, request.at)


def _what(request: Request) -> tuple[str, str]:
    return (request.actor, request.metadata or "{}")


def _entry(alias: str, request: Request, document: str, columns: Sequence[Any]) -> NumberIssued:
    entry_id, series_id, period_id, value, number, issued_on, issued_at, transaction_id = columns
    return NumberIssued.from_db(
        alias,
        _FIELDS,
        # In the order of the model's fields, which spares a look-up for each.
        (
            entry_id,
            request.tenant,
            series_id,
            period_id,
            value,
            Entry.Kind.ISSUED.value,
            number,
            document,
            issued_on,
            issued_at,
            transaction_id,
            request.actor,
            json.loads(request.metadata) if request.metadata else {},
        ),
    )
