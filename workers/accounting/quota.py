"""The counts of one organisation in one row, for all worker processes: each request locks it for a moment.

PostgreSQL keeps them because shared counts must not be lost with Redis, and because a row costs one millisecond where a
request costs a hundred. The vendor's own 429 overrides them; it is written into the same row, so that all workers know.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import router, transaction

from ledger.timestamps import aware
from workers.accounting.http_options import Limiter, Limits, Wait
from workers.models import Quota


@contextmanager
def own_transaction(using: str) -> Iterator[None]:
    """A transaction that begins and commits here; RuntimeError inside a caller's transaction."""
    began = False
    try:
        with transaction.atomic(using=using, durable=True):
            began = True
            yield
    except RuntimeError:
        if began:
            raise
        raise RuntimeError(
            "An accounting system was called inside a transaction. That takes seconds, in which locks would be held, "
            "and a rollback would undo nothing there. Call it outside transaction.atomic()."
        ) from None


#: Longer than any attempt may take.
TICKET_LIFE = timedelta(minutes=5)
#: Seconds until the next look whether one of the concurrent requests is done.
LOOK_AGAIN = 0.5


# Per minute: a bucket. A tenth of the allowance may be used at once, and the rest drips in evenly. So no sixty seconds
# have more requests than the allowance, wherever they begin. Per day: a count that begins again at midnight UTC.
# Concurrent requests hold tickets, which run out by themselves if the process that holds one is killed.


def burst(per_minute: int) -> float:
    return max(1.0, per_minute / 10)


def take(row: Quota, limits: Limits, now: datetime) -> str | Wait:
    """Count one request in ``row``; its ticket, or how long to wait: then only the passing of time changes the row."""
    before = row.counted_at and aware(row.counted_at)
    # Another machine's clock may be a little ahead: time continues from there.
    now = now if before is None else max(now, before)
    row.counted_at = now
    if limits.per_minute:
        full = burst(limits.per_minute)
        passed = (now - before).total_seconds() if before is not None else 0.0
        row.room = min(full, (full if row.room is None else row.room) + passed * _drip(limits.per_minute))
    else:
        row.room = None
    today = f"{now.astimezone(UTC):%Y-%m-%d}"
    row.day, row.used_today = today, row.used_today if row.day == today else 0
    row.tickets = {key: until for key, until in row.tickets.items() if datetime.fromisoformat(until) > now}
    if (wait := _wait(row, limits, now)) is not None:
        return wait
    ticket = uuid.uuid4().hex
    if row.room is not None:
        row.room -= 1
    row.used_today += 1
    if limits.concurrent:
        row.tickets[ticket] = (now + TICKET_LIFE).isoformat()
    return ticket


def pause(row: Quota, until: datetime) -> None:
    """No requests before ``until``; a longer pause stays."""
    row.paused_until = max(until, aware(row.paused_until)) if row.paused_until else until


def _wait(row: Quota, limits: Limits, now: datetime) -> Wait | None:
    if row.paused_until is not None and (paused := aware(row.paused_until)) > now:
        return Wait((paused - now).total_seconds(), "the system asked for a pause")
    if limits.per_day and row.used_today >= limits.per_day:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return Wait((midnight - now).total_seconds(), f"{limits.per_day} requests a day")
    if limits.concurrent and len(row.tickets) >= limits.concurrent:
        return Wait(LOOK_AGAIN, f"{limits.concurrent} requests at once")
    if limits.per_minute and row.room is not None and row.room < 1:
        seconds = (1 - row.room) / _drip(limits.per_minute)
        # At least a millisecond: a wait that rounds to zero would repeat for ever.
        return Wait(max(seconds, 0.001), f"{limits.per_minute} requests a minute")
    return None


def _drip(per_minute: int) -> float:
    """Requests a second: a full bucket and a minute of these make up the allowance."""
    return (per_minute - burst(per_minute)) / 60 if per_minute > 1 else 1 / 60


class SharedLimiter(Limiter):
    """Counts the requests of ``organisation`` in its row in the database."""

    def __init__(self, organisation: str, limits: Limits) -> None:
        self._organisation = organisation
        self._limits = limits

    def take(self, now: datetime) -> str | Wait:
        with self._row() as row:
            return take(row, self._limits, now)

    def give_back(self, ticket: str) -> None:
        if self._limits.concurrent:
            with self._row() as row:
                row.tickets.pop(ticket, None)

    def pause(self, until: datetime) -> None:
        with self._row() as row:
            pause(row, until)

    @contextmanager
    def _row(self) -> Iterator[Quota]:
        with own_transaction(router.db_for_write(Quota)):
            Quota.objects.bulk_create([Quota(organisation=self._organisation)], ignore_conflicts=True)
            row = Quota.objects.select_for_update().get(pk=self._organisation)
            yield row
            row.save()
