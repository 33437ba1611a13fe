"""The gaps of a tenant, and explaining one or many of them with a reason."""

from typing import Any

from django.db import router
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.actions import explain
from ledger.models import AdoptedGap, Entry, GapExplained
from ledger.web.access import Access, page
from ledger.web.confirming import MOST, MOST_MATCHING, Question, asks_for_all, confirmed
from ledger.web.dates import asked_dates
from ledger.web.gap_rows import GAP_COLUMNS, GAP_SORTS, GapLine, count_gaps, gap_rows, wanted_gaps
from ledger.web.page import address, render_page
from ledger.web.rows import Asked, kept
from ledger.words import quantity


@page()
def gaps(request: HttpRequest, access: Access) -> HttpResponse:
    """All gaps of one tenant; what nobody has explained first."""
    tenant = access.choose(request)
    asked = Asked(request, "gaps")
    wanted = _wanted(request, tenant)
    sort = asked.sort(GAP_SORTS)
    table = asked.rows(
        count_gaps(wanted),
        lambda offset, limit: gap_rows(wanted, sort, offset, limit),
        asked.headings(GAP_COLUMNS, GAP_SORTS, sort, ("count",)),
    )
    context = {
        "table": table,
        "wanted": wanted,
        "dates": asked_dates(request),
        "kept": kept(request, "gaps"),
        "all_chosen": asked.text("choose") == "page",
        "choose_url": asked.url(choose="page"),
        "may_explain": access.may("explain_gap"),
    }
    return render_page(request, access, "gaps.html", context, tenant=tenant, title=_("Gaps"))


@page(does="explain_gap", methods=("GET", "HEAD", "POST"))
def explain_gaps(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why these values have no document, and appends what was said to each."""
    tenant = access.choose(request)
    if asks_for_all(request):
        wanted = _wanted(request, tenant)
    else:
        keys = (request.POST if request.method == "POST" else request.GET).getlist("gap")[: MOST + 1]
        wanted = wanted_gaps(tenant, keys=keys)
    chosen = gap_rows(wanted, "value", 0, MOST_MATCHING + 1)
    alias = router.db_for_write(GapExplained)

    def act(line: GapLine, said: dict[str, Any]) -> GapExplained:
        rows: Any = Entry.objects if line.entry is not None else AdoptedGap.objects
        gap = rows.using(alias).get(tenant=tenant, pk=line.entry or line.adopted_gap)
        return explain(gap, explanation=said["reason"], by=request.user, using=alias)

    question = Question(
        title=ngettext("Explain a gap", "Explain %(n)s gaps", len(chosen)) % {"n": quantity(len(chosen))},
        warning=_("An auditor reads the explanation. It can't be changed or taken back; a later one adds to it."),
        button=ngettext("Explain it", "Explain them", len(chosen)),
        back=address("gaps", tenant=tenant),
    )
    sent: Any = {"field": "gap", "key": "key"}
    return confirmed(request, access, question, chosen, act, tenant=tenant, alias=alias, turn="explain", **sent)


def _wanted(request: HttpRequest, tenant: str) -> dict[str, Any]:
    asked, dates = Asked(request, "gaps"), asked_dates(request)
    period = asked.text("period")
    return wanted_gaps(
        tenant,
        period=int(period) if period.isascii() and period.isdigit() and len(period) <= 18 else None,
        series=asked.text("series"),
        text=asked.text("q"),
        state=asked.choice("state", ("unexplained", "explained", "all")),
        since=dates.since,
        until=dates.until,
    )
