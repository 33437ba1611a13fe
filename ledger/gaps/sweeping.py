"""The sweep: holes that no checkout will fill become gaps. Safe to run twice, at once, or never."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import Error, connections, router

from ledger.allocation.second_connection import time_limit
from ledger.cursors import fetch_value, id_batches
from ledger.databases import database_of, expect, query_scope
from ledger.errors import LockTimeout
from ledger.failures import Failures
from ledger.gaps import sql
from ledger.gaps.finding import GRACE, Hole, State, find_lost, find_reservations, find_slots
from ledger.keys import actor_name
from ledger.models import Entry, Series
from ledger.verification.alarms import MOST, lost_values, may_not_write, raise_alarms, recheck
from ledger.verification.findings import Alarm

_log = logging.getLogger(__name__)

_BATCH = 1000

#: Seconds: far more than the milliseconds that the function waits by itself.
_BOUND = 2.0

_EVERYTHING: dict[str, Any] = {"tenant": None, "series": None, "grace": GRACE, "full": False}


@dataclass(slots=True)
class Swept:
    """What one sweep did and saw, in values: ``flagged`` as gaps just now; ``in_flight``, held by checkouts;
    ``healing``, free for the next checkout, ``reported`` of them for the first time; ``settled`` by a checkout during
    the sweep; ``lost``, which nothing explains.
    """

    flagged: int = 0
    in_flight: int = 0
    healing: int = 0
    reported: int = 0
    settled: int = 0
    lost: int = 0
    #: Values that could not be flagged; the others were.
    failures: Failures = field(default_factory=Failures)

    def as_dict(self) -> dict[str, int]:
        """All counts, for JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "failures"}


def sweep(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    grace: timedelta = GRACE,
    by: Any = "sweep",
    full: bool = False,
    using: str | None = None,
) -> Swept:
    """Flag every value that no checkout will take as a gap, and report free slots that wait below the highest number.

    Each value is claimed in a transaction of its own, without waiting for a checkout: one that holds the value keeps
    it, and one that wakes up later finds the value taken and gets another. Call it outside a transaction; inside one,
    everything is committed or rolled back with that. Arguments as for ``find``.
    """
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_write(Entry)
    wanted = {"tenant": tenant, "series": series, "grace": grace, "full": full}
    actor = actor_name(by)
    swept = Swept()
    _sweep_reservations(alias, wanted, None, actor, swept)
    _sweep_slots(alias, wanted, actor, swept)
    swept.lost = raise_lost(find_lost(alias, wanted), using=alias)
    return swept


def sweep_slots(*, using: str | None = None) -> Swept:
    """The part of ``sweep`` without reservations, for all tenants: free slots, and lost values."""
    alias = using or router.db_for_write(Entry)
    swept = Swept()
    _sweep_slots(alias, _EVERYTHING, "sweep", swept)
    recheck(using=alias)
    swept.lost = raise_lost(find_lost(alias, _EVERYTHING), using=alias)
    return swept


def reservation_ids(alias: str, size: int) -> Iterator[list[int]]:
    """The ids of all reservations in the database ``alias``, ``size`` at a time."""
    return id_batches(alias, sql.RESERVATION_IDS, size)


def sweep_reservations(ids: Sequence[int], *, using: str | None = None) -> Swept:
    """Flag these reservations if no checkout will take them; one that is gone was settled by another sweep."""
    alias = using or router.db_for_write(Entry)
    swept = Swept()
    if ids:
        _sweep_reservations(alias, _EVERYTHING, ids, "sweep", swept)
    return swept


def _sweep_reservations(
    alias: str, wanted: dict[str, Any], ids: Sequence[int] | None, actor: str, swept: Swept
) -> None:
    for hole in find_reservations(alias, wanted, ids):
        with swept.failures.noted(f"{_named(hole)}, reserved", alias, _log):
            _claim(alias, hole, actor, swept)


def _sweep_slots(alias: str, wanted: dict[str, Any], actor: str, swept: Swept) -> None:
    healing = []
    for hole in find_slots(alias, wanted):
        if hole.state == State.HEALING:
            healing.append(hole)
        else:
            with swept.failures.noted(f"{_named(hole)}, free", alias, _log):
                _claim(alias, hole, actor, swept)
    swept.healing = len(healing)
    swept.reported = _report(alias, healing)


def _named(hole: Hole) -> str:
    return f"{hole.tenant}/{hole.series} {hole.number}" if hole.tenant else f"{hole.series} {hole.number}"


def raise_lost(holes: Iterable[Hole], *, using: str | None = None) -> int:
    """Raise an alarm for each range of lost values that has none yet; return how many values they are."""
    count = 0
    alarms: list[Alarm] = []
    for hole in holes:
        if hole.state != State.LOST:
            continue
        count += hole.count
        if len(alarms) < MOST:
            period = (hole.tenant, hole.series, hole.starts_on, hole.ends_on, hole.ordinal)
            alarms.append(lost_values(*period, hole.value, hole.through))
    raise_alarms(alarms, using=using)
    return count


def flag_lost(hole: Hole, *, by: Any = None, using: str | None = None) -> int:
    """Turn a range of lost values into gaps, so that they can be explained; returns how many.

    For values that no backup has: restore those instead, since a flagged value can't be restored.
    """
    expect(hole, Hole, "hole", "Pass a hole that find() yielded.")
    alias = database_of(hole, Entry, using)
    actor, flagged = actor_name(by), 0
    for value in range(hole.value, hole.through + 1):
        flagged += _flag(alias, hole, value, actor, statement=sql.FLAG_LOST) == "flagged"
    try:
        recheck(using=alias)
    except Error as error:
        if not may_not_write(error):  # a role that may flag, and not resolve alarms
            raise
        _log.info("The next sweep resolves alarms whose cause is gone now: %s", error)
    return flagged


def _claim(alias: str, hole: Hole, actor: str, swept: Swept) -> None:
    if hole.state != State.LEFT_OVER:
        swept.in_flight += 1
        return
    outcome = _flag(alias, hole, hole.value, actor)
    if outcome == "flagged":
        swept.flagged += 1
    elif outcome == "in_flight":
        swept.in_flight += 1
    else:
        swept.settled += 1


def _flag(alias: str, hole: Hole, value: int, actor: str, *, statement: str = sql.FLAG) -> str:
    """What became of the value, without waiting for a checkout that holds it: the function has a lock_timeout, and on a
    node that this doesn't reach (Citus), the statement is cancelled from here.
    """
    connection = connections[alias]
    try:
        with time_limit(connection, _BOUND):
            return str(fetch_value(alias, statement, [hole.tenant, hole.period, value, actor]))
    except LockTimeout:
        if connection.in_atomic_block:
            raise
        return "in_flight"


def _report(alias: str, holes: Iterable[Hole]) -> int:
    reported = 0
    remaining = iter(holes)
    while batch := list(islice(remaining, _BATCH)):
        places = [[h.tenant for h in batch], [h.period for h in batch], [h.value for h in batch]]
        reported += fetch_value(alias, sql.REPORT, places)
    return reported
