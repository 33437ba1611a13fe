"""How many requests an organisation has left: pure reckoning on one row of counts.

Per minute, a bucket: a tenth of the allowance may go at once, the rest of it drips in evenly. So no sixty seconds ever
see more than the allowance, wherever one begins to count. Per day, a count that begins anew at midnight UTC. Concurrent
ones are held as tickets, which run out by themselves should the process that holds one be killed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from workers.accounting.limits import Admitted, Limits, Wait

#: Longer than any one attempt may take.
TICKET_LIFE = timedelta(minutes=5)
#: How soon to look again whether one of the concurrent requests is done.
LOOK_AGAIN = 0.5


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
