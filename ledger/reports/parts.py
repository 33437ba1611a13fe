"""The parts of the continuity report."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, TypeVar

from ledger.errors import InvalidCalendar
from ledger.reports import report_sql as sql
from ledger.reports.declaring import declaration_due, must_declare
from ledger.reports.missing import Span, What
from ledger.reports.ranges import range_parts
from ledger.reports.remote import remote_parts
from ledger.reports.rows import (
    AcknowledgedRow,
    ChangeRow,
    DatingRow,
    DeclarationRow,
    DeclaredGapRow,
    DuplicateRow,
    GapRow,
    InProgressRow,
    OutOfOrderRow,
    Part,
    PeriodRow,
    RegisteredRow,
    Row,
    SeriesRow,
    VoidRow,
)
from ledger.reports.scope import Scope, ScopedPeriod
from ledger.unreadable import facts
from ledger.words import lazily as _
from ledger.words import marked
from ledger.zones import shown_zone, today_in

_CAUSES = {
    What.LOST: marked("lost or tampered with: no rollback leaves such a hole"),
    What.ADOPTED: marked("adopted as missing"),
}


def parts(scope: Scope) -> tuple[Part, ...]:
    """All parts of a report, in the order in which people read them."""
    declares = any(must_declare(scoped.series) for scoped in scope.periods)
    return (
        Part(
            "summary",
            _("Summary"),
            _(
                "Expected is what the counter gave away, and must be what was issued, is in progress, and is missing; "
                "void numbers are among those issued. By the rows is the same of the whole period, from the rows "
                "alone. A period opens where its counter starts, which is compared with the closing value of the one "
                "before. The state is that of the whole period."
            ),
            PeriodRow,
            lambda: (scoped.row for scoped in scope.periods),
            grouped=False,
        ),
        Part("voids", _("Void numbers"), _("Numbers that were declared void."), VoidRow, lambda: _voids(scope)),
        Part(
            "gaps",
            _("Missing numbers"),
            _(
                "Both ends are inclusive. A missing value has no date of its own: it lies between the documents beside "
                "it, and is counted on the day of the one before it, or else of the one after it."
            ),
            DeclaredGapRow if declares else GapRow,
            lambda: _gaps(scope, declares=declares),
        ),
        *_declaration_parts(scope),
        Part(
            "in_progress",
            _("Numbers in progress"),
            _("Reserved for a checkout, or free for the next one: neither issued nor missing yet."),
            InProgressRow,
            lambda: _in_progress(scope),
        ),
        *_order_parts(scope),
        Part(
            "dating",
            _("Back-dated and post-dated"),
            _(
                "Documents whose business date is not the day on which the number was given out, in the time zone of "
                "the series. Fewer days than none: back-dated."
            ),
            DatingRow,
            lambda: _dating(scope),
        ),
        *range_parts(scope),
        *_registered_parts(scope),
        *_alarm_parts(scope),
        *remote_parts(scope),
        Part(
            "series",
            _("Series"),
            _("The settings as they are; the next part tells what they were."),
            SeriesRow,
            lambda: _series(scope),
            grouped=False,
        ),
        Part(
            "settings",
            _("Changes of settings"),
            _(
                "Every change of these series and periods, whatever the dates of the report, and of who may see the "
                "tenant's numbers."
            ),
            ChangeRow,
            lambda: _changes(scope),
            grouped=False,
        ),
    )


def _series(scope: Scope) -> Iterator[SeriesRow]:
    for series in {scoped.series.pk: scoped.series for scoped in scope.periods}.values():
        yield SeriesRow(
            series=series.code,
            template=series.template,
            calendar=series.calendar,
            time_zone=shown_zone(series.time_zone),
            allocation=series.allocation,
            rules=series.rules,
            chronological=marked("on") if series.chronological else marked("off"),
            max_days_ahead=series.max_days_ahead,
            active=marked("yes") if series.is_active else marked("no"),
        )


def _declaration_parts(scope: Scope) -> Iterator[Part]:
    """What was declared to authorities; none where nothing was."""
    if scope.declarations:
        yield Part(
            "declarations",
            _("Declarations"),
            _("Missing numbers that were declared to an authority, under its reference. Both ends are inclusive."),
            DeclarationRow,
            lambda: _declarations(scope),
        )


def _declarations(scope: Scope) -> Iterator[DeclarationRow]:
    everything = scope.since is None and scope.until is None
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        here = [one for one in scope.declarations if one.period == scoped.period.pk]
        if here and not everything:
            touched = {one for span in scope.spans(scoped) for one in scope.declared_here(scoped, span)}
            here = [one for one in here if one in touched]
        for one in here:
            yield DeclarationRow(
                series=scoped.summary.series,
                period=scoped.summary.period,
                start=one.first,
                end=one.last,
                start_number=numbers.shown(one.first),
                end_number=numbers.shown(one.last),
                authority=one.authority,
                reference=one.reference,
                justification=one.justification,
                declared_by=one.actor,
                declared_at=one.declared_at.astimezone(scope.zone),
            )


def _order_parts(scope: Scope) -> Iterator[Part]:
    """What comes out of order, and what comes twice; none where nothing does."""
    if any(scoped.row.out_of_order for scoped in scope.periods):
        yield Part(
            "out_of_order",
            _("Out of order"),
            _("Documents dated before the one with the next lower value."),
            OutOfOrderRow,
            lambda: _placed(scope, sql.OUT_OF_ORDER, OutOfOrderRow),
        )
    if any(scoped.row.duplicates for scoped in scope.periods):
        yield Part(
            "duplicates",
            _("Values that come twice"),
            _("Each value has one entry; these have more, which only a lost unique index lets happen."),
            DuplicateRow,
            lambda: _placed(scope, sql.DUPLICATES, DuplicateRow),
        )


def _dating(scope: Scope) -> Iterator[DatingRow]:
    names = {scoped.series.time_zone for scoped in scope.periods}
    known = {name: _known_zone(name, scope.snapshot.alias) for name in names}
    zones = [known[scoped.series.time_zone] for scoped in scope.periods]
    return _placed(scope, sql.DATING, DatingRow, zones=zones)


def _known_zone(name: str, alias: str) -> str:
    try:
        today_in(name, alias)
    except InvalidCalendar:
        return "UTC"
    return name


_R = TypeVar("_R", bound=Row)


def _placed(scope: Scope, statement: str, row: type[_R], **more: Any) -> Iterator[_R]:
    """Rows of a statement that has the period's id and then the columns, from the third one on."""
    by_id = {scoped.period.pk: scoped.summary for scoped in scope.periods}
    names = [field.name for field in fields(row)][2:]
    for period, *cells in scope.snapshot.rows(statement, {**scope.wanted, **more}, by_index=True):
        told = dict(zip(names, cells, strict=True))
        told["issued_at"] = told["issued_at"].astimezone(scope.zone)
        yield row(series=by_id[period].series, period=by_id[period].period, **told)


def _changes(scope: Scope) -> Iterator[ChangeRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    series = sorted({scoped.series.pk for scoped in scope.periods})
    wanted = {"tenant": scope.tenant, "series": series, "periods": list(by_id)}
    for code, period, changed_at, actor, login, old, new in scope.snapshot.rows(sql.CHANGES_AND_ACCESS, wanted):
        yield ChangeRow(
            series=code,
            period="" if period is None else by_id[period].summary.period,
            changed_at=changed_at.astimezone(scope.zone),
            changed_by=actor,
            login=login,
            old=facts(old),
            new=facts(new),
        )


def _registered_parts(scope: Scope) -> Iterator[Part]:
    """The references of authorities; none for a tenant that no authority knows."""
    ((known,),) = scope.snapshot.rows(sql.ANY_REGISTERED, {"tenant": scope.tenant})
    if known:
        note = _("The references under which authorities know these numbers.")
        yield Part("registered", _("Registered numbers"), note, RegisteredRow, lambda: _registered(scope))


def _registered(scope: Scope) -> Iterator[RegisteredRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    for period, value, number, issued_on, authority, reference, digest, registered_at, actor in scope.snapshot.rows(
        sql.REGISTERED, scope.wanted
    ):
        scoped = by_id[period]
        yield RegisteredRow(
            series=scoped.summary.series,
            period=scoped.summary.period,
            value=value,
            number=number,
            issued_on=issued_on,
            authority=authority,
            reference=reference,
            digest=digest,
            registered_at=registered_at.astimezone(scope.zone),
            registered_by=actor,
        )


def _voids(scope: Scope) -> Iterator[VoidRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    if not any(scoped.row.void for scoped in scope.periods):
        return
    for (
        period,
        value,
        number,
        document,
        issued_on,
        issued_at,
        voided_at,
        actor,
        reason,
        replacement,
    ) in scope.snapshot.rows(sql.VOIDS, scope.wanted):
        scoped = by_id[period]
        yield VoidRow(
            series=scoped.summary.series,
            period=scoped.summary.period,
            value=value,
            number=number,
            document=document,
            issued_on=issued_on,
            issued_at=issued_at.astimezone(scope.zone),
            voided_at=voided_at.astimezone(scope.zone),
            voided_by=actor,
            reason=reason,
            replacement=replacement,
        )


def _gaps(scope: Scope, *, declares: bool) -> Iterator[GapRow]:
    for scoped in scope.periods:
        for span in scope.spans(scoped):
            if not span.what.is_in_progress:
                row = _gap(scope, scoped, span)
                yield _with_declaration(scoped, span, row) if declares else row


def _gap(scope: Scope, scoped: ScopedPeriod, span: Span) -> GapRow:
    numbers, item = scoped.period.as_format(), span.item
    before, after = span.island.before, span.island.after
    asked_for = None if item is None else item.asked_for
    evidence = dict(item.evidence) if item else {}
    return GapRow(
        series=scoped.summary.series,
        period=scoped.summary.period,
        start=span.first,
        end=span.last,
        count=span.count,
        start_number=numbers.shown(span.first, asked_for),
        end_number=numbers.shown(span.last, asked_for),
        before_number=before.number if before else None,
        before_on=before.issued_on if before else None,
        after_number=after.number if after else None,
        after_on=after.issued_on if after else None,
        cause=_CAUSES.get(span.what) or str(evidence.get("cause", marked("not stated"))),
        known_since=scope.local(item.since) if item else None,
        evidence=evidence,
        explanation=item.explanation if item else "",
        explained_by=item.explained_by if item else "",
        explained_at=scope.local(item.explained_at) if item else None,
        declared=scope.declared(scoped, span),
    )


def _with_declaration(scoped: ScopedPeriod, span: Span, row: GapRow) -> DeclaredGapRow:
    told = {field.name: getattr(row, field.name) for field in fields(GapRow)}
    known = None if row.known_since is None else row.known_since.date()
    broke_on = (span.item and span.item.asked_for) or row.after_on or known
    return DeclaredGapRow(**told, declaration_due=declaration_due(scoped.series, broke_on))


def _in_progress(scope: Scope) -> Iterator[InProgressRow]:
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        for span in scope.spans(scoped) if scoped.row.in_progress else ():
            if span.item is not None and span.what.is_in_progress:
                yield InProgressRow(
                    series=scoped.summary.series,
                    period=scoped.summary.period,
                    value=span.first,
                    number=numbers.shown(span.first, span.item.asked_for),
                    state=span.what.value,
                    since=scope.local(span.item.since),
                    document=span.item.document,
                    asked_by=span.item.actor,
                    asked_for=span.item.asked_for,
                )


def _alarm_parts(scope: Scope) -> Iterator[Part]:
    rows = list(_acknowledged(scope))
    if rows:
        yield Part(
            "acknowledged",
            _("Acknowledged alarms"),
            _("What breaks a rule of the ledger and can't be mended; it may stand, for the reason given."),
            AcknowledgedRow,
            lambda: iter(rows),
            grouped=False,
        )


def _acknowledged(scope: Scope) -> Iterator[AcknowledgedRow]:
    places = {(scoped.summary.series, scoped.summary.starts_on): scoped for scoped in scope.periods}
    codes = {code for code, _ in places}
    for series, starts_on, alarm, problem, number, raised_at, reason, actor, at in scope.snapshot.rows(
        sql.ACKNOWLEDGED, {"tenant": scope.tenant}
    ):
        scoped = places.get((series, starts_on))
        if (series and series not in codes) or (starts_on is not None and scoped is None):
            continue
        yield AcknowledgedRow(
            series=series,
            period="" if scoped is None else scoped.summary.period,
            number=number,
            alarm=alarm,
            problem=problem,
            raised_at=raised_at.astimezone(scope.zone),
            reason=reason,
            acknowledged_by=actor,
            acknowledged_at=at.astimezone(scope.zone),
        )
