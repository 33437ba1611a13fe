"""The continuity report: a header, and parts that are read from one snapshot while they are written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.db import router

from ledger import __version__, calendars
from ledger.databases import choose
from ledger.errors import InvalidDate, ReportError
from ledger.homes import database_for
from ledger.judging import Fact, Judgement, Kind, State, Verdict, judge
from ledger.models import Entry, Series
from ledger.reports import report_sql as sql
from ledger.reports.parts import parts
from ledger.reports.register import register_part
from ledger.reports.rows import Part, Row
from ledger.reports.scope import Scope, ScopedPeriod, read_periods
from ledger.reports.snapshot import Snapshot, snapshot
from ledger.seals.reading import standing
from ledger.signals import ask_for_seal
from ledger.zones import shown_zone, zone_or_utc

#: What a report is no place for: how fast numbers go, and how the workers do.
_NOT_TOLD = frozenset({State.RUNNING_OUT, State.OVERDUE})

#: Name and version of what the report has to tell; a column that goes or changes its meaning makes it 2.
SCHEMA = "folio.continuity/1"


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the ledger the report stands: how many events of its periods there are, and of the tenant's findings
    and acknowledged alarms.

    Events are only ever added, so two reports at one position have read the same events. What is open besides is no
    event, and belongs to the moment.
    """

    entries: int
    voids: int
    explanations: int
    findings: int
    open: int

    def __str__(self) -> str:
        return (
            f"{self.entries:,} entries, {self.voids:,} voids, {self.explanations:,} explanations, "
            f"{self.findings:,} of findings; {self.open:,} open"
        )


@dataclass(frozen=True, slots=True)
class Header:
    """Whose numbers, which of them, and when. ``tax_id`` is empty where nobody stated one; dates are inclusive.

    ``sealed`` tells how far the numbers are sealed, with number and root of the last seal: once a report is handed in,
    it vouches for that seal.
    """

    tenant: str
    tax_id: str
    series: str
    template: str
    period: str
    since: date | None
    until: date | None
    time_zone: str
    made_at: datetime
    position: Position
    sealed: str
    version: str

    def lines(self) -> list[tuple[str, str]]:
        """What people read, line by line."""
        dates = f"{self.since or 'the beginning'} to {self.until or 'the end'}, both inclusive"
        return [
            ("Tenant", self.tenant or "(the one without a name)"),
            ("Tax id", self.tax_id or "not stated"),
            ("Series", self.series),
            ("Template", self.template),
            ("Period", self.period),
            ("Business dates", "all" if self.since is None and self.until is None else dates),
            ("Time zone", self.time_zone),
            ("Made at", self.made_at.isoformat(sep=" ", timespec="seconds")),
            ("Ledger position", str(self.position)),
            ("Seals", self.sealed),
            ("Made by", f"Folio {self.version}, {SCHEMA}"),
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """``verdict`` is the judge's, on the periods of the report; ``problems`` says why, and is empty where all is in
    order. ``parts`` are read while the report is open. ``further`` parts are as long as the ledger: they are written
    only when they are chosen.
    """

    title: str
    header: Header
    verdict: Verdict
    problems: tuple[str, ...]
    parts: tuple[Part, ...]
    further: tuple[Part, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything adds up, and nothing is open."""
        return self.verdict.is_in_order

    def only(self, name: str) -> Report:
        """The same with one of its parts; raises ReportError where there is none of that name."""
        known = self.parts + self.further
        chosen = tuple(part for part in known if part.name == name)
        if not chosen:
            raise ReportError(
                f"The report has no part {name!r}.",
                rule="A part is chosen by its name.",
                remedy=f"Choose one of {', '.join(part.name for part in known)}.",
            )
        return replace(self, parts=chosen, further=())


@contextmanager
def continuity_report(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    on: date | None = None,
    since: date | None = None,
    until: date | None = None,
    tax_id: str = "",
    made_at: datetime | None = None,
    progress: Callable[[str], None] | None = None,
    using: str | None = None,
) -> Iterator[Report]:
    """The report of one tenant's numbers, open for as long as the block lasts.

    ``tenant`` is a key, ``org`` what ``issue`` takes; by default the tenant without a name. ``series`` is one or its
    code, ``on`` a day in the period that is wanted. ``since`` and ``until`` are business dates, both inclusive: what is
    dated outside is not in the report. ``tax_id`` is shown as it is. ``made_at`` pins the time that the report bears,
    an aware datetime. ``progress`` is called with each step.

    Raises ReportError where there is no such series or period, or inside a transaction that has no snapshot.
    """
    owner, series, using = choose(org, tenant, series, using)
    owner = owner or ""
    using = database_for(owner, using, reads=True)
    _check(on, since, until, made_at)
    tell = progress or (lambda step: None)
    with snapshot(using or router.db_for_read(Entry)) as shot:
        tell("summing up")
        whole = on is not None
        first_day, last_day = (on, on) if whole else (since, until)
        periods = tuple(read_periods(shot, owner, series, first_day, last_day, whole=whole))
        _refuse_nothing(shot, owner, series, periods)
        scope = Scope(shot, owner, None if whole else since, None if whole else until, periods)
        judgement = _judged(scope, series)
        scope = replace(scope, periods=tuple(_with_state(scoped, judgement) for scoped in periods))
        verdict = judgement.verdict
        yield Report(
            title="Continuity of numbers",
            header=_header(scope, series, tax_id, made_at),
            verdict=verdict,
            problems=tuple(_problems(periods, verdict)),
            parts=tuple(_told(part, tell) for part in parts(scope)),
            further=(_told(register_part(scope), tell),),
        )


def _check(on: date | None, since: date | None, until: date | None, made_at: datetime | None) -> None:
    if made_at is not None and made_at.utcoffset() is None:
        raise InvalidDate(
            f"The time {made_at.isoformat()} has no time zone.",
            rule="A report bears the moment at which it was made.",
            remedy="Write it like 2026-11-21T12:00:00+00:00.",
        )
    if on is not None and (since is not None or until is not None):
        raise ReportError(
            f"Both a period (that of {on}) and a span of dates were asked for.",
            rule="A report is of whole periods, or of a span of business dates.",
            remedy="Leave out one of them.",
        )
    if since is not None and until is not None:
        calendars.Span(since, until)


def _refuse_nothing(shot: Snapshot, tenant: str, series: str | None, periods: tuple[ScopedPeriod, ...]) -> None:
    # A misspelt name would give an empty report, which looks as if all were well.
    known = Series.objects.using(shot.alias).filter(tenant=tenant)
    if series is not None:
        known = known.filter(code=series)
    if not known.exists():
        raise ReportError(
            f"Tenant {tenant!r} has no series{'' if series is None else f' {series!r}'}.",
            rule="A report is of series that exist.",
            remedy="manage.py ledger_series list shows all.",
        )
    if not periods:
        raise ReportError(
            f"Tenant {tenant!r} has no period{'' if series is None else f' of {series!r}'} that holds such dates.",
            rule="A report is of periods that were opened.",
            remedy="manage.py ledger_period list shows all.",
        )


def _header(scope: Scope, series: str | None, tax_id: str, made_at: datetime | None) -> Header:
    ids = [scoped.period.pk for scoped in scope.periods]
    now, explanations, findings = scope.snapshot.row(sql.EXPLANATIONS, {"tenant": scope.tenant, "periods": ids})
    zones = {scoped.series.time_zone for scoped in scope.periods}
    labels = {scoped.summary.period for scoped in scope.periods}
    dated = scope.since is not None or scope.until is not None
    all_of_them = f"{len(scope.periods):,}, all that {'touch the dates' if dated else 'there are'}"
    summaries = [scoped.summary for scoped in scope.periods]
    moment = now if made_at is None else made_at
    return Header(
        tenant=scope.tenant,
        tax_id=tax_id,
        series=", ".join(dict.fromkeys(summary.series for summary in summaries)) if series is None else series,
        template=", ".join(dict.fromkeys(scoped.series.template for scoped in scope.periods)),
        period=labels.pop() if len(labels) == 1 else all_of_them,
        since=scope.since,
        until=scope.until,
        time_zone=", ".join(map(shown_zone, sorted(zones))),
        made_at=moment.astimezone(zone_or_utc(zones.pop()) if len(zones) == 1 else UTC),
        position=Position(
            entries=sum(summary.used + summary.flagged for summary in summaries),
            voids=sum(summary.void for summary in summaries),
            explanations=explanations,
            findings=findings,
            open=sum(summary.reserved + summary.free for summary in summaries),
        ),
        sealed=_sealed(scope),
        version=__version__,
    )


def _sealed(scope: Scope) -> str:
    """How far the tenant is sealed. A seal that can be seen is durable; for what is newer, one is asked for."""
    told = standing(scope.tenant, using=scope.snapshot.alias)
    if told.newer != 0:
        ask_for_seal(scope.snapshot.alias)
    return str(told)


def _judged(scope: Scope, series: str | None) -> Judgement:
    """What the judge says of the periods of the report, and of the tenant itself, with what the report has counted."""
    judgement = judge(tenant=scope.tenant, series=series, sweeps=(), using=scope.snapshot.alias)
    places = {(scoped.summary.series, scoped.summary.starts_on) for scoped in scope.periods}
    codes = {code for code, _ in places}
    counted = [fact for scoped in scope.periods for fact in _counted(scope.tenant, scoped)]

    def here(facts: Iterable[Fact]) -> tuple[Fact, ...]:
        return tuple(
            fact
            for fact in facts
            if fact.kind.state not in _NOT_TOLD
            and (fact.series is None or fact.series in codes)
            and (fact.starts_on is None or (fact.series, fact.starts_on) in places)
        )

    # Every value was looked at just now, to be counted.
    return replace(
        judgement,
        facts=here(judgement.including(counted).facts),
        acknowledged=here(judgement.acknowledged),
        looked_at=judgement.as_of,
    )


def _with_state(scoped: ScopedPeriod, judgement: Judgement) -> ScopedPeriod:
    summary = scoped.summary
    state = judgement.of(summary.tenant, summary.series, summary.starts_on).state
    return replace(scoped, row=replace(scoped.row, state=state.value))


def _counted(tenant: str, scoped: ScopedPeriod) -> Iterator[Fact]:
    place = (tenant, scoped.summary.series, scoped.summary.starts_on)
    if scoped.row.lost:
        yield Fact(Kind.LOST, scoped.row.lost, *place)
    if not scoped.row.adds_up or scoped.summary.duplicates:
        yield Fact(Kind.DISAGREES, 1, *place)


def _problems(periods: tuple[ScopedPeriod, ...], verdict: Verdict) -> Iterator[str]:
    counted = [problem for scoped in periods for problem in _sums(scoped)]
    yield from counted
    for told in verdict.told():
        if told.state is not State.LOST or not counted:
            yield f"{told.text}."


def _sums(scoped: ScopedPeriod) -> Iterator[str]:
    row, summary = scoped.row, scoped.summary
    where = f"{summary.series}, {summary.period}"
    if not row.adds_up:
        yield (
            f"{where}: the numbers do not add up. The counter expects {summary.expected:,} from {summary.first} to "
            f"{summary.last}; the rows span {summary.expected_from_rows:,} from {summary.lowest} to "
            f"{summary.highest}."
        )
    elif row.lost:
        if row.lost == 1:
            yield f"{where}: 1 value is lost or was tampered with; nothing is known of it."
        else:
            yield f"{where}: {row.lost:,} values are lost or were tampered with; nothing is known of them."
    if summary.duplicates:
        told = "1 value comes" if summary.duplicates == 1 else f"{summary.duplicates:,} values come"
        yield f"{where}: {told} twice."


def _told(part: Part, tell: Callable[[str], None]) -> Part:
    step = f"writing {part.title.lower()}"

    def rows() -> Iterator[Row]:
        tell(step)
        yield from part.rows()

    def cells() -> Iterator[tuple[Any, ...]]:
        tell(step)
        yield from part.cells()

    return replace(part, rows=rows, plain=cells if part.plain is not None else None)
