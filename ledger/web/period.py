"""One period of a series: the number line, issuance over time, and its voids and gaps as tables."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from ledger.judging import Kind
from ledger.localization import lazily as _, period_told
from ledger.models import Entry, NumberVoided, Period, RemoteReading
from ledger.queues import with_waiting
from ledger.reports.formats import formats
from ledger.seals.reading import standing
from ledger.web.access import Access, page
from ledger.web.charts import CHART_HEIGHT, LINE_HEIGHT, issuance, number_line
from ledger.web.counts import minted_ahead, period_counts
from ledger.web.gaps import gap_table, wanted_gaps
from ledger.web.overview import next_number
from ledger.web.page import address, judged, render_page
from ledger.web.query_string import Asked, Dates, Rows, asked_dates

_VOID_COLUMNS = {
    "number": _("Number"),
    "document": _("Document"),
    "issued": _("Business date"),
    "voided": _("Voided"),
    "actor": _("By"),
    "reason": _("Reason"),
    "replacement": _("Replaced by"),
}
_VOID_SORTS = {"number": "entry__value", "voided": "voided_at", "issued": "entry__issued_on"}


@page()
def period(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The page of one period; ``from`` and ``to`` choose the values that the number line shows."""
    found: Any = access.find(with_waiting(Period.objects.select_related("series")), pk=pk)
    first, last = _value(request, "from"), _value(request, "to")
    if first is not None and first == last and found.first_value <= first <= found.last_value:
        return redirect("ledger:number", found.pk, first)
    judgement = judged(found.tenant)
    verdict = judgement.of(found.tenant, found.series.code, found.starts_on, found.ordinal)
    coming, dates = next_number(found), asked_dates(request)
    # Like the report, the page doesn't show values minted ahead.
    found.last_value -= minted_ahead(found)
    # Cached counts are older than the loss.
    counts = period_counts(found, fresh=verdict.is_lost)
    total = counts.total()
    to_explain = sum(fact.count for fact in verdict.facts if fact.kind is Kind.UNEXPLAINED)
    line = number_line(counts, first, last)
    gaps = wanted_gaps(request, found.tenant, period=found.pk, states=("all", "unexplained", "explained"))
    choosing = Asked(request, "gaps").choosing()
    choosing["kept"] = [("gaps-period", found.pk), ("gaps-state", "all"), *choosing["kept"]]
    context = {
        "period": found,
        "series": found.series,
        "next_number": coming,
        "total": total,
        "told": counts.sentence(total, to_explain, dates.since, dates.until),
        "dates": dates,
        "has_books": RemoteReading.objects.filter(tenant=found.tenant).exists(),
        "state": verdict.state,
        "counted_at": counts.counted_at,
        "line": line,
        "line_height": LINE_HEIGHT,
        "chart": issuance(counts.days),
        "chart_height": CHART_HEIGHT,
        "voids": _voids(request, found, counts.voids, dates),
        "gaps": gap_table(request, gaps),
        "typed": _typed(request),
        **choosing,
        "may_explain": access.may("explain_gap"),
        "formats": formats().values(),
        "package": _package(found, dates),
        "sealed": standing(found.tenant),
    }
    return render_page(
        request,
        access,
        "period.html",
        context,
        tenant=found.tenant,
        title=f"{found.series.code} {period_told(found.label)}",
        judgement=judgement,
    )


def _package(period: Period, dates: Dates) -> str:
    """The address of the package of all series, for the dates of the page or of the period."""
    if not dates and (period.starts_on == date.min or period.ends_on == date.max):
        return ""
    asked = dates.kept or {"since": f"{period.starts_on}", "until": f"{period.ends_on}"}
    return address("package", tenant=period.tenant or None, **asked)


def _value(request: HttpRequest, name: str) -> int | None:
    """A value in the address. None if it is invalid: the page then shows everything."""
    text = re.sub(r"[\s.,'’]", "", request.GET.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _typed(request: HttpRequest) -> dict[str, str]:
    fields = ("voids_q", "voids_by", "gaps_q", "gaps_state")
    return {name: Asked(request, name.partition("_")[0]).text(name.partition("_")[2]) for name in fields}


def _voids(request: HttpRequest, period: Period, values: Sequence[int], dates: Dates) -> Rows:
    asked = Asked(request, "voids")
    sort = asked.sort(_VOID_SORTS)
    column = _VOID_SORTS[sort.lstrip("-")]
    found: QuerySet[Any] = NumberVoided.objects.filter(tenant=period.tenant, entry__period=period)
    headings = asked.headings(_VOID_COLUMNS, _VOID_SORTS, sort)
    if column == "entry__value" and not asked.text("q") and not asked.text("by") and not dates:
        # Without a join, which is slow for one page among millions of numbers.
        ordered = values if sort == "number" else values[::-1]
        return asked.rows(len(values), lambda at, limit: _voids_of(period, ordered[at : at + limit]), headings)
    found = dates.filter(found, "entry__issued_on")
    if text := asked.text("q"):
        found = found.filter(reason__icontains=text) | found.filter(entry__number__istartswith=text)
    if text := asked.text("by"):
        found = found.filter(actor__iexact=text)
    sorted_ = found.select_related("entry").order_by(f"-{column}" if sort.startswith("-") else column, "pk")
    return asked.rows_of(sorted_, headings)


def _voids_of(period: Period, values: Sequence[int]) -> list[NumberVoided]:
    entries = Entry.objects.filter(tenant=period.tenant, period=period, value__in=list(values))
    found = {entry.pk: entry for entry in entries}
    voids = NumberVoided.objects.filter(tenant=period.tenant, entry__in=list(found)).select_related("entry")
    by_value = {void.entry.value: void for void in voids}
    return [by_value[value] for value in values if value in by_value]
