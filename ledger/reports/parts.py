"""The parts of the continuity report."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from ledger.errors import InvalidCalendar, InvalidSeries
from ledger.models import FindingKind, RangeLapsed, Series
from ledger.reconciliation.findings import told_there
from ledger.reports import report_sql as sql
from ledger.reports import rows
from ledger.reports.missing import Span, What
from ledger.reports.rows import Part
from ledger.reports.scope import Scope, ScopedPeriod
from ledger.rules.base import Gaps
from ledger.unreadable import day_or_none, facts
from ledger.words import lazily as _
from ledger.words import marked
from ledger.zones import shown_zone, today_in

_R = TypeVar("_R", bound=rows.Row)

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
            rows.PeriodRow,
            lambda: (scoped.row for scoped in scope.periods),
            grouped=False,
        ),
        Part("voids", _("Void numbers"), _("Numbers that were declared void."), rows.VoidRow, lambda: _voids(scope)),
        Part(
            "gaps",
            _("Missing numbers"),
            _(
                "Both ends are inclusive. A missing value has no date of its own: it lies between the documents beside "
                "it, and is counted on the day of the one before it, or else of the one after it."
            ),
            rows.DeclaredGapRow if declares else rows.GapRow,
            lambda: _gaps(scope, declares=declares),
        ),
        *_declaration_parts(scope),
        Part(
            "in_progress",
            _("Numbers in progress"),
            _("Reserved for a checkout, or free for the next one: neither issued nor missing yet."),
            rows.InProgressRow,
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
            rows.DatingRow,
            lambda: _dating(scope),
        ),
        *_range_parts(scope),
        *_registered_parts(scope),
        *_alarm_parts(scope),
        *_remote_parts(scope),
        Part(
            "series",
            _("Series"),
            _("The settings as they are; the next part tells what they were."),
            rows.SeriesRow,
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
            rows.ChangeRow,
            lambda: _changes(scope),
            grouped=False,
        ),
    )


def _series(scope: Scope) -> Iterator[rows.SeriesRow]:
    for series in {scoped.series.pk: scoped.series for scoped in scope.periods}.values():
        yield rows.SeriesRow(
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
    """Declarations to authorities; no part without any."""
    if scope.declarations:
        yield Part(
            "declarations",
            _("Declarations"),
            _("Missing numbers that were declared to an authority, under its reference. Both ends are inclusive."),
            rows.DeclarationRow,
            lambda: _declarations(scope),
        )


def _declarations(scope: Scope) -> Iterator[rows.DeclarationRow]:
    everything = scope.since is None and scope.until is None
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        here = [one for one in scope.declarations if one.period == scoped.period.pk]
        if here and not everything:
            touched = {one for span in scope.spans(scoped) for one in scope.declared_here(scoped, span)}
            here = [one for one in here if one in touched]
        for one in here:
            yield rows.DeclarationRow(
                **scoped.place,
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
    """Numbers out of order and duplicates; no part without any."""
    if any(scoped.row.out_of_order for scoped in scope.periods):
        yield Part(
            "out_of_order",
            _("Out of order"),
            _("Documents dated before the one with the next lower value."),
            rows.OutOfOrderRow,
            partial(_plain, scope, sql.OUT_OF_ORDER, rows.OutOfOrderRow, by_index=True),
        )
    if any(scoped.row.duplicates for scoped in scope.periods):
        yield Part(
            "duplicates",
            _("Values that come twice"),
            _("Each value has one entry; these have more, which only a lost unique index lets happen."),
            rows.DuplicateRow,
            partial(_plain, scope, sql.DUPLICATES, rows.DuplicateRow, by_index=True),
        )


def _dating(scope: Scope) -> Iterator[rows.DatingRow]:
    names = {scoped.series.time_zone for scoped in scope.periods}
    known = {name: _known_zone(name, scope.snapshot.alias) for name in names}
    zones = [known[scoped.series.time_zone] for scoped in scope.periods]
    return _plain(scope, sql.DATING, rows.DatingRow, by_index=True, zones=zones)


def _known_zone(name: str, alias: str) -> str:
    try:
        today_in(name, alias)
    except InvalidCalendar:
        return "UTC"
    return name


def _changes(scope: Scope) -> Iterator[rows.ChangeRow]:
    series = sorted({scoped.series.pk for scoped in scope.periods})
    for told in scope.told(rows.ChangeRow, sql.CHANGES_AND_ACCESS, series=series):
        yield rows.ChangeRow(**told | {"old": facts(told["old"]), "new": facts(told["new"])})


def _plain(scope: Scope, statement: str, row: type[_R], **more: Any) -> Iterator[_R]:
    """The rows of a statement as they are; the other arguments are those of ``Scope.told``."""
    return (row(**told) for told in scope.told(row, statement, **more))


def _registered_parts(scope: Scope) -> Iterator[Part]:
    """References of authorities; no part for a tenant without any."""
    ((known,),) = scope.snapshot.rows(sql.ANY_REGISTERED, {"tenant": scope.tenant})
    if known:
        note = _("The references under which authorities know these numbers.")
        read = partial(_plain, scope, sql.REGISTERED, rows.RegisteredRow)
        yield Part("registered", _("Registered numbers"), note, rows.RegisteredRow, read)


def _voids(scope: Scope) -> Iterator[rows.VoidRow]:
    return _plain(scope, sql.VOIDS, rows.VoidRow) if any(scoped.row.void for scoped in scope.periods) else iter(())


def _gaps(scope: Scope, *, declares: bool) -> Iterator[rows.GapRow]:
    for scoped in scope.periods:
        for span in scope.spans(scoped):
            if not span.what.is_in_progress:
                row = _gap(scope, scoped, span)
                yield _with_declaration(scoped, span, row) if declares else row


def _gap(scope: Scope, scoped: ScopedPeriod, span: Span) -> rows.GapRow:
    numbers, item = scoped.period.as_format(), span.known
    before, after = span.island.before, span.island.after
    return rows.GapRow(
        **scoped.place,
        start=span.first,
        end=span.last,
        count=span.count,
        start_number=numbers.shown(span.first, item.asked_for),
        end_number=numbers.shown(span.last, item.asked_for),
        before_number=before.number if before else None,
        before_on=before.issued_on if before else None,
        after_number=after.number if after else None,
        after_on=after.issued_on if after else None,
        cause=_CAUSES.get(span.what) or str(item.evidence.get("cause", marked("not stated"))),
        known_since=scope.local(item.since),
        evidence=dict(item.evidence),
        explanation=item.explanation,
        explained_by=item.explained_by,
        explained_at=scope.local(item.explained_at),
        declared=scope.declared(scoped, span),
    )


def _with_declaration(scoped: ScopedPeriod, span: Span, row: rows.GapRow) -> rows.DeclaredGapRow:
    told = {field.name: getattr(row, field.name) for field in fields(rows.GapRow)}
    known = None if row.known_since is None else row.known_since.date()
    broke_on = span.known.asked_for or row.after_on or known
    return rows.DeclaredGapRow(**told, declaration_due=declaration_due(scoped.series, broke_on))


def _in_progress(scope: Scope) -> Iterator[rows.InProgressRow]:
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        for span in scope.spans(scoped) if scoped.row.in_progress else ():
            if span.item is not None and span.what.is_in_progress:
                yield rows.InProgressRow(
                    **scoped.place,
                    value=span.first,
                    number=numbers.shown(span.first, span.item.asked_for),
                    state=span.what.value,
                    since=scope.local(span.item.since),
                    document=span.item.document,
                    asked_by=span.item.actor,
                    asked_for=span.item.asked_for,
                )


def _alarm_parts(scope: Scope) -> Iterator[Part]:
    found = list(_acknowledged(scope))
    if found:
        yield Part(
            "acknowledged",
            _("Acknowledged alarms"),
            _("What breaks a rule of the ledger and can't be mended; it may stand, for the reason given."),
            rows.AcknowledgedRow,
            lambda: iter(found),
            grouped=False,
        )


def _acknowledged(scope: Scope) -> Iterator[rows.AcknowledgedRow]:
    places = {(scoped.summary.series, scoped.summary.starts_on): scoped for scoped in scope.periods}
    codes = {code for code, _ in places}
    for found in scope.snapshot.rows(sql.ACKNOWLEDGED, {"tenant": scope.tenant}):
        scoped = places.get((found.series, found.starts_on))
        if (found.series and found.series not in codes) or (found.starts_on is not None and scoped is None):
            continue
        told = found._asdict() | {"period": "" if scoped is None else scoped.summary.period}
        del told["starts_on"]
        told |= {name: scope.local(told[name]) for name in ("raised_at", "acknowledged_at")}
        yield rows.AcknowledgedRow(**told)


def _range_parts(scope: Scope) -> Iterator[Part]:
    """No part for a tenant without authorised ranges."""
    if any(scoped.period.ordinal for scoped in scope.periods):
        note = _(
            "Values and days are inclusive. The unused end of a range lapses when it expires, and bears no document."
        )
        yield Part(
            "authorisations", _("Authorised ranges"), note, rows.AuthorisationRow, lambda: _ranges(scope), grouped=False
        )


def _ranges(scope: Scope) -> Iterator[rows.AuthorisationRow]:
    alias, known = scope.snapshot.alias, scope.ranges()
    its_own = {"tenant": scope.tenant, "authorised__in": [one.pk for one in known.values()]}
    lapses = {one.authorised_id: one for one in RangeLapsed.objects.using(alias).filter(**its_own)}
    for scoped in scope.periods:
        granted = known.get(scoped.period.pk)
        if granted is None:
            continue
        lapsed = lapses.get(granted.pk)
        yield rows.AuthorisationRow(
            **scoped.place,
            **{name: getattr(granted, name) for name in _OF_RANGE},
            **(_lapse(scope, lapsed, granted.period_id) if lapsed else _NO_LAPSE),
            first=granted.first_value,
            last=granted.last_value,
            used=max(scoped.summary.expected, 0),
            authorised_at=granted.authorised_at.astimezone(scope.zone),
            authorised_by=granted.actor,
        )


_OF_RANGE = ("authority", "reference", "document_type", "prefix", "valid_from", "valid_to", "document")
_NO_LAPSE: dict[str, Any] = {"lapsed_first": None, "lapsed_last": None, "lapsed_at": None, "declared": ""}


def _lapse(scope: Scope, lapsed: RangeLapsed, period: int) -> dict[str, Any]:
    first, last = lapsed.first_value, lapsed.last_value
    here = (one for one in scope.declarations if one.period == period and one.first <= last and one.last >= first)
    declared = ", ".join(f"{one.authority} {one.reference}" for one in here)
    return {
        "lapsed_first": first,
        "lapsed_last": last,
        "lapsed_at": scope.local(lapsed.lapsed_at),
        "declared": declared,
    }


def _remote_parts(scope: Scope) -> Iterator[Part]:
    """Open findings; and confirmed numbers, unless no accounting system was read of the tenant."""
    systems = dict(scope.snapshot.rows(sql.SYSTEMS, {"tenant": scope.tenant}))
    if not systems and next(_findings(scope), None) is None:
        return
    yield Part(
        "findings",
        _("Differences in the books"),
        _(
            "What the last comparison saw and is not over; one that was acknowledged may stand, for the reason given. "
            "A number whose document is gone from the project's own tables is told here too."
        ),
        rows.FindingRow,
        lambda: _findings(scope),
        grouped=False,
    )
    if not systems:
        return
    yield Part(
        "confirmed",
        _("Confirmed by the books"),
        _("Numbers that the system knows as the ledger does: posted there and valid here, or void on both sides."),
        rows.ConfirmedRow,
        lambda: _confirmed(scope, systems),
        grouped=False,
    )


def _findings(scope: Scope) -> Iterator[rows.FindingRow]:
    kinds = dict(FindingKind.choices)
    for told in scope.told(rows.FindingRow, sql.FINDINGS):
        told["facts"] = facts(told["facts"])
        told["finding"] = kinds.get(told["finding"], told["finding"])
        yield rows.FindingRow(**told, there=told_there(told["facts"]))


def _confirmed(scope: Scope, systems: Mapping[str, datetime | None]) -> Iterator[rows.ConfirmedRow]:
    found = scope.snapshot.rows(sql.CONFIRMED, scope.wanted)
    counts = {(period, system): count for period, system, count in found}
    for scoped in scope.periods:
        for system, compared_at in sorted(systems.items()):
            if scoped.row.issued:
                yield rows.ConfirmedRow(
                    **scoped.place,
                    system=system,
                    confirmed=counts.get((scoped.period.pk, system), 0),
                    used=scoped.row.issued,
                    compared_at=scope.local(compared_at),
                )


def must_declare(series: Series) -> bool:
    """Whether the series' rules know a day by which a missing number is declared."""
    return bool(_policies(series))


def declaration_due(series: Series, broke_on: date | None) -> date | None:
    """The last day to declare a number if the sequence broke on ``broke_on``; None where nobody asks, or none is known.

    It broke on the day of the missing number itself, where that was reserved; else on that of the next higher number.
    """
    day = day_or_none(broke_on)
    if day is None:
        return None
    return min((due for gaps in _policies(series) if (due := gaps.due(day)) is not None), default=None)


def _policies(series: Series) -> list[Gaps]:
    try:
        sets = series.rule_sets()
    except InvalidSeries:
        return []  # of another version of Folio; ledger_rules reports it
    return [rules.gaps for rules in sets if rules.gaps is not None and rules.gaps.due_day is not None]
