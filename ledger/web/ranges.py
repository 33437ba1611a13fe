"""The ranges that authorities granted to a tenant, what is left of them, and a form to add the next one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ledger.forms import RangeForm
from ledger.models import AuthorisedRange
from ledger.ranges import levels
from ledger.web.access import Access, page
from ledger.web.confirming import Question
from ledger.web.page import address, render_page
from ledger.web.rows import Asked
from ledger.zones import today_in


@page()
def ranges(request: HttpRequest, access: Access) -> HttpResponse:
    """The ranges of one tenant, the latest first, and which series have little left."""
    tenant = access.choose(request)
    found = AuthorisedRange.objects.filter(tenant=tenant).select_related("series", "period").order_by("-pk")
    table = Asked(request, "ranges").rows_of(found.prefetch_related("lapses"))
    alias = found.db
    low = [
        one for one in levels(alias, lambda series: today_in(series.time_zone, alias), tenant=tenant) if one.problems
    ]
    context = {"table": table, "low": low, "may_add": access.may("add_authorisedrange")}
    return render_page(request, access, "ranges.html", context, tenant=tenant, title=_("Authorised ranges"))


@page(does="add_authorisedrange", methods=("GET", "HEAD", "POST"))
def add_range(request: HttpRequest, access: Access) -> HttpResponseBase:
    tenant = access.choose(request)
    form = RangeForm(request.POST if request.method == "POST" else None).of_tenant(tenant)
    back = address("ranges", tenant=tenant)
    if form.is_bound and form.is_valid():
        messages.success(request, _("Added: %(range)s.") % {"range": form.authorise(by=request.user)})
        return redirect(back)
    question = Question(
        title=_("Add an authorised range"),
        warning=_("From then on the series takes its numbers from its ranges alone. What was added can't be changed."),
        button=_("Add it"),
        back=back,
    )
    context = {"question": question, "form": form, "failures": form.non_field_errors()}
    return render_page(request, access, "confirm.html", context, tenant=tenant, title=question.title)
