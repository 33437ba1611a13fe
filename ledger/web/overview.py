"""The overview of every series that the user may see, the worst first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _, ngettext

from ledger import homes
from ledger.cursors import fetch
from ledger.judging import Judgement, Kind, State, Verdict, decide
from ledger.localization import day_told, quantity, to_translate
from ledger.models import Allocation, DraftMade, Entry, FindingRaised, Period, RemoteReading, Series
from ledger.queues import upcoming, with_waiting
from ledger.seals.reading import standing
from ledger.web.access import Access, access_of, page
from ledger.web.findings import with_state
from ledger.web.page import address, judged, render_page
from ledger.web.query_string import Asked
from ledger.zones import todays

#: The overview says that a period ends soon, this many days before its end.
_SOON = 30

#: The pace of a series is that of its last documents, at most this many.
_PACE_OF = 1000

_SORTS = ("state", "tenant", "series")
_ANY, _NEEDS_WORK = to_translate("any state"), to_translate("needs work")

# How fast numbers go: the business dates of the last documents of each period.
# Arguments: how many, periods (ids).
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
    WHERE p.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the overview before it is read: a series; or, with ``pk`` None, a tenant's work outside its series.

    ``home`` is where it lives. ``is_idle``: switched off, or without a number so far.
    """

    pk: int | None
    tenant: str
    code: str
    is_idle: bool
    verdict: Verdict
    home: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the overview: ``badge`` is good, note or bad, and ``says`` is its text; ``opens`` is what people have
    to do, each as a sentence and the address of the page for it.
    """

    place: Place
    series: Series | None
    period: Period | None
    next_number: str
    pace: str
    ends: str
    badge: str
    says: str
    opens: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one home says. ``tenant`` is its only one, or the one that was asked for; None where there are several."""

    access: Access
    sees_findings: Access
    tenant: str | None
    places: list[Place]
    judgement: Judgement

    @property
    def tenants(self) -> list[str]:
        return list(dict.fromkeys(place.tenant for place in self.places))


@page(of_all_homes=True)
def overview(request: HttpRequest, access: Access) -> HttpResponse:
    """The series of all tenants in all homes, or of the one that the address names."""
    asked_for = access.chosen_tenant(request) if "tenant" in request.GET else None
    here = homes.entered_home()
    which = None if here is None else [here]
    answers = homes.ask_all(partial(_look, access.user, asked_for), which, **homes.ASKED_BY_A_PAGE)
    answered: dict[str, _Seen] = {answer.home: answer.value for answer in answers if answer.error is None}
    if not answered and answers[0].error is not None:
        raise answers[0].error
    seen = {home: one for home, one in answered.items() if one.access.tenants != frozenset()}
    if not seen:
        raise PermissionDenied
    asked = Asked(request, "series")
    states = (_ANY, _NEEDS_WORK, *(state.value for state in State if state is not State.IN_ORDER))
    text, state, sort = asked.text("q").casefold(), asked.choice("state", states), asked.sort(_SORTS)
    tally = Counter(one.judgement.of(tenant).state for one in seen.values() for tenant in one.tenants)
    chosen = [
        place
        for one in seen.values()
        for place in one.places
        if (text in place.tenant.casefold() or text in place.code.casefold() or text == place.home.casefold())
        and (
            state == _ANY
            or place.verdict.state.value == state
            or (state == _NEEDS_WORK and not place.verdict.is_in_order)
        )
    ]
    chosen.sort(key=_ORDERS[sort.lstrip("-")], reverse=sort.startswith("-"))
    are_many = len(answers) > 1
    tenant = None if are_many else next(iter(seen.values())).tenant
    columns = {"state": _("State"), **({"tenant": _("Tenant")} if tenant is None else {})}
    columns |= {**({"home": _("Home")} if are_many else {}), "series": _("Series")}
    columns |= {"todo": _("To do"), "next": _("Next number"), "pace": _("Pace"), "ends": _("Period ends")}
    table = asked.rows(
        len(chosen), lambda at, limit: _read(chosen[at : at + limit], seen), asked.headings(columns, _SORTS, sort)
    )
    context = {
        "table": table,
        "states": states,
        "chosen_state": state,
        "text": asked.text("q"),
        "tally": [(one, tally[one]) for one in State if tally[one]],
        "tenants_shown": tally.total(),
        "are_many": are_many,
        "down": [answer.home for answer in answers if answer.error is not None],
    }
    # A home that answers gives what the page shows around its content.
    with homes.entered(next(iter(seen))) if are_many else nullcontext():
        if tenant is not None:
            sees_findings = next(iter(seen.values())).sees_findings
            context |= {"systems": _systems(tenant, sees_findings), "sealed": standing(tenant)}
        judgement = _together(seen)
        return render_page(
            request, access, "overview.html", context, tenant=tenant, title=_("Overview"), judgement=judgement
        )


def _look(user: Any, tenant: str | None, home: str) -> _Seen:
    """The series that a user sees in a home, and how they stand."""
    access = access_of(user, "view_entry")
    every = access.narrow(Series.objects.all())
    if tenant is None:
        known = list(every.order_by("tenant").values_list("tenant", flat=True).distinct()[:2])
        tenant = None if len(known) > 1 else next(iter(known), "")
    else:
        every = every.filter(tenant=tenant)
    # Also of a tenant that has moved to another home since.
    judgement = judged(tenant, home if homes.are_many() else None)
    if access.tenants is not None:
        judgement = judgement.narrowed(access.tenants)
    return _Seen(access, access_of(user, "view_findingraised"), tenant, _places(every, judgement, home), judgement)


def _together(seen: Mapping[str, _Seen]) -> Judgement:
    """How all homes stand. Facts about all tenants of a home carry the home's name."""
    every = [one.judgement for one in seen.values()]
    if len(every) == 1:
        return every[0]
    looks = [one.looked_at for one in every]
    facts = (
        replace(fact, detail=f"{fact.detail} ({home})".strip()) if fact.tenant is None else fact
        for home, one in seen.items()
        for fact in one.judgement.facts
    )
    return Judgement(
        tuple(facts),
        min(one.as_of for one in every),
        None if None in looks else min(look for look in looks if look is not None),
        tuple(chain.from_iterable(one.acknowledged for one in every)),
    )


def _read(places: Sequence[Place], seen: Mapping[str, _Seen]) -> list[Line]:
    """The lines of one page of the table, each read in its home."""
    by_home: dict[str, list[Place]] = {}
    for place in places:
        by_home.setdefault(place.home, []).append(place)
    lines: dict[int, Line] = {}
    for home, found, error in homes.ask_all(
        lambda home: _lines(by_home[home], seen[home].sees_findings), by_home, **homes.ASKED_BY_A_PAGE
    ):
        if error is not None:
            raise error
        lines |= {id(place): line for place, line in zip(by_home[home], found, strict=True)}
    return [lines[id(place)] for place in places]


def next_number(period: Any, drafts: Mapping[tuple[int, int | None], str] | None = None) -> str:
    """The next number of a period that ``with_waiting`` has read, or the reason why it has no next number.

    ``drafts`` are numbers by period and value, as ``_drafts`` reads them for several periods at once.
    """
    value = upcoming(period)
    if period.closed_at is not None:
        return _("none: closed")
    if value > period.max_value:
        return _("none: used up")
    if period.series.allocation != Allocation.REMOTE:
        return str(period.as_format().shown(value))
    known = _drafts([period]) if drafts is None else drafts
    return known.get((period.pk, period.next_slot), _("none: its pool of drafts is empty"))


def _drafts(periods: Sequence[Any]) -> dict[tuple[int, int | None], str]:
    """The numbers of the drafts that come next in periods of remote series."""
    remote = {each.pk: each for each in periods if each.series.allocation == Allocation.REMOTE}
    slots = [each.next_slot for each in remote.values() if each.next_slot is not None]
    if not slots:
        return {}
    drafts = DraftMade.objects.filter(period__in=remote, value__in=slots, tenant=F("period__tenant")).order_by("-pk")
    return {(draft.period_id, draft.value): draft.number for draft in drafts}


def _places(every: QuerySet[Series], judgement: Judgement, home: str) -> list[Place]:
    """Every series, and each tenant with work that belongs to no series."""
    begun = Period.objects.filter(tenant=OuterRef("tenant"), series=OuterRef("pk"), last_value__gte=F("first_value"))
    rows = every.annotate(begun=Exists(begun)).values_list("pk", "tenant", "code", "is_active", "begun")
    places = [
        Place(pk, tenant, code, not (active and is_begun), judgement.of(tenant, code), home)
        for pk, tenant, code, active, is_begun in rows
    ]
    own: dict[str, list[Any]] = {}
    for fact in judgement.facts:
        if fact.tenant is not None and fact.series is None:
            own.setdefault(fact.tenant, []).append(fact)
    for tenant, facts in own.items():
        verdict = decide(facts, as_of=judgement.as_of, looked_at=judgement.looked_at)
        places.append(Place(None, tenant, "", False, verdict, home))
    return places


_ORDERS = {
    "state": lambda place: (place.verdict.state.rank, place.is_idle, place.tenant, place.code),
    "tenant": lambda place: (place.tenant, place.verdict.state.rank, place.is_idle, place.code),
    "series": lambda place: (place.code, place.verdict.state.rank, place.is_idle, place.tenant),
}


def _with_current(every: QuerySet[Series], days: Mapping[str, date]) -> QuerySet[Any]:
    """Adds ``current`` to each series: the id of today's period, else of the last one before, else of the first one.
    Of authorised ranges, it is the one that the next number comes from.

    ``days`` has today's date by time zone; a series with an unknown zone gets its first period.
    """
    its_own = Period.objects.filter(tenant=OuterRef("tenant"), series=OuterRef("pk"))
    zones: dict[date, list[str]] = {}
    for zone, day in days.items():
        zones.setdefault(day, []).append(zone)
    today = Case(*(When(series__time_zone__in=names, then=Value(day)) for day, names in zones.items()), default=None)
    valid = its_own.filter(ordinal__gt=0, starts_on__lte=today, ends_on__gte=today, closed_at=None)
    authorised = valid.filter(last_value__lt=F("max_value")).order_by("ordinal").values("pk")[:1]
    begun = its_own.filter(starts_on__lte=today).order_by("-starts_on").values("pk")[:1]
    to_come = its_own.order_by("starts_on").values("pk")[:1]
    annotated: QuerySet[Any] = every.annotate(
        current=Coalesce(Subquery(authorised), Subquery(begun), Subquery(to_come))
    )
    return annotated


def _systems(tenant: str, sees_findings: Access) -> list[tuple[RemoteReading, int | None]]:
    """The accounting systems of a tenant, with how many findings about each are unresolved; None for users who may not
    see them."""
    readings = RemoteReading.objects.filter(tenant=tenant).order_by("system")
    if not sees_findings.sees(tenant):
        return [(each, None) for each in readings]
    raised = with_state(FindingRaised.objects.filter(tenant=tenant)).filter(is_resolved=False, is_acknowledged=False)
    differing = dict(raised.order_by().values_list("system").annotate(Count("pk")))
    return [(each, differing.get(each.system, 0)) for each in readings]


def _lines(places: Sequence[Place], sees_findings: Access) -> list[Line]:
    days = todays(router.db_for_read(Series))
    ids = [place.pk for place in places if place.pk is not None]
    every = {each.pk: each for each in _with_current(Series.objects.filter(pk__in=ids), days)}
    current = [each.current for each in every.values() if each.current is not None]
    periods = {each.pk: each for each in with_waiting(Period.objects.filter(pk__in=current)).select_related("series")}
    paces = {pk: pace for pk, *pace in fetch(router.db_for_read(Entry), _PACE, [_PACE_OF, current])}
    drafts = _drafts(list(periods.values()))
    found = []
    for place in places:
        its_series = every.get(place.pk) if place.pk is not None else None
        period = periods.get(its_series.current) if its_series is not None else None
        badge, says = place.verdict.state.badge, place.verdict.state.label
        if its_series is not None and place.verdict.is_in_order:
            badge, says = _note(its_series, period, days.get(its_series.time_zone)) or (badge, says)
        pace = "–" if its_series is None else _pace(paces.get(its_series.current))
        following = ends = "–"
        if period is not None:
            following = next_number(period, drafts)
            ends = _("never") if period.ends_on == date.max else day_told(period.ends_on)
        opens = list(_opens(place, sees_findings))
        found.append(Line(place, its_series, period, following, pace, ends, badge, says, opens))
    return found


#: The page on which people deal with a fact; the series' page shows the others.
_PAGES = {
    Kind.UNEXPLAINED: "gaps",
    Kind.DIFFERENCE: "findings",
    Kind.NO_DOCUMENT: "findings",
    **dict.fromkeys((Kind.LOST, Kind.DISAGREES, Kind.TAMPERED, Kind.RULE, Kind.SETUP), "alarms"),
}


def _opens(place: Place, sees_findings: Access) -> Any:
    counts: Counter[Kind] = Counter()
    for fact in place.verdict.facts:
        if fact.tenant is not None:
            counts[fact.kind] += fact.count
    for kind, count in counts.items():
        name = _PAGES.get(kind)
        if kind is Kind.UNDECLARED and place.pk is not None:
            home = {"home": place.home} if homes.are_many() else {}
            yield kind.counted(count), address("rules", place.pk, **home)
        elif name is None or (name == "findings" and not sees_findings.sees(place.tenant)):
            yield kind.counted(count), ""
        else:
            narrowed = {"gaps-series": place.code} if name == "gaps" else {}
            yield kind.counted(count), address(name, tenant=place.tenant, **narrowed)


def _pace(pace: tuple[int, date, date] | None) -> str:
    """The pace in words; it is that of the last thousand documents at most."""
    if pace is None or not pace[0]:
        return _("none issued yet")
    count, first, last = pace
    if count == _PACE_OF and first == last:
        return _("%(n)s a day or more") % {"n": quantity(count)}
    a_day = count / ((last - first).days + 1)
    if a_day >= 1:
        return _("about %(n)s a day") % {"n": quantity(round(a_day))}
    if a_day * 30 < 1:
        return _("less than one a month")
    return _("about %(n)s a month") % {"n": quantity(round(a_day * 30))}


def _note(series: Series, period: Period | None, today: date | None) -> tuple[str, str] | None:
    """A note on a series in order, such as a period that ends soon."""
    if not series.is_active:
        return "note", _("switched off")
    if period is None:
        return "note", _("not used yet")
    if today is None:
        return "bad", _("There is no time zone “%(name)s”.") % {"name": series.time_zone}
    if period.closed_at is not None:
        return "note", _("closed")
    if period.ends_on < today:
        return "note", _("period is over")
    if period.ends_on != date.max and (days := (period.ends_on - today).days) <= _SOON:
        return "note", ngettext("ends tomorrow", "ends in %(n)s days", days) % {"n": days} if days else _("ends today")
    return None
