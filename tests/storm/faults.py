"""The faults and their times: a seed decides this schedule before anything has started."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Action(StrEnum):
    """A fault of a worker, its connection, or PostgreSQL."""

    CUT = "cut"  # its connection breaks
    KILL = "kill"  # the process gets SIGKILL, and its connections break
    STOP = "stop"  # the process gets SIGSTOP, and SIGCONT some time later
    STALL = "stall"  # the network holds a message back for a while
    CRASH = "crash"  # PostgreSQL stops at once, as after `pg_ctl stop -m immediate`, and is started again
    BACKEND = "backend"  # the process that serves the connection gets SIGKILL, so PostgreSQL recovers
    CELERY = "celery"  # the Celery worker gets SIGKILL, wherever it is
    REDIS = "redis"  # the broker gets SIGKILL, and is started again with what it has on disk
    WIPE = "wipe"  # the same, and what it had on disk is gone


class Point(StrEnum):
    """Which message of the worker's next ones it happens at."""

    NOW = "now"  # none: it happens at once, wherever the worker is
    STATEMENT = "statement"  # a statement, after `skip` others
    COMMIT = "commit"  # a COMMIT
    SEAL = "seal"  # the COMMIT of a seal, by one of those who seal


class Side(StrEnum):
    """Where the message is when it happens."""

    BEFORE = "before"  # seen, and never passed on
    RACING = "racing"  # passed on a moment ago
    AFTER = "after"  # PostgreSQL has answered, and the answer is not passed on
    LATE = "late"  # the client's side is cut at once, and the message passed on `seconds` later


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: at ``at`` seconds it is armed for the worker ``slot``, or happens."""

    at: float
    slot: int
    action: Action
    point: Point
    side: Side
    skip: int = 0
    seconds: float = 0.0


#: The mean number of seconds between two of a kind, over all workers.
PACE: dict[Action, float] = {
    Action.CUT: 0.25,
    Action.KILL: 1.5,
    Action.STOP: 1.5,
    Action.STALL: 0.8,
    Action.CRASH: 12.0,
    Action.BACKEND: 12.0,
}
#: The same of those that befall the COMMIT of a seal.
OF_SEALS: dict[Action, float] = {Action.CUT: 4.0, Action.KILL: 8.0, Action.CRASH: 12.0, Action.BACKEND: 12.0}
#: So many of the last workers seal: two janitors and Celery.
SEALERS = 3
#: What befalls Celery and its broker, which no message of a checkout sets off.
OF_BROKER: dict[Action, float] = {Action.CELERY: 8.0, Action.REDIS: 10.0, Action.WIPE: 15.0}
_SIDES: dict[Action, tuple[Side, ...]] = {
    Action.CUT: (Side.BEFORE, Side.RACING, Side.AFTER, Side.LATE),
    Action.KILL: (Side.BEFORE, Side.RACING, Side.AFTER, Side.LATE),
    Action.STOP: (Side.BEFORE, Side.AFTER),
    Action.STALL: (Side.BEFORE, Side.AFTER),
    Action.CRASH: (Side.BEFORE, Side.RACING, Side.AFTER),
    Action.BACKEND: (Side.BEFORE, Side.RACING, Side.AFTER),
}
#: How long a worker is stopped, a message held back, a COMMIT late: a moment, at times longer than a sweep waits.
_LONGEST: dict[Action, float] = {Action.STOP: 4.0, Action.STALL: 3.0}


def schedule(seed: int, seconds: float, slots: int) -> list[Fault]:
    """The faults of a storm, in order; the same seed, length and number of workers give the same ones."""
    found: list[Fault] = []
    for action, pace in PACE.items():
        random = Random(f"{seed}/{action}")
        at = random.expovariate(1 / pace)
        while at < seconds:
            found.append(_fault(random, at, action, random.randrange(slots)))
            at += random.expovariate(1 / pace)
    for action, pace in OF_SEALS.items():
        random = Random(f"{seed}/{action} of a seal")
        at = random.expovariate(1 / pace)
        while at < seconds:
            found.append(_fault(random, at, action, slots - 1 - random.randrange(SEALERS), Point.SEAL))
            at += random.expovariate(1 / pace)
    for action, pace in OF_BROKER.items():
        random = Random(f"{seed}/{action}")
        at = random.expovariate(1 / pace)
        while at < seconds:
            found.append(Fault(round(at, 3), -1, action, Point.NOW, Side.BEFORE))
            at += random.expovariate(1 / pace)
    return sorted(found, key=lambda fault: (fault.at, fault.action, fault.slot))


def _fault(random: Random, at: float, action: Action, slot: int, point: Point | None = None) -> Fault:
    point = point or random.choices((Point.COMMIT, Point.STATEMENT, Point.NOW), (5, 4, 2))[0]
    if action is Action.STALL and point is Point.NOW:
        point = Point.STATEMENT
    side = random.choice(_SIDES[action])
    longest = _LONGEST.get(action, 2.0)
    return Fault(
        at=round(at, 3),
        slot=slot,
        action=action,
        point=point,
        side=side,
        skip=random.randrange(8) if point is Point.STATEMENT else 0,
        seconds=round(min(longest, 0.05 + random.expovariate(2.5 / longest)), 3),
    )
