"""What a report is of: the periods of one tenant, with their sums, all from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ledger.models import Period, Series
from ledger.reports import report_sql as sql
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.reports.missing import Island, Item, Neighbour, Span, Tally, What, spans, tally
from ledger.reports.rows import PeriodRow
from ledger.reports.snapshot import Snapshot
from ledger.unreadable import facts
from ledger.zones import shown_zone, zone_or_utc

#: Spans that are kept in memory from the counting to the writing, in all; beyond, a period is walked twice.
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class ScopedPeriod:
    """A period, its sums over all dates, and its row in the report, which is of the scope's dates alone."""

    period: Period
    summary: PeriodSummary
    row: PeriodRow
    #: The values that no document bears, as far as the dates go; None where they are too many to keep.
    kept: tuple[Span, ...] | None

    @property
    def series(self) -> Series:
        """Its series."""
        return self.period.series

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its series."""
        return zone_or_utc(self.period.series.time_zone)

    def local(self, moment: datetime | None) -> datetime | None:
        """A moment as the clocks show it where the series is."""
        return None if moment is None else moment.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class Scope:
    """The periods of a report; ``since`` and ``until`` are business dates, both inclusive, or None."""

    snapshot: Snapshot
    tenant: str
    since: date | None
    until: date | None
    periods: tuple[ScopedPeriod, ...]

    def spans(self, scoped: ScopedPeriod) -> Iterator[Span]:
        """The values of a period that no document bears, in order, as far as the dates go."""
        if scoped.kept is None:
            return find_spans(self.snapshot, scoped.period, scoped.summary, self.since, self.until)
        return iter(scoped.kept)


def read_periods(
    snapshot: Snapshot, tenant: str, series: str | None, since: date | None, until: date | None, *, whole: bool
) -> Iterator[ScopedPeriod]:
    """Sum up the periods that lie in or touch the dates. ``whole``: count each with all of its dates."""
    chosen = summarise(tenant=tenant, series=series, since=since, until=until, using=snapshot.alias)
    room = _KEPT
    for summary in chosen:
        period = Period.objects.using(snapshot.alias).select_related("series")
        found = period.get(tenant=tenant, series__code=summary.series, starts_on=summary.starts_on)
        scoped = _scoped(snapshot, found, summary, *((None, None) if whole else (since, until)), room=room)
        room -= len(scoped.kept or ())
        yield scoped


def find_spans(
    snapshot: Snapshot, period: Period, summary: PeriodSummary, since: date | None, until: date | None
) -> Iterator[Span]:
    """The values of a period that no document bears, cut along what is known of them."""
    wanted = {
        "tenant": period.tenant,
        "period": period.pk,
        "first": summary.first,
        "last": summary.last,
        "since": since,
        "until": until,
    }
    return spans(_island_and_item(row) for row in snapshot.rows(sql.ISLANDS, wanted, by_index=True))


def _island_and_item(row: tuple[Any, ...]) -> tuple[Island, Item | None]:
    first, last = row[:2]
    before, after = row[2:5], row[5:8]
    island = Island(
        first,
        last,
        before=None if before[0] is None else Neighbour(*before),
        after=None if after[0] is None else Neighbour(*after),
    )
    item_first, item_last, what, since, document, actor, asked_for, evidence = row[8:16]
    if what is None:
        return island, None
    explanation, explained_by, explained_at = row[16:]
    return island, Item(
        first=item_first,
        last=item_last,
        what=What(what),
        since=since,
        document=document,
        actor=actor,
        asked_for=asked_for,
        evidence=facts(evidence),
        explanation=explanation or "",
        explained_by=explained_by or "",
        explained_at=explained_at,
    )


def _scoped(
    snapshot: Snapshot, period: Period, summary: PeriodSummary, since: date | None, until: date | None, *, room: int
) -> ScopedPeriod:
    without_document = summary.reserved + summary.flagged + summary.missing
    listed, kept = Tally(), list[Span]()
    if without_document:
        listed = tally(_keeping(find_spans(snapshot, period, summary, since, until), kept, room))
    first: int | None = summary.first if summary.expected > 0 else None
    last: int | None = summary.last if summary.expected > 0 else None
    issued, void, out_of_order = summary.used, summary.void, summary.out_of_order
    duplicates, expected = summary.duplicates, summary.expected
    if since is not None or until is not None:
        wanted = {"tenant": period.tenant, "period": period.pk, "since": since, "until": until}
        issued, void, out_of_order, duplicates, lowest, highest, documents = snapshot.row(sql.DATED, wanted)
        ends = [end for end in (lowest, highest, listed.first, listed.last) if end is not None]
        first, last = min(ends, default=None), max(ends, default=None)
        # The counter knows no dates: of what it gave away, all that is dated elsewhere is taken off.
        expected -= (documents - issued) + (without_document - listed.open - listed.missing)
    row = _row(snapshot, period, summary, first, last, expected, issued, void, out_of_order, duplicates, listed)
    return ScopedPeriod(period, summary, row, tuple(kept) if len(kept) <= room else None)


def _keeping(found: Iterator[Span], kept: list[Span], room: int) -> Iterator[Span]:
    """Pass spans on, and keep them, up to one more than there is room for."""
    for span in found:
        if len(kept) <= room:
            kept.append(span)
        yield span


def _row(
    snapshot: Snapshot,
    period: Period,
    summary: PeriodSummary,
    first: int | None,
    last: int | None,
    expected: int,
    issued: int,
    void: int,
    out_of_order: int,
    duplicates: int,
    listed: Tally,
) -> PeriodRow:
    numbers = period.as_format()
    edges = {
        "tenant": period.tenant,
        "series": period.series_id,
        "period": period.pk,
        "starts_on": summary.starts_on,
        "first": first,
        "last": last,
    }
    first_number, last_number, closed_with = snapshot.row(sql.EDGES, edges)
    return PeriodRow(
        series=summary.series,
        period=summary.period,
        template=f"{period.prefix}{{counter:0{period.width}}}{period.suffix}",
        time_zone=shown_zone(period.series.time_zone),
        first=first,
        last=last,
        first_number=None if first is None else first_number or numbers.shown(first),
        last_number=None if last is None else last_number or numbers.shown(last),
        expected=expected,
        issued=issued,
        open=listed.open,
        missing=listed.missing,
        missing_ranges=listed.ranges,
        lost=listed.lost,
        void=void,
        out_of_order=out_of_order,
        duplicates=duplicates,
        opening_value=summary.first,
        closing_value_before=closed_with,
        opening=opening(summary.first, closed_with, period.series.start_value),
        expected_from_rows=summary.expected_from_rows,
        adds_up=summary.identity_holds and expected == issued + listed.open + listed.missing,
    )


def opening(first: int, closed_with: int | None, start_value: int) -> str:
    """How a period's first value follows on the last one of the period before it, in words.

    A calendar that counts anew starts at the series' start value, wherever the period before it closed; a counter that
    was opened at a value of its own either goes on from there or leaves values out.
    """
    if closed_with is None:
        return "is the first period"
    if first == start_value:
        return "starts anew"
    if first == closed_with + 1:
        return "goes on"
    if first > closed_with:
        return f"leaves out {first - closed_with - 1:,}"
    return f"starts anew at {first:,}"
