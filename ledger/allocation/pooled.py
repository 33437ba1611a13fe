"""``pooled``: the lowest free value of those minted ahead. A rollback gives it back; no checkout waits for another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.db import Error, OperationalError, connections

from ledger import refusals, sql
from ledger.allocation.ahead import ask_ahead, in_test_case
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request, day_of
from ledger.errors import SecondConnectionFailed
from ledger.models import NumberIssued, Period

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_MINTS_HERE = "_ledger_mints_here"

_log = logging.getLogger(__name__)

#: How often a checkout mints before it gives up: others would have to take all it mints, every time.
_TRIES = 100


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the lowest free value for one document, in one round trip where the pool has one."""
    seen: tuple[int, int] | None = None
    for tries in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(sql.ISSUE_SLOT, ("pooled", *request.for_one()))
            answer = cursor.fetchone()[0]
        outcome = answer[0]
        day = day_of(answer[1]) if len(answer) > 1 else None
        if outcome == "issued" and day is not None:
            return _issued(connection, request, day, answer)
        if outcome != "empty" or day is None:
            return Answer(Outcome(outcome), day, existing_id=int(answer[2]) if len(answer) > 2 else None)
        now = int(answer[3]), int(answer[4])
        _refuse_old_snapshot(request, seen, now)
        seen = now
        minted = _mint(connection, request.tenant, *now, tries + 1)
        if minted not in ("minted", "there"):
            return Answer(Outcome(minted), day)
    raise refusals.unsettled(request.series)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take the lowest free values for those of ``documents`` that have no number yet, in their order."""
    places = {document: place for place, document in enumerate(documents)}
    issued: dict[int, NumberIssued] = {}
    remaining, day = list(documents), None
    seen: tuple[int, int] | None = None
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(sql.ISSUE_SLOTS, ("pooled", *request.for_many(remaining)))
            rows = cursor.fetchall()
        if not rows:
            continue  # entries that nobody issued stood where slots were free; those are gone now
        outcome, day, _, entry_id, _, period, counter = rows[0][:7]
        if outcome == "issued":
            written = EntryRows(connection, request, day)
            with garbage_collection_paused():
                issued |= {places[row[2]]: written.entry(*row[2:]) for row in rows}
            if len(issued) == len(documents):
                return BlockAnswer(Outcome.ISSUED, day, issued)
            remaining = [document for document in documents if places[document] not in issued]
        elif outcome == "existing":
            return BlockAnswer(Outcome.ISSUED if issued else Outcome.EXISTING, day, issued)
        elif outcome == "empty":
            _refuse_old_snapshot(request, seen, (period, counter))
            seen = period, counter
            # Of those that were missing others may take some before this call can.
            minted = _mint(connection, request.tenant, *seen, entry_id)
            if minted not in ("minted", "there"):
                return BlockAnswer(Outcome(minted), day, {})
        else:
            return BlockAnswer(Outcome(outcome), day, {}, existing_id=entry_id)
    raise refusals.unsettled(request.series)


def upcoming(alias: str, period: Period) -> int:
    """The value that would come next: the lowest slot, which may be one that a checkout holds."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            sql.LOWEST_SLOT,
            {"tenant": period.tenant, "period": period.pk, "give_back": period.series.give_back},
        )
        lowest: int | None = cursor.fetchone()[0]
    return period.last_value + 1 if lowest is None else lowest


def _issued(connection: BaseDatabaseWrapper, request: Request, day: date, answer: Sequence[str]) -> Answer:
    period_id, counter, level = answer[4], answer[9], answer[10]
    if level == "low" and not in_test_case(connection) and not _mints_here(connection):
        _refill(connection, request.tenant, int(period_id), int(counter))
    return Answer(Outcome.ISSUED, day, entry=EntryRows(connection, request, day).answered(request.document, answer))


def _refill(connection: BaseDatabaseWrapper, tenant: str, period: int, counter: int) -> None:
    """Mint before the pool is empty: one checkout in each batch does. Its own number it has already."""
    try:
        ask_ahead(connection, sql.MINT, (tenant, period, counter, 1))
    except Error as error:
        _log.warning("The pool of period %s could not be refilled; an empty one is minted at need: %s", period, error)


def _mint(connection: BaseDatabaseWrapper, tenant: str, period: int, counter: int, wanted: int) -> str:
    """Make slots on the second connection; on this one where that can't be, though others then wait for this checkout.

    That is so for a period that this transaction has made itself, and nobody else can see; for one whose counter it has
    locked; and where the server has no connection left, which is no reason to turn a customer away.
    """
    arguments = (tenant, period, counter, wanted)
    if _mints_here(connection):
        return _mint_here(connection, arguments)
    try:
        answer: str = ask_ahead(connection, sql.MINT, arguments)[0][0]
        if answer != "unknown":
            return answer
    except OperationalError as error:
        locked = getattr(error.__cause__, "sqlstate", None) == "55P03"
        if not locked and not isinstance(error, SecondConnectionFailed):
            raise
        _log.warning("The pool of period %s is refilled inside a checkout, and others wait for it: %s", period, error)
    return _mint_here(connection, arguments)


def _mint_here(connection: BaseDatabaseWrapper, arguments: tuple[str, int, int, int]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql.MINT_HERE, arguments)
        minted: str
        minted, connection.__dict__[_MINTS_HERE] = cursor.fetchone()
    return minted


def _mints_here(connection: BaseDatabaseWrapper) -> bool:
    """Whether this very transaction has minted before: it holds the counter, and must not wait for itself."""
    transaction = connection.__dict__.get(_MINTS_HERE)
    if transaction is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(sql.THIS_TRANSACTION)
        if cursor.fetchone()[0] == transaction:
            return True
    del connection.__dict__[_MINTS_HERE]
    return False


def _refuse_old_snapshot(request: Request, before: tuple[int, int] | None, now: tuple[int, int]) -> None:
    """Slots of this period were minted, and this transaction does not see them: its snapshot is older."""
    if before == now:
        raise refusals.old_snapshot(request.series)
