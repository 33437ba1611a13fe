"""Reads the facts with a few statements, however many tenants and series there are."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

from django.db import router

from ledger.conf import ledger_settings
from ledger.cursors import fetch
from ledger.databases import query_scope
from ledger.errors import LedgerError
from ledger.exhaustion import rates, runs_out_on, used_periods
from ledger.judging import sql
from ledger.judging.judgement import Judgement, merged
from ledger.judging.verdict import Fact, Kind
from ledger.localization import in_english
from ledger.models import Entry, Period, Series
from ledger.ranges import levels
from ledger.rules import GapPolicy, all_rules
from ledger.series import series_of
from ledger.timestamps import aware
from ledger.verification import OPEN_AT_MOST
from ledger.verification.alarms import COUNTRY_RULE, NOT_CHECKED
from ledger.verification.findings import MEANINGS
from ledger.zones import zone_or_utc

#: The most values that are checked for a verdict, in some hundredths of a second: all values of a small ledger, and the
#: values since the last scan of a large one.
_MOST = 50_000

#: The kind of fact that an alarm makes; any other alarm says that rows or guards were tampered with. Nothing is lost by
#: keys of an earlier version, a setting that can't work, a privilege that the ledger's owner lacks, or what somebody
#: *could* do: an owner, a privilege, a function with the owner's rights. But if a name leads past the ledger
#: ("shadow"), rows *are* read and written without guards.
_KINDS = {
    "lost-or-tampered": Kind.LOST,
    "reservation-old": Kind.RESERVED,
    NOT_CHECKED: Kind.UNCHECKED,
    COUNTRY_RULE: Kind.RULE,
    **dict.fromkeys(("setting", "code-text", "owner", "superuser", "privilege", "revoked", "definer"), Kind.SETUP),
    **dict.fromkeys((check for check in MEANINGS if check.startswith(("document-", "tenant-"))), Kind.SETUP),
    # Two numbers of one document, which is a matter of rows.
    "document-twice": Kind.TAMPERED,
}


def kind_of(check: str) -> Kind:
    """The kind of fact that an alarm of this check makes."""
    return _KINDS.get(check, Kind.TAMPERED)


class Overdue(Protocol):
    """The state of a sweep, as ``ledger.sweeps.health`` returns it."""

    @property
    def sweep(self) -> str:
        """Its name."""

    @property
    def succeeded_at(self) -> datetime | None:
        """When it last succeeded."""

    @property
    def overdue(self) -> bool:
        """Whether that is too long ago."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is judged, from which database, and when."""

    alias: str
    wanted: dict[str, Any]
    now: datetime

    def rows(self, statement: str, **more: Any) -> list[Any]:
        return fetch(self.alias, statement, {**self.wanted, **more})

    def today(self, time_zone: str) -> date:
        """Today in a time zone; in UTC if the zone is unknown, so that one series doesn't stop the others."""
        moment = datetime.now(UTC) if ledger_settings().clock == "application" else self.now
        return moment.astimezone(zone_or_utc(time_zone)).date()


def judge(
    *,
    sweeps: Iterable[Overdue],
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    using: str | None = None,
) -> Judgement:
    """Judge the ledger, a tenant, or the series of a code: returns the facts, and a verdict on each part.

    ``tenant`` is a key (``""`` is the one without a name), ``org`` what ``issue`` takes; with neither, all tenants.
    ``sweeps`` is what ``ledger.sweeps.health.health()`` returns: nothing is in order while a sweep is overdue. Pass an
    empty list right after a full check.
    """
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted: dict[str, Any] = {"tenant": tenant, "series": series}
    [(now, full_look, size)] = fetch(alias, sql.SCOPE, wanted)
    asked = _Asked(alias, wanted, aware(now))
    whole = size <= _MOST
    looked_at = asked.now if whole else _aware(full_look)
    alarms, acknowledged = _alarms(asked)
    facts = merged(
        fact
        for found in (
            _values(asked, whole=whole),
            alarms,
            _counted(asked, Kind.DIFFERENCE, sql.DIFFERENCES),
            _counted(asked, Kind.UNEXPLAINED, sql.UNEXPLAINED),
            _counted(asked, Kind.NO_DOCUMENT, sql.NO_DOCUMENTS),
            _undeclared(asked),
            _running_out(asked),
            _ranges(asked),
            (Fact(Kind.POOL, 1, pool.tenant, pool.code, since=_aware(pool.tried_at)) for pool in asked.rows(sql.POOLS)),
            _counted(asked, Kind.RESERVED, sql.RESERVED, open_at_most=OPEN_AT_MOST),
            (Fact(Kind.SWEEP, 1, since=_aware(one.succeeded_at), detail=one.sweep) for one in sweeps if one.overdue),
        )
        for fact in found
    )
    return Judgement(facts, asked.now, looked_at, acknowledged)


def _values(asked: _Asked, *, whole: bool) -> Iterator[Fact]:
    for *place, lost, is_beyond in asked.rows(sql.VALUES, whole=whole, most=_MOST):
        if lost:
            yield Fact(Kind.LOST, int(lost), *place)
        if is_beyond:
            yield Fact(Kind.DISAGREES, 1, *place)


def _alarms(asked: _Asked) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """The facts that unresolved alarms make, and those of acknowledged alarms, which don't count."""
    found: dict[tuple[Any, ...], tuple[int, datetime | None]] = {}
    for *place, check, is_acknowledged, alarms, values, raised_at in asked.rows(sql.ALARMS):
        kind, since = kind_of(check), _aware(raised_at)
        if place[0] is None:
            place = [None, None, None, 0]
        count, first = found.get((is_acknowledged, kind, *place), (0, since))
        earliest = min(filter(None, (first, since)), default=None)
        found[is_acknowledged, kind, *place] = (count + int(values if kind is Kind.LOST else alarms), earliest)
    facts: dict[bool, list[Fact]] = {False: [], True: []}
    for (is_acknowledged, kind, tenant, series, starts_on, ordinal), (count, since) in found.items():
        facts[is_acknowledged].append(Fact(kind, count, tenant, series, starts_on, ordinal, since))
    return tuple(facts[False]), tuple(facts[True])


def _counted(asked: _Asked, kind: Kind, statement: str, **more: Any) -> Iterator[Fact]:
    for tenant, series, starts_on, ordinal, count, since in asked.rows(statement, **more):
        yield Fact(kind, int(count), tenant, series, starts_on, ordinal or 0, _aware(since))


def _undeclared(asked: _Asked) -> Iterator[Fact]:
    """Missing values to be declared: an authority takes them from the first day of the next month (or quarter) on."""
    policies = {
        code: rules.gaps
        for code, rules in all_rules().items()
        if rules.gaps is not None and rules.gaps.policy is GapPolicy.DECLARE
    }
    chosen = series_of(asked.alias, asked.wanted["tenant"], asked.wanted["series"])
    chosen = chosen.filter(rules__regex=rf"(^|,)({'|'.join(policies)})(,|$)")
    ids, authorities, befores = [], [], []
    for pk, codes, time_zone in chosen.values_list("pk", "rules", "time_zone"):
        today = asked.today(time_zone)
        for gaps in (policies[code] for code in codes.split(",") if code in policies):
            ids.append(pk)
            authorities.append(gaps.authority)
            befores.append(gaps.begun(today))
    if ids:
        lists = {"ids": ids, "authorities": authorities, "befores": befores}
        yield from _counted(asked, Kind.UNDECLARED, sql.UNDECLARED, **lists)


def _running_out(asked: _Asked) -> Iterator[Fact]:
    today = asked.today("UTC")
    used_up = used_periods(asked.alias, **asked.wanted, today=today)
    speed = rates(list(used_up), asked.alias, today=today)
    for period in Period.objects.using(asked.alias).filter(pk__in=used_up).select_related("series").order_by("pk"):
        place = (period.tenant, period.series.code, period.starts_on, period.ordinal)
        if used_up[period.pk]:
            yield Fact(Kind.USED_UP, 1, *place)
            continue
        day = asked.today(period.series.time_zone)
        if not period.starts_on <= day <= period.ends_on:
            continue
        highest = period.max_value
        with suppress(LedgerError):  # its rules are unknown, which another check reports
            highest = min(period.series.highest_value(period.as_format()), highest)
        runs_out = runs_out_on(period, speed.get(period.pk), highest, day)
        if runs_out is not None:
            fact = Fact(Kind.RUNNING_OUT, 1, *place)
            # Programs read it too.
            with in_english():
                detail = f"{fact.place}, about {runs_out}"
            yield replace(fact, detail=detail)


def _ranges(asked: _Asked) -> Iterator[Fact]:
    for level in levels(asked.alias, lambda series: asked.today(series.time_zone), **asked.wanted):
        if level.problems:
            with in_english():
                detail = str(level)
            yield Fact(Kind.RANGE, 1, level.series.tenant, level.series.code, detail=detail)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else aware(moment)
