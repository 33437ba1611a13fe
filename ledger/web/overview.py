"""The overview: every series of a tenant, with its state at a glance; and the periods of one series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import router
from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from ledger.changes import form_ahead
from ledger.cursors import open_cursor
from ledger.judging import Judgement, Verdict
from ledger.models import Allocation, DraftMade, Entry, Period, RemoteReading, Series
from ledger.reconciliation import count_findings
from ledger.seals.reading import standing
from ledger.waiting import upcoming, with_waiting
from ledger.web.access import Access, access_of, page
from ledger.web.changes import changes, count_changes
from ledger.web.rows import Asked
from ledger.web.shown import address, judged, shown
from ledger.zones import todays

_SERIES_ON_A_PAGE = 24
#: Days before its end at which a period is told to end soon.
_SOON = 30

#: How many of the last documents tell the pace of a series.
_PACE_OF = 1000

# How fast numbers go: the business dates of the last documents of each period.
# Arguments: how many, tenant, periods (ids).
_PACE = """
    SELECT p.id, n.count, n.first, n.last
    FROM ledger_period p
    CROSS JOIN LATERAL (
        SELECT count(*), min(d.issued_on) AS first, max(d.issued_on) AS last
        FROM (
            SELECT e.issued_on FROM ledger_entry e
            WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.kind <> 'gap'
            ORDER BY e.value DESC LIMIT %s
        ) d
    ) n
    WHERE p.tenant = %s AND p.id = ANY(%s)
"""
# Of each series: gaps (values), those of them that nobody has explained, and reservations that wait.
# Arguments: tenant, series (ids).
_GAPS = """
    SELECT p.series_id, sum(f.gaps + k.gaps)::bigint, sum(f.bare + k.bare)::bigint, sum(r.waiting)::bigint
    FROM ledger_period p
    CROSS JOIN LATERAL (
        SELECT count(*) AS gaps, count(*) FILTER (
            WHERE NOT EXISTS (SELECT FROM ledger_gapexplained x WHERE x.entry_id = e.id)
        ) AS bare
        FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.kind = 'gap'
    ) f
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(g.last_value - g.first_value + 1), 0) AS gaps,
               coalesce(sum(g.last_value - g.first_value + 1) FILTER (
                   WHERE NOT EXISTS (SELECT FROM ledger_gapexplained x WHERE x.adopted_gap_id = g.id)
               ), 0) AS bare
        FROM ledger_adoptedgap g WHERE g.tenant = p.tenant AND g.period_id = p.id
    ) k
    CROSS JOIN LATERAL (
        SELECT count(*) AS waiting FROM ledger_reservation v WHERE v.tenant = p.tenant AND v.period_id = p.id
    ) r
    WHERE p.tenant = %s AND p.series_id = ANY(%s)
    GROUP BY p.series_id
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """One series: ``pace`` in words, ``badge`` one of good, note and bad with what is to be said of it."""

    series: Series
    period: Period | None
    next_number: str
    pace: str
    gaps: int
    unexplained: int
    waiting: int
    reconciled_at: datetime | None
    ends: str
    badge: str
    says: str


@page()
def overview(request: HttpRequest, access: Access) -> HttpResponse:
    """The series of one tenant."""
    tenant = access.choose(request)
    mine = Series.objects.filter(tenant=tenant)
    days = todays(mine.db)
    every = _with_current(mine, days).order_by("code")
    asked = Asked(request, "series")
    judgement = judged(tenant)
    readings = list(RemoteReading.objects.filter(tenant=tenant).order_by("system"))
    table = asked.rows(
        every.count(),
        lambda offset, limit: _glances(tenant, list(every[offset : offset + limit]), days, readings, judgement),
        page=_SERIES_ON_A_PAGE,
    )
    sees_findings = access_of(access.user, "view_findingraised").sees(tenant)
    context = {
        "table": table,
        "systems": [(each, _differing(each) if sees_findings else None) for each in readings],
        "findings": sum(count_findings(tenant=tenant, acknowledged=False).values()) if sees_findings else None,
        "findings_url": address("findings", tenant=tenant),
        "sealed": standing(tenant),
    }
    return shown(request, access, "overview.html", context, tenant=tenant, title="Overview", judgement=judgement)


@page()
def series(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The periods of one series and the changes of its settings, the latest first."""
    found = access.find(Series.objects.all(), pk=pk)
    judgement = judged(found.tenant)
    periods = with_waiting(found.periods.filter(tenant=found.tenant).order_by("-starts_on").select_related("series"))
    table = Asked(request, "periods").rows(
        periods.count(),
        lambda offset, limit: [
            (one, judgement.of(found.tenant, found.code, one.starts_on).state)
            for one in periods[offset : offset + limit]
        ],
    )
    history = Asked(request, "history").rows(count_changes(found), partial(changes, found))
    ahead = form_ahead(found, found._state.db or "default")
    context = {"series": found, "table": table, "history": history, "form_from": ahead}
    return shown(request, access, "series.html", context, tenant=found.tenant, title=found.code, judgement=judgement)


@page()
def find(request: HttpRequest, access: Access) -> HttpResponse:
    """The way to a number, or to what was numbered, typed in full; a list where there are several."""
    tenant = access.choose(request)
    term = Asked(request, "find").text("q")
    entries = Entry.objects.filter(tenant=tenant, series__tenant=tenant).select_related("series", "period")
    found = []
    if term:
        found = list(entries.filter(number__iexact=term)[:1])
        found += [each for each in entries.filter(document=term, document__gt="")[:50] if each not in found]
    if len(found) == 1:
        return redirect("ledger:number", found[0].period_id, found[0].value)
    return shown(request, access, "find.html", {"found": found, "term": term}, tenant=tenant, title="Find a number")


def next_number(period: Any) -> str:
    """What would come next in a period that ``with_waiting`` has read, or why nothing does."""
    value = upcoming(period)
    if period.closed_at is not None:
        return "none: closed"
    if value > period.max_value:
        return "none: used up"
    if period.series.allocation != Allocation.REMOTE:
        return str(period.as_format().shown(value))
    draft = DraftMade.objects.filter(tenant=period.tenant, period=period, value=period.next_slot).first()
    return draft.number if draft and period.next_slot is not None else "none: its pool of drafts is empty"


def _with_current(every: QuerySet[Series], days: Mapping[str, date]) -> QuerySet[Any]:
    """Adds ``current`` to each series: the id of the period of its own today, else the last one before, else the first.

    ``days`` tells the day in each zone; where nobody knows the series' zone, it is the first period.
    """
    its_own = Period.objects.filter(tenant=OuterRef("tenant"), series=OuterRef("pk"))
    zones: dict[date, list[str]] = {}
    for zone, day in days.items():
        zones.setdefault(day, []).append(zone)
    today = Case(*(When(series__time_zone__in=names, then=Value(day)) for day, names in zones.items()), default=None)
    begun = its_own.filter(starts_on__lte=today).order_by("-starts_on").values("pk")[:1]
    to_come = its_own.order_by("starts_on").values("pk")[:1]
    annotated: QuerySet[Any] = every.annotate(current=Coalesce(Subquery(begun), Subquery(to_come)))
    return annotated


def _differing(reading: RemoteReading) -> int:
    """How many findings about this system are open, and nobody has acknowledged them."""
    return sum(count_findings(tenant=reading.tenant, system=reading.system, acknowledged=False).values())


def _glances(
    tenant: str,
    every: Sequence[Any],
    days: Mapping[str, date],
    readings: Sequence[RemoteReading],
    judgement: Judgement,
) -> list[Glance]:
    current = [each.current for each in every if each.current is not None]
    periods = {each.pk: each for each in with_waiting(Period.objects.filter(pk__in=current)).select_related("series")}
    with open_cursor(router.db_for_read(Entry)) as cursor:
        cursor.execute(_PACE, [_PACE_OF, tenant, current])
        paces = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_GAPS, [tenant, [each.pk for each in every]])
        gaps = {row[0]: row[1:] for row in cursor.fetchall()}
    return [
        _glance(
            each,
            periods.get(each.current),
            paces.get(each.current),
            gaps.get(each.pk, (0, 0, 0)),
            readings,
            days.get(each.time_zone),
            judgement.of(tenant, each.code),
        )
        for each in every
    ]


def _glance(
    series: Series,
    period: Any,
    pace: tuple[int, date, date] | None,
    gaps: tuple[int, int, int],
    readings: Sequence[RemoteReading],
    today: date | None,
    verdict: Verdict,
) -> Glance:
    compared = [
        each.compared_at for each in readings if each.compared_at is not None and series.system in ("", each.system)
    ]
    badge, says = _badge(series, period, today, verdict)
    return Glance(
        series=series,
        period=period,
        next_number="none yet" if period is None else next_number(period),
        pace=_pace(pace),
        gaps=gaps[0],
        unexplained=gaps[1],
        waiting=gaps[2],
        reconciled_at=max(compared, default=None),
        ends="" if period is None else _ends(period),
        badge=badge,
        says=says,
    )


def _pace(pace: tuple[int, date, date] | None) -> str:
    """Of the last thousand documents at most, in words."""
    if pace is None or not pace[0]:
        return "none issued yet"
    count, first, last = pace
    if count == _PACE_OF and first == last:
        return f"{count:,} a day or more"
    a_day = count / ((last - first).days + 1)
    if a_day >= 1:
        return f"about {a_day:,.0f} a day"
    return f"about {a_day * 30:,.0f} a month" if a_day * 30 >= 1 else "less than one a month"


def _ends(period: Period) -> str:
    return "never" if period.ends_on == date.max else f"{period.ends_on:%d %b %Y}".lstrip("0")


def _badge(series: Series, period: Period | None, today: date | None, verdict: Verdict) -> tuple[str, str]:
    """How the series stands, in the judge's word; where it is in order, what else is worth a note."""
    if not verdict.is_in_order:
        return verdict.state.badge, verdict.state.value
    if not series.is_active:
        return "note", "switched off"
    if period is None:
        return "note", "not used yet"
    if today is None:
        return "bad", f"There is no time zone {series.time_zone!r}."
    if period.closed_at is not None:
        return "note", "closed"
    if period.ends_on < today:
        return "note", "period is over"
    if period.ends_on != date.max and (days := (period.ends_on - today).days) <= _SOON:
        return "note", f"ends in {days} days" if days != 1 else "ends tomorrow"
    return verdict.state.badge, verdict.state.value
