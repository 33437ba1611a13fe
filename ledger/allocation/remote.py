"""``remote``: the number of a draft that a worker made in the accounting system. A rollback gives it back.

No checkout uses the network, and none waits for another. The drafts come from ``ledger.remote`` and the workers.
"""

from collections.abc import Sequence

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals
from ledger.allocation.interface import Answer, BlockAnswer, Request
from ledger.allocation.second_connection import sees_new_rows
from ledger.allocation.slots import Empty, Slot, lowest_slot, take_slot, take_slots
from ledger.errors import PoolExhausted
from ledger.models import Allocation, Period, RemotePool

#: How often a block is tried, if another connection numbers some of its documents each time.
_TRIES = 5


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Take the earliest free draft's number for one document, in one round trip; raises PoolExhausted."""
    answer = take_slot(connection, Allocation.REMOTE, request)
    if isinstance(answer, Empty):
        raise _exhausted(connection, answer)
    return answer.answer if isinstance(answer, Slot) else answer


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Take the earliest free drafts' numbers for those of ``documents`` that have none yet, in their order."""

    def refill(empty: Empty) -> BlockAnswer:
        raise _exhausted(connection, empty)

    return take_slots(connection, Allocation.REMOTE, request, documents, tries=_TRIES, refill=refill)


def upcoming(alias: str, period: Period) -> int:
    """The value that would come next: the earliest free draft's. Raises PoolExhausted if no draft is free."""
    lowest = lowest_slot(alias, period, give_back=True) if period.pk else None
    if lowest is None:
        raise _refusal(connections[alias], period, 1)
    return lowest


def _exhausted(connection: BaseDatabaseWrapper, empty: Empty) -> PoolExhausted:
    period = Period.objects.using(connection.alias).select_related("series").get(pk=empty.period)
    return _refusal(connection, period, empty.missing)


def _refusal(connection: BaseDatabaseWrapper, period: Period, missing: int) -> PoolExhausted:
    pools = RemotePool.objects.using(connection.alias)
    pool = pools.filter(tenant=period.tenant, series=period.series_id).first()
    return refusals.pool_exhausted(period, pool, missing, old_snapshot=not sees_new_rows(connection))
