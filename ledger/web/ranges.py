"""The ranges that authorities granted to a tenant, what is left of them, and a form to add the next one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from ledger.actions import authorise
from ledger.errors import LedgerError
from ledger.localization import lazily as _
from ledger.models import AuthorisedRange, Series
from ledger.ranges import levels
from ledger.web.access import Access, page
from ledger.web.confirming import Question
from ledger.web.page import address, render_page
from ledger.web.query_string import Asked
from ledger.zones import today_in

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class RangeForm(forms.ModelForm):  # type: ignore[type-arg]
    """``clean`` runs ``authorise`` and rolls it back; the method ``authorise`` does it for good."""

    class Meta:
        model = AuthorisedRange
        fields = (
            *("series", "authority", "reference", "document_type", "prefix", "first_value", "last_value"),
            *("valid_from", "valid_to", "key_reference", "document"),
        )
        widgets = {"valid_from": _DATE, "valid_to": _DATE}
        help_texts = {
            "last_value": _("Inclusive; empty for a range without an end."),
            "valid_to": _("Inclusive; empty for a range that doesn't expire."),
        }

    def clean(self) -> dict[str, Any] | None:
        """Shows what the database would refuse."""
        cleaned = super().clean()
        if not self.errors:
            alias = self.cleaned_data["series"]._state.db
            try:
                with transaction.atomic(using=alias):
                    self.authorise()
                    transaction.set_rollback(True, using=alias)
            except LedgerError as error:
                raise ValidationError(str(error)) from error
        return cleaned

    def of_tenant(self, tenant: str) -> "RangeForm":
        """This form, with the series of one tenant."""
        series: Any = self.fields["series"]
        series.queryset = Series.objects.filter(tenant=tenant).exclude(allocation="remote")
        return self

    def authorise(self, *, by: Any = None) -> AuthorisedRange:
        """Add the range."""
        given = dict(self.cleaned_data)
        first, last = given.pop("first_value"), given.pop("last_value")
        return authorise(given.pop("series"), first=first, last=last, by=by, **given)


@page()
def ranges(request: HttpRequest, access: Access) -> HttpResponse:
    """The ranges of one tenant, the latest first, and which series have little left."""
    tenant = access.chosen_tenant(request)
    found = AuthorisedRange.objects.filter(tenant=tenant).select_related("series", "period").order_by("-pk")
    table = Asked(request, "ranges").rows_of(found.prefetch_related("lapses"))
    alias = found.db
    known = levels(alias, lambda series: today_in(series.time_zone, alias), tenant=tenant)
    low = [one for one in known if one.problems]
    context = {"table": table, "low": low, "may_add": access.may("add_authorisedrange")}
    return render_page(request, access, "ranges.html", context, tenant=tenant, title=_("Authorised ranges"))


@page(does="add_authorisedrange")
def add_range(request: HttpRequest, access: Access) -> HttpResponseBase:
    tenant = access.chosen_tenant(request)
    form = RangeForm(request.POST if request.method == "POST" else None).of_tenant(tenant)
    back = address("ranges", tenant=tenant)
    if form.is_bound and form.is_valid():
        messages.success(request, _("Added: %(range)s.") % {"range": form.authorise(by=request.user)})
        return redirect(back)
    question = Question(
        title=_("Add an authorised range"),
        warning=_("The series will then take its numbers from its ranges alone. A range can't be changed later."),
        button=_("Add it"),
        back=back,
    )
    context = {"question": question, "form": form, "failures": form.non_field_errors()}
    return render_page(request, access, "confirm.html", context, tenant=tenant, title=question.title)
