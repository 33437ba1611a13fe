"""The counts of one organisation in one row, for all worker processes: each request locks it for a moment.

Why in PostgreSQL: what several processes share must not be lost with Redis, and a row costs a millisecond where a
request costs a hundred. The vendor's own 429 has the last word; it is written into the same row, so that one worker
learns it for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import router

from ledger.timestamps import aware
from workers.accounting import metering
from workers.accounting.limits import Admitted, Limits, Wait
from workers.accounting.metering import Counts
from workers.accounting.own_transaction import own_transaction
from workers.models import Quota


class SharedLimiter:
    """The gate of ``organisation``, by its row in the database."""

    def __init__(self, organisation: str, limits: Limits) -> None:
        self._organisation = organisation
        self._limits = limits

    def take(self, now: datetime) -> Admitted | Wait:
        with self._row() as row:
            counts, answer = metering.take(_counts(row), self._limits, now)
            _write(row, counts)
        return answer

    def give_back(self, ticket: str) -> None:
        if self._limits.concurrent:
            self._change(lambda counts: metering.give_back(counts, ticket))

    def pause(self, until: datetime) -> None:
        self._change(lambda counts: metering.pause(counts, until))

    def _change(self, change: Callable[[Counts], Counts]) -> None:
        with self._row() as row:
            _write(row, change(_counts(row)))

    @contextmanager
    def _row(self) -> Iterator[Quota]:
        with own_transaction(router.db_for_write(Quota)):
            Quota.objects.bulk_create([Quota(organisation=self._organisation)], ignore_conflicts=True)
            yield Quota.objects.select_for_update().get(pk=self._organisation)


def _counts(row: Quota) -> Counts:
    tickets = {key: datetime.fromisoformat(until) for key, until in row.tickets.items()}
    counted_at, paused_until = (at and aware(at) for at in (row.counted_at, row.paused_until))
    return Counts(row.room, counted_at, row.day, row.used_today, tickets, paused_until)


def _write(row: Quota, counts: Counts) -> None:
    row.room, row.counted_at, row.day, row.used_today = counts.room, counts.at, counts.day, counts.used_today
    row.tickets = {key: until.isoformat() for key, until in counts.tickets.items()}
    row.paused_until = counts.paused_until
    row.save()
