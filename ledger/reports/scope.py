"""The scope of a report: the periods of one tenant, with their sums, all read from one snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.localization import lazily as _, lazy_text, quantity
from ledger.models import AuthorisedRange, GapDeclared, Period, Series
from ledger.reports import report_sql as sql
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.reports.missing import Island, Item, Neighbour, Span, Tally, What, spans, tally
from ledger.reports.rows import Kind, PeriodRow, columns_of
from ledger.reports.snapshot import Snapshot
from ledger.unreadable import facts
from ledger.zones import shown_zone, zone_or_utc

#: How many spans in all are kept in memory from the counting to the writing; further periods are read twice.
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class ScopedPeriod:
    """A period, its sums over all dates, and its row in the report, which counts only the scope's dates."""

    period: Period
    summary: PeriodSummary
    row: PeriodRow
    #: The values without a document, within the dates; None if they are too many to keep.
    kept: tuple[Span, ...] | None

    @property
    def series(self) -> Series:
        return self.period.series

    @property
    def place(self) -> dict[str, Any]:
        """The cells with which each of its rows begins."""
        return {"series": self.summary.series, "period": self.summary.period}


@dataclass(frozen=True, slots=True)
class Scope:
    """The periods of a report; ``since`` and ``until`` are business dates, both inclusive, or None.

    The report shows every moment in ``zone``: that of its series, or UTC if they have several.
    """

    snapshot: Snapshot
    tenant: str
    since: date | None
    until: date | None
    periods: tuple[ScopedPeriod, ...]
    zone: ZoneInfo
    #: Missing values of its periods that were declared to an authority.
    declarations: tuple[GapDeclared, ...]

    @property
    def ids(self) -> list[int]:
        return [scoped.period.pk for scoped in self.periods]

    @property
    def wanted(self) -> dict[str, Any]:
        """The arguments of most statements of a report."""
        return {"tenant": self.tenant, "periods": self.ids, "since": self.since, "until": self.until}

    def local(self, moment: datetime | None) -> datetime | None:
        """A moment in the report's time zone."""
        return None if moment is None else moment.astimezone(self.zone)

    def told(self, row: type[Any], statement: str, *, by_index: bool = False, **more: Any) -> Iterator[dict[str, Any]]:
        """The rows of a statement as arguments for ``row``, whose fields have the names of the columns.

        ``period``, the id of a period or null, becomes its label.
        """
        summaries = {scoped.period.pk: scoped.summary for scoped in self.periods}
        kinds = {column.name: column.kind for column in columns_of(row)}
        moments = [name for name, kind in kinds.items() if kind is Kind.MOMENT]
        for found in self.snapshot.rows(statement, {**self.wanted, **more}, by_index=by_index):
            told: dict[str, Any] = found._asdict()
            summary = summaries.get(told["period"])
            told = {"series": "" if summary is None else summary.series, **told}
            told["period"] = "" if summary is None else summary.period
            for name in moments:
                told[name] = self.local(told[name])
            yield told

    def spans(self, scoped: ScopedPeriod) -> Iterator[Span]:
        """The values of a period without a document, in order, within the dates."""
        if scoped.kept is None:
            walked = _find_spans(self.snapshot, self.tenant, [(scoped.period, scoped.summary)], self.since, self.until)
            return next((spans for _, spans in walked), iter(()))
        return iter(scoped.kept)

    def ranges(self) -> dict[int, AuthorisedRange]:
        """The authorised range that each period is, by the period's id."""
        periods = [scoped.period.pk for scoped in self.periods if scoped.period.ordinal]
        found = AuthorisedRange.objects.using(self.snapshot.alias).filter(tenant=self.tenant, period__in=periods)
        return {one.period_id: one for one in found}

    def declared(self, period: int, first: int, last: int) -> str:
        """The authorities and references under which some of a period's values were declared; empty if none was."""
        return ", ".join(f"{one.authority} {one.reference}" for one in self.declared_here(period, first, last))

    def declared_here(self, period: int, first: int, last: int) -> Iterator[GapDeclared]:
        """The declarations of any of a period's values from ``first`` to ``last``."""
        for one in self.declarations:
            if one.period_id == period and one.first_value <= last and one.last_value >= first:
                yield one


def read_scope(
    snapshot: Snapshot, tenant: str, series: str | None, since: date | None, until: date | None, *, whole: bool
) -> Scope:
    """Sum up the periods that touch the dates, in a few statements, however many they are.

    With ``whole``, each is counted over all of its dates.
    """
    summaries = list(summarise(tenant=tenant, series=series, since=since, until=until, using=snapshot.alias))
    ids = {tuple(place): pk for pk, *place in snapshot.rows(sql.PERIOD_IDS, {"tenant": tenant, "series": series})}
    wanted = [ids[summary.series, summary.starts_on, summary.ordinal] for summary in summaries]
    known = Period.objects.using(snapshot.alias).select_related("series").in_bulk(wanted)
    both = [(known[pk], summary) for pk, summary in zip(wanted, summaries, strict=True)]
    if whole:
        since = until = None
    zones = {period.series.time_zone for period, _ in both}
    declared = GapDeclared.objects.using(snapshot.alias).filter(tenant=tenant, period__in=wanted)
    return Scope(
        snapshot,
        tenant,
        since,
        until,
        periods=tuple(_scoped(snapshot, tenant, both, since, until)),
        zone=zone_or_utc(zones.pop() if len(zones) == 1 else "UTC"),
        declarations=tuple(declared.order_by("period__series__code", "period__starts_on", "first_value", "authority")),
    )


def _find_spans(
    snapshot: Snapshot,
    tenant: str,
    periods: Sequence[tuple[Period, PeriodSummary]],
    since: date | None,
    until: date | None,
) -> Iterator[tuple[Period, Iterator[Span]]]:
    """The values without a document, by period, as spans. Read the spans of a period before the next period."""
    wanted: dict[str, Any] = {"tenant": tenant, "since": since, "until": until}
    wanted["periods"] = [period.pk for period, _ in periods]
    wanted |= {"firsts": [summary.first for _, summary in periods], "lasts": [summary.last for _, summary in periods]}
    rows = snapshot.rows(sql.ISLANDS, wanted, by_index=True)
    for place, of_one in groupby(rows, key=attrgetter("place")):
        yield periods[place - 1][0], spans(_island_and_item(row) for row in of_one)


_OF_ITEM = [field.name for field in fields(Item)]


def _island_and_item(row: Any) -> tuple[Island, Item | None]:
    before = None if row.before_value is None else Neighbour(row.before_value, row.before_number, row.before_on)
    after = None if row.after_value is None else Neighbour(row.after_value, row.after_number, row.after_on)
    island = Island(row.island_first, row.island_last, before=before, after=after)
    if row.what is None:
        return island, None
    told = {name: getattr(row, name) for name in _OF_ITEM}
    return island, Item(**told | {"what": What(row.what), "evidence": facts(row.evidence)})


def _without_document(summary: PeriodSummary) -> int:
    return summary.reserved + summary.flagged + summary.missing


def _scoped(
    snapshot: Snapshot,
    tenant: str,
    periods: Sequence[tuple[Period, PeriodSummary]],
    since: date | None,
    until: date | None,
) -> Iterator[ScopedPeriod]:
    listed: dict[int, Tally] = {}
    kept: dict[int, tuple[Span, ...] | None] = {}
    room = _KEPT
    holed = [(period, summary) for period, summary in periods if _without_document(summary)]
    for period, found in _find_spans(snapshot, tenant, holed, since, until) if holed else ():
        # One more than there is room for shows that they are too many.
        here = tuple(islice(found, room + 1))
        listed[period.pk] = tally(chain(here, found))
        kept[period.pk] = here if len(here) <= room else None
        room -= len(kept[period.pk] or ())
    wanted: dict[str, Any] = {"tenant": tenant, "periods": [period.pk for period, _ in periods]}
    dated: dict[int, Any] = {}
    if since is not None or until is not None:
        dates = {"since": since, "until": until}
        dated = {row.period: row for row in snapshot.rows(sql.DATED, wanted | dates)}
    counts = [_counts(summary, listed.get(period.pk, Tally()), dated.get(period.pk)) for period, summary in periods]
    edges = {"firsts": [one.first for one in counts], "lasts": [one.last for one in counts]}
    numbers = {row.period: row for row in snapshot.rows(sql.EDGES, wanted | edges)}
    for (period, summary), one in zip(periods, counts, strict=True):
        row = _row(period, summary, one, listed.get(period.pk, Tally()), numbers[period.pk])
        yield ScopedPeriod(period, summary, row, kept.get(period.pk, ()))


class _Counts(NamedTuple):
    """The counts of a period within the dates."""

    first: int | None
    last: int | None
    expected: int
    issued: int
    void: int
    out_of_order: int
    duplicates: int


def _counts(summary: PeriodSummary, listed: Tally, dated: Any) -> _Counts:
    if dated is None:
        first, last = (summary.first, summary.last) if summary.expected > 0 else (None, None)
        counted = (summary.used, summary.void, summary.out_of_order, summary.duplicates)
        return _Counts(first, last, summary.expected, *counted)
    ends = [end for end in (dated.lowest, dated.highest, listed.first, listed.last) if end is not None]
    # The counter knows no dates, so the values dated elsewhere are subtracted from what it gave out.
    elsewhere = (dated.documents - dated.issued) + (_without_document(summary) - listed.in_progress - listed.missing)
    expected = summary.expected - elsewhere
    counted = (dated.issued, dated.void, dated.out_of_order, dated.duplicates)
    return _Counts(min(ends, default=None), max(ends, default=None), expected, *counted)


def _row(period: Period, summary: PeriodSummary, counts: _Counts, listed: Tally, edges: Any) -> PeriodRow:
    numbers, start_value = period.as_format(), period.series.start_value
    return PeriodRow(
        series=summary.series,
        period=summary.period,
        template=f"{period.prefix}{{counter:0{period.width}}}{period.suffix}",
        time_zone=shown_zone(period.series.time_zone),
        **counts._asdict(),
        first_number=None if counts.first is None else edges.first_number or numbers.shown(counts.first),
        last_number=None if counts.last is None else edges.last_number or numbers.shown(counts.last),
        in_progress=listed.in_progress,
        missing=listed.missing,
        missing_ranges=listed.ranges,
        lost=listed.lost,
        unexplained=listed.unexplained,
        opening_value=summary.first,
        closing_value_before=edges.closed_with,
        opening=_("is authorised") if period.ordinal else opening(summary.first, edges.closed_with, start_value),
        expected_from_rows=summary.expected_from_rows,
        adds_up=summary.identity_holds and counts.expected == counts.issued + listed.in_progress + listed.missing,
    )


def opening(first: int, closed_with: int | None, start_value: int) -> Any:
    """How the first value of a period follows the last one of the period before, in words.

    A calendar that counts anew starts at the start value of the series, wherever the period before closed. A counter
    that was opened at another value either goes on from there or leaves values out.
    """
    if closed_with is None:
        return _("is the first period")
    if first == start_value:
        return _("starts anew")
    if first == closed_with + 1:
        return _("goes on")
    if first > closed_with:
        return lazy_text(lambda: _("leaves out %(n)s") % {"n": quantity(first - closed_with - 1)})
    return lazy_text(lambda: _("starts anew at %(value)s") % {"value": quantity(first)})
