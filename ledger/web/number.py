"""One number: its whole story; and declaring it void, with a reason."""

from typing import Any

from django.db import router
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from ledger.actions import void
from ledger.formats import MAX_VALUE
from ledger.models import Entry, NumberVoided, Period
from ledger.web.access import Access, access_of, page
from ledger.web.confirming import Question, VoidForm, confirmed
from ledger.web.page import address, render_page
from ledger.web.story import story


@page()
def number(request: HttpRequest, access: Access, period: int, value: int) -> HttpResponse:
    found: Any = access.find(Period.objects.select_related("series"), pk=period)
    if value > MAX_VALUE:
        raise Http404
    told = story(found, value, with_findings=access_of(access.user, "view_findingraised").sees(found.tenant))
    gap = f"e{told.entry.pk}" if told.state == "gap" and told.entry is not None else ""
    if not gap and told.adopted_gap is not None:
        gap = f"a{told.adopted_gap.pk}"
    context = {
        "period": found,
        "series": found.series,
        "value": value,
        "story": told,
        "before": value - 1 if value > found.first_value else None,
        "after": value + 1 if value < found.last_value else None,
    }
    if told.state in ("issued", "adopted") and access.may("void_number"):
        context["void_url"] = address("void_number", period, value)
    if gap and access.may("explain_gap"):
        context["explain_url"] = address("explain_gaps", tenant=found.tenant, gap=gap)
    return render_page(request, access, "number.html", context, tenant=found.tenant, title=told.number)


@page(does="void_number", methods=("GET", "HEAD", "POST"))
def void_number(request: HttpRequest, access: Access, period: int, value: int) -> HttpResponse:
    found: Any = access.find(Period.objects.all(), pk=period)
    alias = router.db_for_write(NumberVoided)
    entry = Entry.objects.using(alias).filter(tenant=found.tenant, period=found, value=value).first()
    if entry is None:
        raise Http404

    def act(one: Entry, said: dict[str, Any]) -> NumberVoided:
        replacement = said["replacement"] or None
        return void(one, reason=said["reason"], by=request.user, replacement=replacement, using=alias)

    question = Question(
        title=_("Declare %(number)s void") % {"number": entry.number},
        warning=_("The number stays in the ledger and is never given again. This can't be taken back."),
        button=_("Declare it void"),
        back=address("number", period, value),
    )
    whose = {"tenant": found.tenant, "alias": alias, "turn": "void"}
    return confirmed(request, access, question, [entry], act, **whose, form_class=VoidForm)
