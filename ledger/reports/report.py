"""The continuity report: a header, and parts that are read from one snapshot while they are written to a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import router
from django.utils.translation import ngettext

from ledger import __version__, calendars
from ledger.databases import query_scope
from ledger.errors import InvalidDate, ReportError
from ledger.homes import database_for, find_at_home
from ledger.judging import State, Verdict
from ledger.localization import day_told, lazily as _, lazy_text, moment_told, numbers_told, period_told, quantity
from ledger.models import Entry, Series
from ledger.reports import report_sql as sql
from ledger.reports.judging import judge_report, problems, with_states
from ledger.reports.parts import parts
from ledger.reports.register import register_part
from ledger.reports.rows import Part
from ledger.reports.scope import Scope, ScopedPeriod, read_scope
from ledger.reports.snapshot import Snapshot, snapshot
from ledger.seals.reading import Standing, standing
from ledger.series import series_of
from ledger.signals import ask_for_seal
from ledger.tenants import tenant_name, tenant_tax_id
from ledger.zones import shown_zone

#: Name and version of the report's schema. Version 2 begins when a column is removed or changes its meaning.
SCHEMA = "folio.continuity/1"


@dataclass(frozen=True, slots=True)
class Position:
    """How many events of the report's periods there are, and of the tenant's findings and acknowledged alarms.

    Events are only ever added, so two reports at one position have read the same events. Numbers in progress are no
    events: they are those of the moment.
    """

    entries: int
    voids: int
    explanations: int
    declarations: int
    findings: int
    in_progress: int

    def __str__(self) -> str:
        told = (
            (ngettext("%(n)s entry", "%(n)s entries", self.entries), self.entries),
            (ngettext("%(n)s void", "%(n)s voids", self.voids), self.voids),
            (ngettext("%(n)s explanation", "%(n)s explanations", self.explanations), self.explanations),
            (ngettext("%(n)s declaration", "%(n)s declarations", self.declarations), self.declarations),
            (_("%(n)s of findings"), self.findings),
            (_("%(n)s in progress"), self.in_progress),
        )
        *events, in_progress = (text % {"n": quantity(count)} for text, count in told)
        return f"{', '.join(events)}; {in_progress}"


@dataclass(frozen=True, slots=True)
class Header:
    """Whose numbers the report is about, which of them, and when. ``tax_id`` may be empty; dates are inclusive.

    ``sealed`` tells how far the numbers are sealed, with number and root of the last seal: a report that was handed in
    vouches for that seal. ``system`` is the server's own identifier, with database and schema; ``login`` is the role
    that read the ledger, and ``owns_tables`` whether that role could get past the guards.
    """

    tenant: str
    name: str
    tax_id: str
    series: str
    template: str
    period: str
    since: date | None
    until: date | None
    time_zone: str
    made_at: datetime
    made_by: str
    position: Position
    sealed: str
    system: str
    login: str
    owns_tables: bool
    version: str

    @property
    def owner(self) -> str:
        """Whose numbers these are, with the key where that is not the name."""
        return self.name if self.name == self.tenant or not self.tenant else f"{self.name} ({self.tenant})"

    def lines(self) -> list[tuple[str, str]]:
        dates = _("%(first)s to %(last)s, both inclusive") % {
            "first": _("the beginning") if self.since is None else day_told(self.since),
            "last": _("the end") if self.until is None else day_told(self.until),
        }
        role = _("owns the tables") if self.owns_tables else _("doesn't own the tables")
        told = [
            (_("Company"), self.owner),
            (_("Tax id"), self.tax_id or _("not stated")),
            (_("Series"), self.series),
            (_("Template"), self.template),
            (_("Period"), period_told(self.period)),
            (_("Business dates"), _("all") if self.since is None and self.until is None else dates),
            (_("Time zone"), self.time_zone),
            (_("Made at"), moment_told(self.made_at, self.made_at.tzinfo)),
            (_("Made by"), self.made_by or _("not stated")),
            (_("Ledger position"), str(self.position)),
            (_("Seals"), self.sealed),
            (_("System"), self.system),
            (_("Database role"), f"{self.login}, {role}"),
            (_("Software"), f"Folio {self.version}, {SCHEMA}"),
        ]
        return [(str(label), str(text)) for label, text in told]


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the questions that the verdict answers; ``good`` is None if the answer is neither good nor bad."""

    title: str
    text: str
    good: bool | None


@dataclass(frozen=True, slots=True)
class Report:
    """``sentence`` sums up the numbers as a person would. ``verdict`` is the judge's, on the periods of the report;
    ``reasons`` lists all that it rests on, ``problems`` what is wrong. ``parts`` are read while the report is open.
    ``further`` parts are as long as the ledger: they are written only if they are chosen.
    """

    title: str
    header: Header
    sentence: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    problems: tuple[str, ...]
    parts: tuple[Part, ...]
    further: tuple[Part, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything adds up, and nothing is left to do."""
        return self.verdict.is_in_order

    @property
    def is_green(self) -> bool:
        """Whether it may be shown in green: all is in order, and no number is in progress."""
        return self.ok and not self.header.position.in_progress

    def only(self, name: str) -> "Report":
        """The report with one of its parts; raises ReportError if no part has that name."""
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
    made_by: str = "",
    made_at: datetime | None = None,
    progress: Callable[[str], None] | None = None,
    using: str | None = None,
) -> Iterator[Report]:
    """The report on one tenant's numbers, open as long as the block lasts.

    ``tenant`` is a key, ``org`` what ``issue`` takes; by default the tenant without a name. ``series`` is one or its
    code, ``on`` a day in the period that is wanted. ``since`` and ``until`` are business dates, both inclusive: the
    report leaves out what is dated outside. ``tax_id`` is shown as it is; by default the project's hook returns it.
    ``made_by`` says who makes the report, ``made_at``, an aware datetime, when. ``progress`` is called with each step.

    Raises ReportError if there is no such series or period, or inside a transaction that has no snapshot.
    """
    owner, series, using = query_scope(org, tenant, series, using)
    owner = owner or ""
    using = database_for(owner, using, reads=True)
    _check(on, since, until, made_at)
    tell = progress or (lambda step: None)
    with snapshot(using or router.db_for_read(Entry)) as shot:
        tell(_("summing up"))
        scope = read_scope(shot, owner, series, on or since, on or until, whole=on is not None)
        _refuse_nothing(shot, owner, series, scope.periods)
        judgement = judge_report(scope, series)
        scope = with_states(scope, judgement)
        verdict, seal = judgement.verdict, standing(owner, using=shot.alias)
        if seal.newer != 0:
            # A visible seal is durable. For newer rows, another one is asked for.
            ask_for_seal(shot.alias)
        yield Report(
            title=_("Continuity of numbers"),
            header=_header(scope, series, tax_id, made_at, made_by, seal),
            sentence=lazy_text(partial(_sentence, scope)),
            verdict=verdict,
            reasons=tuple(_reasons(scope, verdict, seal)),
            problems=problems(scope.periods, verdict),
            parts=tuple(_told(part, tell) for part in parts(scope)),
            further=(_told(register_part(scope), tell),),
        )


def _check(on: date | None, since: date | None, until: date | None, made_at: datetime | None) -> None:
    if made_at is not None and made_at.utcoffset() is None:
        raise InvalidDate(
            f"The time {made_at.isoformat()} has no time zone.",
            rule="A report has the moment at which it was made, with its time zone.",
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
    if not find_at_home(shot.alias, tenant, series_of(shot.alias, tenant, series).exists):
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


def _header(
    scope: Scope, series: str | None, tax_id: str, made_at: datetime | None, made_by: str, seal: Standing
) -> Header:
    read = scope.snapshot.row(sql.HEADER, {"tenant": scope.tenant, "periods": scope.ids})
    labels = {scoped.summary.period for scoped in scope.periods}
    dated = scope.since is not None or scope.until is not None
    all_of_them = _("all that touch the dates") if dated else _("all that there are")
    summaries = [scoped.summary for scoped in scope.periods]
    zones = sorted({scoped.series.time_zone for scoped in scope.periods})
    return Header(
        tenant=scope.tenant,
        name=lazy_text(partial(tenant_name, scope.tenant)),
        tax_id=tax_id or tenant_tax_id(scope.tenant),
        series=", ".join(dict.fromkeys(summary.series for summary in summaries)) if series is None else series,
        template=", ".join(dict.fromkeys(scoped.series.template for scoped in scope.periods)),
        period=labels.pop() if len(labels) == 1 else lazy_text(lambda: f"{quantity(len(summaries))}, {all_of_them}"),
        since=scope.since,
        until=scope.until,
        time_zone=shown_zone(zones[0]) if len(zones) == 1 else _("UTC; the series have several"),
        made_at=(read.now if made_at is None else made_at).astimezone(scope.zone),
        made_by=made_by,
        position=Position(
            entries=sum(summary.used + summary.flagged for summary in summaries),
            voids=sum(summary.void for summary in summaries),
            explanations=read.explanations,
            declarations=len(scope.declarations),
            findings=read.findings,
            in_progress=sum(summary.reserved + summary.free for summary in summaries),
        ),
        sealed=lazy_text(partial(str, seal)),
        system=read.place,
        login=read.login,
        owns_tables=read.owns_tables,
        version=__version__,
    )


def _sentence(scope: Scope) -> str:
    rows = [scoped.row for scoped in scope.periods]
    return numbers_told(
        valid=sum(row.issued - row.void for row in rows),
        void=sum(row.void for row in rows),
        missing=sum(row.missing for row in rows),
        to_explain=sum(row.unexplained for row in rows),
        in_progress=sum(row.in_progress for row in rows),
    )


def _reasons(scope: Scope, verdict: Verdict, seal: Standing) -> Iterator[Reason]:
    """All that the verdict rests on, the worst first, including kinds without any."""
    told = (
        (_("Lost, or not adding up"), verdict.count(State.LOST)),
        (_("Rules broken"), verdict.count(State.BROKEN)),
        (_("Differing from the books"), verdict.count(State.DIFFERS)),
        (_("Missing and not explained"), verdict.count(State.UNEXPLAINED)),
        (_("Due to be declared"), verdict.count(State.UNDECLARED)),
    )
    for title, count in told:
        yield Reason(title, lazy_text(partial(quantity, count)) if count else _("none"), not count)
    count = sum(scoped.row.out_of_order for scoped in scope.periods)
    text = lazy_text(partial(quantity, count)) if count else _("none")
    yield Reason(_("Out of order"), text, None if count else True)
    yield Reason(_("Last seal"), lazy_text(partial(str, seal)), True if seal.newer == 0 else None)


def _told(part: Part, tell: Callable[[str], None]) -> Part:
    def telling(read: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        tell(_("writing: %(part)s") % {"part": part.title})
        yield from read()

    plain = None if part.plain is None else partial(telling, part.plain)
    return replace(part, rows=partial(telling, part.rows), plain=plain)
