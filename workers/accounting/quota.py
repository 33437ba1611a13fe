"""The counts of one organisation in one row, for all worker processes: each request locks it for a moment.

Why in PostgreSQL: what several processes share must not be lost with Redis, and a row costs a millisecond where a
request costs a hundred. The vendor's own 429 has the last word; it is written into the same row, so that one worker
learns it for all.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.db import router, transaction

from ledger.timestamps import aware
from workers.accounting.limits import Admitted, Limits, Wait
from workers.models import Quota


@contextmanager
def own_transaction(using: str) -> Iterator[None]:
    """Begin and commit here. Inside a caller's transaction it is refused: a remote system isn't asked from there."""
    began = False
    try:
        with transaction.atomic(using=using, durable=True):
            began = True
            yield
    except RuntimeError:
        if began:
            raise
        raise RuntimeError(
            "An accounting system was asked inside a transaction. It takes seconds, during which locks would be held, "
            "and a rollback would take nothing back there. Call it outside transaction.atomic()."
        ) from None


#: Longer than any one attempt may take.
TICKET_LIFE = timedelta(minutes=5)
#: How soon to look again whether one of the concurrent requests is done.
LOOK_AGAIN = 0.5


# Per minute, a bucket: a tenth of the allowance may go at once, the rest of it drips in evenly. So no sixty seconds
# ever see more than the allowance, wherever one begins to count. Per day, a count that begins anew at midnight UTC.
# Concurrent ones are held as tickets, which run out by themselves should the process that holds one be killed.
@dataclass(frozen=True, slots=True)
class Counts:
    """``room`` is what is in the bucket, as of ``at``; ``tickets`` says until when each one holds."""

    room: float | None = None
    at: datetime | None = None
    day: str = ""
    used_today: int = 0
    tickets: dict[str, datetime] = field(default_factory=dict)
    paused_until: datetime | None = None


def burst(per_minute: int) -> float:
    return max(1.0, per_minute / 10)


def take(counts: Counts, limits: Limits, now: datetime) -> tuple[Counts, Admitted | Wait]:
    """Count one request, or say how long to wait; the counts are as they were then, but for what time has changed."""
    if counts.at is not None:
        # Another machine's clock may be a little ahead: time goes on from there.
        now = max(now, counts.at)
    counts = _elapsed(counts, limits, now)
    wait = _wait(counts, limits, now)
    if wait is not None:
        return counts, wait
    ticket = uuid.uuid4().hex
    return replace(
        counts,
        room=None if counts.room is None else counts.room - 1,
        used_today=counts.used_today + 1,
        tickets={**counts.tickets, ticket: now + TICKET_LIFE} if limits.concurrent else {},
    ), Admitted(ticket)


def give_back(counts: Counts, ticket: str) -> Counts:
    return replace(counts, tickets={key: until for key, until in counts.tickets.items() if key != ticket})


def pause(counts: Counts, until: datetime) -> Counts:
    """Nobody asks before ``until``; a longer pause stays."""
    before = counts.paused_until
    return replace(counts, paused_until=until if before is None else max(before, until))


def _elapsed(counts: Counts, limits: Limits, now: datetime) -> Counts:
    """The counts as they are ``now``: the bucket fuller, a new day perhaps, lost tickets gone."""
    room = None
    if limits.per_minute:
        full = burst(limits.per_minute)
        passed = (now - counts.at).total_seconds() if counts.at is not None else 0.0
        room = min(full, (full if counts.room is None else counts.room) + passed * _drip(limits.per_minute))
    today = f"{now.astimezone(UTC):%Y-%m-%d}"
    return replace(
        counts,
        room=room,
        at=now,
        day=today,
        used_today=counts.used_today if counts.day == today else 0,
        tickets={key: until for key, until in counts.tickets.items() if until > now},
    )


def _wait(counts: Counts, limits: Limits, now: datetime) -> Wait | None:
    if counts.paused_until is not None and counts.paused_until > now:
        return Wait((counts.paused_until - now).total_seconds(), "the system asked for a pause")
    if limits.per_day and counts.used_today >= limits.per_day:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return Wait((midnight - now).total_seconds(), f"{limits.per_day} requests a day")
    if limits.concurrent and len(counts.tickets) >= limits.concurrent:
        return Wait(LOOK_AGAIN, f"{limits.concurrent} requests at once")
    if limits.per_minute and counts.room is not None and counts.room < 1:
        seconds = (1 - counts.room) / _drip(limits.per_minute)
        # Never shorter than time is counted: a wait that rounds to nothing would be asked for again and again.
        return Wait(max(seconds, 0.001), f"{limits.per_minute} requests a minute")
    return None


def _drip(per_minute: int) -> float:
    """Requests a second, such that a full bucket and a minute of it come to the allowance."""
    return (per_minute - burst(per_minute)) / 60 if per_minute > 1 else 1 / 60


class SharedLimiter:
    """The gate of ``organisation``, by its row in the database."""

    def __init__(self, organisation: str, limits: Limits) -> None:
        self._organisation = organisation
        self._limits = limits

    def take(self, now: datetime) -> Admitted | Wait:
        with self._row() as row:
            counts, answer = take(_counts(row), self._limits, now)
            _write(row, counts)
        return answer

    def give_back(self, ticket: str) -> None:
        if self._limits.concurrent:
            self._change(lambda counts: give_back(counts, ticket))

    def pause(self, until: datetime) -> None:
        self._change(lambda counts: pause(counts, until))

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
