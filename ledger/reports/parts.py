"""The parts of the continuity report."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from ledger.errors import InvalidCalendar, InvalidSeries
from ledger.localization import lazily as _, to_translate
from ledger.models import AlarmRaised, FindingKind, NumberRegistered, RangeLapsed, Series
from ledger.reconciliation.findings import told_there
from ledger.reports import report_sql as sql, rows
from ledger.reports.missing import Span, What
from ledger.reports.rows import Part
from ledger.reports.scope import Scope, ScopedPeriod
from ledger.rules.base import Gaps
from ledger.unreadable import day_or_none, facts
from ledger.verification.alarms import with_state
from ledger.zones import shown_zone, today_in

_R = TypeVar("_R", bound=rows.Row)

_CAUSES = {
    What.LOST: to_translate("lost or tampered with: no rollback leaves such a hole"),
    What.ADOPTED: to_translate("adopted as missing"),
}


def parts(scope: Scope) -> Iterator[Part]:
    """All parts of a report, in the order in which people read them; some are left out if they are empty."""
    periods = scope.periods
    note = _(
        "Expected: how many values the counter gave out. That must equal issued, in progress and missing together; "
        "void numbers are among those issued. By the rows: the same count for the whole period, from the rows alone. "
        "The opening value, where the counter starts, is compared with the closing value of the period before. The "
        "state is that of the whole period."
    )
    yield Part("summary", _("Summary"), note, rows.PeriodRow, lambda: (one.row for one in periods), grouped=False)
    note = _("Numbers that were declared void.")
    yield Part("voids", _("Void numbers"), note, rows.VoidRow, lambda: _voids(scope))
    note = _(
        "Both ends are inclusive. A missing value has no date of its own: it lies between the documents beside "
        "it, and is counted on the day of the one before it, or else of the one after it."
    )
    declares = any(_policies(one.series) for one in periods)
    row = rows.DeclaredGapRow if declares else rows.GapRow
    yield Part("gaps", _("Missing numbers"), note, row, lambda: _gaps(scope, declares=declares))
    if scope.declarations:
        note = _("Missing numbers that were declared to an authority, under its reference. Both ends are inclusive.")
        yield Part("declarations", _("Declarations"), note, rows.DeclarationRow, lambda: _declarations(scope))
    note = _("Reserved for a checkout, or free for the next one: neither issued nor missing yet.")
    yield Part("in_progress", _("Numbers in progress"), note, rows.InProgressRow, lambda: _in_progress(scope))
    if any(one.row.out_of_order for one in periods):
        note = _("Documents dated before the one with the next lower value.")
        read = partial(_plain, scope, sql.OUT_OF_ORDER, rows.OutOfOrderRow, by_index=True)
        yield Part("out_of_order", _("Out of order"), note, rows.OutOfOrderRow, read)
    if any(one.row.duplicates for one in periods):
        note = _("Each value has one entry. These have more, which is possible only without the unique index.")
        repeated = partial(_plain, scope, sql.DUPLICATES, rows.DuplicateRow, by_index=True)
        yield Part("duplicates", _("Values that come twice"), note, rows.DuplicateRow, repeated)
    note = _(
        "Documents whose business date is not the day on which the number was given out, in the time zone of "
        "the series. A negative number of days means back-dated."
    )
    yield Part("dating", _("Back-dated and post-dated"), note, rows.DatingRow, lambda: _dating(scope))
    yield from _parts_of_others(scope)
    note = _("The settings as they are now; the next part shows earlier ones.")
    yield Part("series", _("Series"), note, rows.SeriesRow, lambda: _series(scope), grouped=False)
    note = _(
        "Every change of these series and periods, whatever the dates of the report, and of who may see the "
        "tenant's numbers."
    )
    yield Part("settings", _("Changes of settings"), note, rows.ChangeRow, lambda: _changes(scope), grouped=False)


def _parts_of_others(scope: Scope) -> Iterator[Part]:
    """What authorities, people and accounting systems say about the numbers; empty parts are left out."""
    if any(one.period.ordinal for one in scope.periods):
        note = _(
            "Values and days are inclusive. The unused end of a range lapses when it expires, and has no document."
        )
        title, read = _("Authorised ranges"), partial(_ranges, scope)
        yield Part("authorisations", title, note, rows.AuthorisationRow, read, grouped=False)
    if NumberRegistered.objects.using(scope.snapshot.alias).filter(tenant=scope.tenant).exists():
        note = _("The references under which authorities know these numbers.")
        registered = partial(_plain, scope, sql.REGISTERED, rows.RegisteredRow)
        yield Part("registered", _("Registered numbers"), note, rows.RegisteredRow, registered)
    if found := list(_acknowledged(scope)):
        title = _("Acknowledged alarms")
        note = _("Broken rules of the ledger that can't be mended. They may stay, for the reasons given.")
        yield Part("acknowledged", title, note, rows.AcknowledgedRow, lambda: iter(found), grouped=False)
    systems = dict(scope.snapshot.rows(sql.SYSTEMS, {"tenant": scope.tenant}))
    if systems or next(_findings(scope), None) is not None:
        title = _("Differences in the books")
        note = _(
            "Differences that the last comparison found and that still exist. An acknowledged one may stay, for the "
            "reason given. Numbers whose documents are gone from the project's own tables are listed too."
        )
        yield Part("findings", title, note, rows.FindingRow, lambda: _findings(scope), grouped=False)
    if systems:
        title = _("Confirmed by the books")
        note = _(
            "Numbers that the system knows as the ledger does: posted there and valid here, or void on both sides."
        )
        yield Part("confirmed", title, note, rows.ConfirmedRow, lambda: _confirmed(scope, systems), grouped=False)


def _series(scope: Scope) -> Iterator[rows.SeriesRow]:
    for series in {scoped.series.pk: scoped.series for scoped in scope.periods}.values():
        yield rows.SeriesRow(
            series=series.code,
            template=series.template,
            calendar=series.calendar,
            time_zone=shown_zone(series.time_zone),
            allocation=series.allocation,
            rules=series.rules,
            chronological=to_translate("on") if series.chronological else to_translate("off"),
            max_days_ahead=series.max_days_ahead,
            active=to_translate("yes") if series.is_active else to_translate("no"),
        )


def _declarations(scope: Scope) -> Iterator[rows.DeclarationRow]:
    everything = scope.since is None and scope.until is None
    for scoped in scope.periods:
        numbers = scoped.period.as_format()
        pk = scoped.period.pk
        here = [one for one in scope.declarations if one.period_id == pk]
        if here and not everything:
            touched = {one for span in scope.spans(scoped) for one in scope.declared_here(pk, span.first, span.last)}
            here = [one for one in here if one in touched]
        for one in here:
            yield rows.DeclarationRow(
                **scoped.place,
                start=one.first_value,
                end=one.last_value,
                start_number=numbers.shown(one.first_value),
                end_number=numbers.shown(one.last_value),
                authority=one.authority,
                reference=one.reference,
                justification=one.justification,
                declared_by=one.actor,
                declared_at=one.declared_at.astimezone(scope.zone),
            )


def _dating(scope: Scope) -> Iterator[rows.DatingRow]:
    known = {name: name for name in {scoped.series.time_zone for scoped in scope.periods}}
    for name in list(known):
        try:
            today_in(name, scope.snapshot.alias)
        except InvalidCalendar:
            known[name] = "UTC"
    zones = [known[scoped.series.time_zone] for scoped in scope.periods]
    return _plain(scope, sql.DATING, rows.DatingRow, by_index=True, zones=zones)


def _changes(scope: Scope) -> Iterator[rows.ChangeRow]:
    series = sorted({scoped.series.pk for scoped in scope.periods})
    for told in scope.told(rows.ChangeRow, sql.CHANGES_AND_ACCESS, series=series):
        yield rows.ChangeRow(**told | {"old": facts(told["old"]), "new": facts(told["new"])})


def _plain(scope: Scope, statement: str, row: type[_R], **more: Any) -> Iterator[_R]:
    """The rows of a statement as they are; the other arguments are those of ``Scope.told``."""
    return (row(**told) for told in scope.told(row, statement, **more))


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
        cause=_CAUSES.get(span.what) or str(item.evidence.get("cause", to_translate("not stated"))),
        known_since=scope.local(item.since),
        evidence=dict(item.evidence),
        explanation=item.explanation,
        explained_by=item.explained_by,
        explained_at=scope.local(item.explained_at),
        declared=scope.declared(scoped.period.pk, span.first, span.last),
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


def _acknowledged(scope: Scope) -> Iterator[rows.AcknowledgedRow]:
    places = {(scoped.summary.series, scoped.summary.starts_on): scoped for scoped in scope.periods}
    codes = {code for code, _ in places}
    known = with_state(AlarmRaised.objects.using(scope.snapshot.alias).filter(tenant=scope.tenant))
    for found in known.filter(resolved_at=None).exclude(reason=None).order_by("pk"):
        scoped = places.get((found.series, found.starts_on))
        if (found.series and found.series not in codes) or (found.starts_on is not None and scoped is None):
            continue
        yield rows.AcknowledgedRow(
            series=found.series,
            period="" if scoped is None else scoped.summary.period,
            number=found.number,
            alarm=found.kind,
            problem=found.problem,
            raised_at=found.raised_at.astimezone(scope.zone),
            reason=found.reason,
            acknowledged_by=found.acknowledged_by,
            acknowledged_at=found.acknowledged_at.astimezone(scope.zone),
        )


def _ranges(scope: Scope) -> Iterator[rows.AuthorisationRow]:
    alias, known = scope.snapshot.alias, scope.ranges()
    found = RangeLapsed.objects.using(alias).filter(tenant=scope.tenant, authorised__in=known.values())
    lapses = {one.authorised_id: one for one in found}
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
    ends = {"lapsed_first": lapsed.first_value, "lapsed_last": lapsed.last_value}
    declared = scope.declared(period, *ends.values())
    return {**ends, "lapsed_at": scope.local(lapsed.lapsed_at), "declared": declared}


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


def declaration_due(series: Series, broke_on: date | None) -> date | None:
    """The last day to declare a number if the sequence broke on ``broke_on``; None if nobody asks for it.

    It broke on the day of the missing number if that was reserved, else on the day of the next higher number.
    """
    day = day_or_none(broke_on)
    if day is None:
        return None
    return min((due for gaps in _policies(series) if (due := gaps.due(day)) is not None), default=None)


def _policies(series: Series) -> list[Gaps]:
    """The rules of the series that name a day by which a missing number must be declared."""
    try:
        sets = series.rule_sets()
    except InvalidSeries:
        return []  # another version of Folio wrote the rules; ledger_rules reports it
    return [rules.gaps for rules in sets if rules.gaps is not None and rules.gaps.due_day is not None]
