"""Pools of drafts: which exist, what each needs, and which worker has claimed one.

A transaction around a request would hold locks for seconds, so a claim is a row instead. It names a worker and expires,
since a worker may be killed. A worker stores drafts under its claim, so one that comes back too late stores nothing.
"""

import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import router

from ledger.cursors import fetch, open_cursor
from ledger.databases import query_scope
from ledger.models import Allocation, RemotePool, Series
from ledger.periods import find_period, open_period
from ledger.remote import sql
from ledger.timestamps import timestamp
from ledger.zones import today_in, todays_json

#: Longer than making one draft can take, with all retries, so that no two workers make the same draft. The claim is
#: renewed before each draft, and when one is stored.
CLAIM_LASTS = timedelta(minutes=15)

#: After so many refused drafts in a row the refill stops for an hour: a person must look, and until then the accounting
#: system isn't filled with drafts that nobody can use.
REFUSED_IN_A_ROW = 5

#: A period gets its first drafts so many days before it begins, and keeps some for so many days after its end.
_BEFORE, _AFTER = 3, 31


@dataclass(frozen=True, slots=True)
class Claim:
    """The pool of one series, for the worker with ``token``. Times are those of the database's clock."""

    series: Series
    system: str
    token: str
    looked_at: datetime | None
    full_look_at: datetime
    looked_through: int
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Need:
    """How many free drafts a period of a series has, and how many it should have.

    ``is_low``: it is time to make some, with the date ``drafts_on``. ``last_ordinal`` is that of the last draft stored.
    ``exhausted``: the counter is at its end. ``is_stuck``: the last few drafts were all refused within the hour.
    """

    period: int
    starts_on: date
    ends_on: date
    drafts_on: date
    is_current: bool
    free: int
    wanted: int
    last_ordinal: int
    exhausted: bool
    is_stuck: bool = False

    @property
    def is_low(self) -> bool:
        """Half of what the recent rate of use needs, or less."""
        return self.free <= self.wanted // 2


@dataclass(frozen=True, slots=True)
class PoolState:
    """The state of a series' pool today, for people: ``error`` is that of the last try, or empty."""

    tenant: str
    series: str
    system: str
    period: str
    free: int
    wanted: int
    tried_at: datetime | None
    refilled_at: datetime | None
    error: str
    needs_person: bool

    @property
    def warning(self) -> str:
        """What a person should do, or an empty text."""
        name = f"{self.tenant}/{self.series}" if self.tenant else self.series
        if self.tried_at is None:
            return f"{name}: no worker has filled its pool of drafts in {self.system!r} yet."
        told = f"{name}: {self.free} drafts are free in {self.system!r}, {self.wanted} are wanted"
        if self.error:
            person = " A person must mend that." if self.needs_person else ""
            tried = timestamp(self.tried_at)
            return f"{told}; the last try to refill, at {tried}, failed: {self.error}{person}"
        return f"{told}; its pool is low." if self.free <= self.wanted // 4 else ""

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self) | {"warning": self.warning}


def systems(*, using: str | None = None) -> list[str]:
    """The accounting systems that active remote series draft in, by name."""
    alias = using or router.db_for_read(Series)
    remote = Series.objects.using(alias).filter(allocation=Allocation.REMOTE, is_active=True)
    return list(remote.order_by("system").values_list("system", flat=True).distinct())


def remote_series(system: str, *, using: str | None = None) -> list[Series]:
    """The active remote series that draft in one system."""
    alias = using or router.db_for_write(Series)
    found = Series.objects.using(alias).filter(allocation=Allocation.REMOTE, is_active=True, system=system)
    return list(found.order_by("tenant", "code"))


def claim(series: Series, *, lasts: timedelta = CLAIM_LASTS, using: str | None = None) -> Claim | None:
    """Claim the series' pool until it is released or ``lasts`` is over; None if another worker has it."""
    alias = using or router.db_for_write(RemotePool)
    token = uuid.uuid4().hex
    wanted: dict[str, Any] = {"claim": token, "lasts": lasts, "tenant": series.tenant, "series": series.pk}
    found = fetch(alias, sql.CLAIM, wanted)
    return Claim(series, token=token, **found[0]._asdict()) if found else None


def renew(claim: Claim, *, using: str | None = None) -> bool:
    """Renew the claim; False if it expired and another worker has the pool."""
    alias = using or router.db_for_write(RemotePool)
    arguments: list[Any] = [CLAIM_LASTS, claim.series.tenant, claim.series.pk, claim.token]
    return bool(fetch(alias, sql.RENEW, arguments))


def release(
    claim: Claim, *, error: str = "", needs_person: bool = False, wanted: int | None = None, using: str | None = None
) -> None:
    """Release the pool and record how the refill went, which PoolExhausted shows to a checkout."""
    arguments = {"error": error, "needs_person": needs_person, "wanted": wanted}
    _note(sql.RELEASE, claim, arguments, using)


def note_look(
    claim: Claim,
    *,
    looked_at: datetime | None = None,
    full_look_at: datetime | None = None,
    looked_through: int | None = None,
    using: str | None = None,
) -> None:
    """Remember how far the worker has looked for drafts that are gone; None leaves a mark as it is."""
    arguments = {"looked_at": looked_at, "full_look_at": full_look_at, "looked_through": looked_through}
    _note(sql.NOTE_LOOK, claim, arguments, using)


def needs(claim: Claim, *, least: int, most: int, using: str | None = None) -> list[Need]:
    """What the series' periods need, the current one first, which is opened if the calendar has one.

    The current period should have twice what the last hour used, from ``least`` to ``most``. The next period, three
    days before it begins, and the last one, for a month, get a quarter of ``least``: the next because its first
    checkouts come at midnight, the last for late documents, if it was used at all.
    """
    series = claim.series
    alias = using or router.db_for_write(RemotePool)
    today = today_in(series.time_zone, alias)
    if find_period(series, today, alias) is None:
        open_period(series, today, using=alias)
    arguments: dict[str, Any] = {"tenant": series.tenant, "series": series.pk, "before": _BEFORE, "after": _AFTER}
    arguments["in_a_row"] = REFUSED_IN_A_ROW
    few = max(1, least // 4)
    current: list[Need] = []
    before: list[Need] = []
    after: list[Need] = []
    for row in fetch(alias, sql.PERIODS, arguments):
        told = row._asdict()
        day, used = told.pop("today"), told.pop("used")
        is_current = row.starts_on <= day <= row.ends_on
        wanted = min(max(2 * used, least), most) if is_current else few
        drafts_on = min(max(day, row.starts_on), row.ends_on)
        need = Need(**told, drafts_on=drafts_on, is_current=is_current, wanted=wanted)
        if is_current:
            current.append(need)
        elif row.starts_on > day:
            after.append(need)
        elif row.last_ordinal:
            before.append(need)
    return [*current, *after[:1], *before[-1:]]


def pool_states(
    *, tenant: str | None = None, series: Series | str | None = None, using: str | None = None
) -> list[PoolState]:
    """The state of each remote series' pool."""
    tenant, series, using = query_scope(None, tenant, series, using)
    alias = using or router.db_for_read(RemotePool)
    wanted = {"tenant": tenant, "series": series, "todays": todays_json(alias)}
    found = []
    for row in fetch(alias, sql.STATES, wanted):
        told = row._asdict()
        first, last = told.pop("starts_on"), told.pop("ends_on")
        found.append(PoolState(period="" if first is None else f"{first} to {last}", **told))
    return found


def _note(statement: str, claim: Claim, arguments: dict[str, Any], using: str | None) -> None:
    alias = using or router.db_for_write(RemotePool)
    whose = {"tenant": claim.series.tenant, "series": claim.series.pk, "claim": claim.token}
    with open_cursor(alias) as cursor:
        cursor.execute(statement, arguments | whose)
