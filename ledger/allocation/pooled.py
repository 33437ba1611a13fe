"""``pooled``: the lowest free value of those minted ahead. A rollback gives it back; no checkout waits for another."""

import logging
from collections.abc import Sequence

from django.db import Error, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals, sql
from ledger.allocation.interface import Answer, BlockAnswer, Outcome, Request
from ledger.allocation.second_connection import ask_ahead, in_test_case
from ledger.allocation.slots import Empty, Slot, lowest_slot, take_slot, take_slots
from ledger.errors import SecondConnectionFailed
from ledger.models import Allocation, Period

_MINTS_HERE = "_ledger_mints_here"

_log = logging.getLogger(__name__)

#: How often a checkout mints before it gives up, because others took everything each time.
_TRIES = 100


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the lowest free value for one document, in one round trip where the pool has one."""
    seen: tuple[int, int] | None = None
    for tries in range(_TRIES):
        answer = take_slot(connection, Allocation.POOLED, request)
        if isinstance(answer, Answer):
            return answer
        if isinstance(answer, Slot):
            if answer.is_low and not in_test_case(connection) and not _mints_here(connection):
                _refill(connection, request.tenant, answer.period, answer.counter)
            return answer.answer
        seen = _refuse_old_snapshot(request, seen, answer)
        minted = _mint(connection, request.tenant, *seen, tries + 1)
        if minted not in ("minted", "there"):
            return Answer(Outcome(minted), answer.day)
    raise refusals.unsettled(request.series)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take the lowest free values for those of ``documents`` that have no number yet, in their order."""
    seen: tuple[int, int] | None = None

    def refill(empty: Empty) -> BlockAnswer | None:
        nonlocal seen
        seen = _refuse_old_snapshot(request, seen, empty)
        minted = _mint(connection, request.tenant, *seen, empty.missing)
        return None if minted in ("minted", "there") else BlockAnswer(Outcome(minted), empty.day, {})

    return take_slots(connection, Allocation.POOLED, request, documents, tries=_TRIES, refill=refill)


def upcoming(alias: str, period: Period) -> int:
    """The value that would come next: the lowest slot, even if a checkout holds it."""
    lowest = lowest_slot(alias, period, give_back=period.series.give_back)
    return period.last_value + 1 if lowest is None else lowest


def _refill(connection: BaseDatabaseWrapper, tenant: str, period: int, counter: int) -> None:
    """Mint before the pool is empty. One checkout of each batch does that, after it has got its own number."""
    try:
        ask_ahead(connection, sql.MINT, (tenant, period, counter, 1))
    except Error as error:
        _log.warning(
            "The pool of period %s was not refilled; a checkout refills it when it is empty: %s", period, error
        )


def _mint(connection: BaseDatabaseWrapper, tenant: str, period: int, counter: int, wanted: int) -> str:
    """Make slots on the second connection; if that is impossible, on this one, though other checkouts then wait for it.

    It is impossible if this transaction has inserted the period or locked its counter, and if the server has no
    connection left. None of these should make a checkout fail.
    """
    arguments = (tenant, period, counter, wanted)
    if _mints_here(connection):
        return _mint_here(connection, arguments)
    try:
        [(minted,)] = ask_ahead(connection, sql.MINT, arguments)
        if minted != "unknown":
            return str(minted)
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
    """Whether this transaction has minted before: then it holds the counter, and must not wait for itself."""
    transaction = connection.__dict__.get(_MINTS_HERE)
    if transaction is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(sql.THIS_TRANSACTION)
        if cursor.fetchone() == (transaction,):
            return True
    del connection.__dict__[_MINTS_HERE]
    return False


def _refuse_old_snapshot(request: Request, before: tuple[int, int] | None, empty: Empty) -> tuple[int, int]:
    """Raise if slots of this period were minted that this transaction can't see, because its snapshot is older."""
    now = empty.period, empty.counter
    if before == now:
        raise refusals.old_snapshot(request.series)
    return now
