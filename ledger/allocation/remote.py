"""``remote``: the number of a draft that a worker made in the accounting system. A rollback gives it back.

No checkout talks to the network, and none waits for another. The drafts come from ``ledger.remote`` and the workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import connections

from ledger import refusals, sql
from ledger.allocation.ahead import sees_new_rows
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, day_of
from ledger.models import NumberIssued, Period, RemotePool

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from ledger.errors import PoolExhausted

#: How often a block is asked for again, because documents of it were numbered elsewhere.
_TRIES = 5


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the earliest free draft's number for one document, in one round trip; raises PoolExhausted."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_SLOT, ("remote", *request.for_one()))
        answer = cursor.fetchone()[0]
    outcome = answer[0]
    day = day_of(answer[1]) if len(answer) > 1 else None
    if outcome == "empty":
        raise _exhausted(connection, int(answer[3]), 1)
    if outcome != "issued" or day is None:
        return Answer(Outcome(outcome), day, existing_id=int(answer[2]) if len(answer) > 2 else None)
    return Answer(Outcome.ISSUED, day, entry=EntryRows(connection, request, day).answered(request.document, answer))


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take the earliest free drafts' numbers for those of ``documents`` that have none yet, in their order."""
    places = {document: place for place, document in enumerate(documents)}
    issued: dict[int, NumberIssued] = {}
    remaining = list(documents)
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(sql.ISSUE_SLOTS, ("remote", *request.for_many(remaining)))
            rows = cursor.fetchall()
        if not rows:
            continue  # all were numbered on another connection meanwhile
        outcome, day, _, entry_id, _, period = rows[0][:6]
        if outcome == "empty":
            raise _exhausted(connection, period, entry_id)
        if outcome == "existing":
            return BlockAnswer(Outcome.ISSUED if issued else Outcome.EXISTING, day, issued)
        if outcome != "issued":
            return BlockAnswer(Outcome(outcome), day, {}, existing_id=entry_id)
        written = EntryRows(connection, request, day)
        with garbage_collection_paused():
            issued |= {places[row[2]]: written.entry(*row[2:]) for row in rows}
        if len(issued) == len(documents):
            return BlockAnswer(Outcome.ISSUED, day, issued)
        remaining = [document for document in documents if places[document] not in issued]
    raise refusals.unsettled(request.series)


def upcoming(alias: str, period: Period) -> int:
    """The value that would come next: the earliest free draft's. Raises PoolExhausted if no draft is free."""
    connection = connections[alias]
    lowest: int | None = None
    if period.pk:
        wanted: dict[str, Any] = {"tenant": period.tenant, "period": period.pk, "give_back": True}
        with connection.cursor() as cursor:
            cursor.execute(sql.LOWEST_SLOT, wanted)
            lowest = cursor.fetchone()[0]
    if lowest is None:
        raise _refusal(connection, period, 1)
    return lowest


def _exhausted(connection: BaseDatabaseWrapper, period: int, missing: int) -> PoolExhausted:
    found = Period.objects.using(connection.alias).select_related("series").get(pk=period)
    return _refusal(connection, found, missing)


def _refusal(connection: BaseDatabaseWrapper, period: Period, missing: int) -> PoolExhausted:
    pools = RemotePool.objects.using(connection.alias)
    pool = pools.filter(tenant=period.tenant, series=period.series_id).first()
    return refusals.pool_exhausted(period, pool, missing, old_snapshot=not sees_new_rows(connection))
