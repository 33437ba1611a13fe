"""``serial``: the counter's row is locked until the caller commits. Strict order, no gap, one checkout at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models.base import ModelState

from ledger import sql
from ledger.allocation.answers import Answer, BlockAnswer, Outcome, Request
from ledger.models import Entry, NumberIssued

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the next value for one document, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SERIAL, [*_where(request), request.document, *_what(request)])
        outcome, business_date, entry_id, *rest = cursor.fetchone()
    if outcome == Outcome.ISSUED:
        metadata = json.loads(request.metadata) if request.metadata else {}
        entry = _entry(connection.alias, request, request.document, [entry_id, *rest], metadata)
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
    metadata = json.loads(request.metadata) if request.metadata else {}
    entries = {}
    for taken, _, place, *columns in rows:
        if taken == Outcome.ISSUED:
            columns[6] = _moment(connection, columns[6])
            # A copy for each, since a caller may change what it was given.
            own = deepcopy(metadata) if metadata else {}
            entries[place - 1] = _entry(connection.alias, request, documents[place - 1], columns, own)
    return BlockAnswer(Outcome.ISSUED, business_date, entries)


def _moment(connection: BaseDatabaseWrapper, microseconds: int) -> datetime:
    """What Django would read from a timestamp column on this connection."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    if connection.timezone is UTC:
        return moment
    zone = connection.timezone or ZoneInfo(connection.timezone_name)
    return moment.astimezone(zone).replace(tzinfo=connection.timezone)


def _where(request: Request) -> tuple[str, str, date | None, Any]:
    return (request.tenant, request.series, request.on, request.at)


def _what(request: Request) -> tuple[str, str]:
    return (request.actor, request.metadata or "{}")


def _entry(
    alias: str, request: Request, document: str, columns: Sequence[Any], metadata: dict[str, Any]
) -> NumberIssued:
    """The row just written, as Django would read it back.

    Made as Django unpickles a model, without the work of ``Model.__init__`` for each field, which takes a third of the
    time of a block. The signals ``pre_init`` and ``post_init`` aren't sent.
    """
    entry_id, series_id, period_id, value, number, issued_on, issued_at, transaction_id = columns
    entry = NumberIssued.__new__(NumberIssued)
    entry._state = ModelState()
    entry._state.adding = False
    entry._state.db = alias
    entry.__dict__.update(
        id=entry_id,
        tenant=request.tenant,
        series_id=series_id,
        period_id=period_id,
        value=value,
        kind=Entry.Kind.ISSUED.value,
        number=number,
        document=document,
        issued_on=issued_on,
        issued_at=issued_at,
        transaction_id=transaction_id,
        actor=request.actor,
        metadata=metadata,
    )
    return entry
