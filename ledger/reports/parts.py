"""The parts of the continuity report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC

from ledger.reports import report_sql as sql
from ledger.reports.declaring import declaration_due, must_declare
from ledger.reports.missing import Span, What
from ledger.reports.remote import remote_parts
from ledger.reports.rows import (
    AcknowledgedRow,
    ChangeRow,
    DeclaredGapRow,
    GapRow,
    OpenRow,
    Part,
    PeriodRow,
    RegisteredRow,
    VoidRow,
)
from ledger.reports.scope import Scope, ScopedPeriod
from ledger.unreadable import facts

_CAUSES = {
    What.LOST: "lost or tampered with: no rollback leaves such a hole",
    What.ADOPTED: "adopted as missing",
}


def parts(scope: Scope) -> tuple[Part, ...]:
    """All parts of a report, in the order in which people read them."""
    declares = any(must_declare(scoped.series) for scoped in scope.periods)
    return (
        Part(
            "summary",
            "Summary",
            "Expected is what the counter gave away, and must be what was issued, is open, and is missing; void "
            "numbers are among those issued. By the rows is the same of the whole period, from the rows alone. A "
            "period opens where its counter starts, which is compared with the closing value of the one before. The "
            "state is that of the whole period.",
            PeriodRow,
            lambda: (scoped.row for scoped in scope.periods),
            grouped=False,
        ),
        Part("voids", "Void numbers", "Numbers that were declared void.", VoidRow, lambda: _voids(scope)),
        Part(
            "gaps",
            "Missing numbers",
            "Both ends are inclusive. A missing value has no date of its own: it lies between the documents beside it, "
            "and is counted on the day of the one before it, or else of the one after it.",
            DeclaredGapRow if declares else GapRow,
            lambda: _gaps(scope, declares=declares),
        ),
        Part(
            "open",
            "Open numbers",
            "Reserved for a checkout, or free for the next one: neither issued nor missing yet.",
            OpenRow,
            lambda: _open(scope),
        ),
        *_registered_parts(scope),
        *_alarm_parts(scope),
        *remote_parts(scope),
        Part(
            "settings",
            "Changes of settings",
            "Every change of these series and periods, whatever the dates of the report, and of who may see the "
            "tenant's numbers.",
            ChangeRow,
            lambda: _changes(scope),
            grouped=False,
        ),
    )


def _changes(scope: Scope) -> Iterator[ChangeRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    zones = {scoped.summary.series: scoped.zone for scoped in scope.periods}
    series = sorted({scoped.series.pk for scoped in scope.periods})
    wanted = {"tenant": scope.tenant, "series": series, "periods": list(by_id)}
    for code, period, changed_at, actor, login, old, new in scope.snapshot.rows(sql.CHANGES_AND_ACCESS, wanted):
        yield ChangeRow(
            series=code,
            period="" if period is None else by_id[period].summary.period,
            changed_at=changed_at.astimezone(zones.get(code, UTC)),
            changed_by=actor,
            login=login,
            old=facts(old),
            new=facts(new),
        )


def _registered_parts(scope: Scope) -> Iterator[Part]:
    """The references of authorities; none for a tenant that no authority knows."""
    ((known,),) = scope.snapshot.rows(sql.ANY_REGISTERED, {"tenant": scope.tenant})
    if known:
        note = "The references under which authorities know these numbers."
        yield Part("registered", "Registered numbers", note, RegisteredRow, lambda: _registered(scope))


def _registered(scope: Scope) -> Iterator[RegisteredRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    wanted = {"tenant": scope.tenant, "periods": list(by_id), "since": scope.since, "until": scope.until}
    for period, value, number, issued_on, authority, reference, digest, registered_at, actor in scope.snapshot.rows(
        sql.REGISTERED, wanted
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
            registered_at=registered_at.astimezone(scoped.zone),
            registered_by=actor,
        )


def _voids(scope: Scope) -> Iterator[VoidRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    wanted = {"tenant": scope.tenant, "periods": list(by_id), "since": scope.since, "until": scope.until}
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
    ) in scope.snapshot.rows(sql.VOIDS, wanted):
        scoped = by_id[period]
        yield VoidRow(
            series=scoped.summary.series,
            period=scoped.summary.period,
            value=value,
            number=number,
            document=document,
            issued_on=issued_on,
            issued_at=issued_at.astimezone(scoped.zone),
            voided_at=voided_at.astimezone(scoped.zone),
            voided_by=actor,
            reason=reason,
            replacement=replacement,
        )


def _gaps(scope: Scope, *, declares: bool) -> Iterator[GapRow]:
    for scoped in scope.periods:
        for span in scope.spans(scoped):
            if not span.what.is_open:
                row = _gap(scoped, span)
                yield _with_declaration(scoped, span, row) if declares else row


def _gap(scoped: ScopedPeriod, span: Span) -> GapRow:
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
        cause=_CAUSES.get(span.what) or str(evidence.get("cause", "not stated")),
        known_since=scoped.local(item.since) if item else None,
        evidence=evidence,
        explanation=item.explanation if item else "",
        explained_by=item.explained_by if item else "",
        explained_at=scoped.local(item.explained_at) if item else None,
    )


def _with_declaration(scoped: ScopedPeriod, span: Span, row: GapRow) -> DeclaredGapRow:
    told = {field.name: getattr(row, field.name) for field in fields(GapRow)}
    known = None if row.known_since is None else row.known_since.date()
    broke_on = (span.item and span.item.asked_for) or row.after_on or known
    return DeclaredGapRow(**told, declaration_due=declaration_due(scoped.series, broke_on))


def _open(scope: Scope) -> Iterator[OpenRow]:
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        for span in scope.spans(scoped) if scoped.row.open else ():
            if span.item is not None and span.what.is_open:
                yield OpenRow(
                    series=scoped.summary.series,
                    period=scoped.summary.period,
                    value=span.first,
                    number=numbers.shown(span.first, span.item.asked_for),
                    state=span.what.value,
                    since=scoped.local(span.item.since),
                    document=span.item.document,
                    asked_by=span.item.actor,
                    asked_for=span.item.asked_for,
                )


def _alarm_parts(scope: Scope) -> Iterator[Part]:
    rows = list(_acknowledged(scope))
    if rows:
        yield Part(
            "acknowledged",
            "Acknowledged alarms",
            "What breaks a rule of the ledger and can't be mended; it may stand, for the reason given.",
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
        zone = UTC if scoped is None else scoped.zone
        yield AcknowledgedRow(
            series=series,
            period="" if scoped is None else scoped.summary.period,
            number=number,
            alarm=alarm,
            problem=problem,
            raised_at=raised_at.astimezone(zone),
            reason=reason,
            acknowledged_by=actor,
            acknowledged_at=at.astimezone(zone),
        )
