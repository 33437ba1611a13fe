"""Actions that can't be undone: a page that shows what is chosen and asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db import models, router
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from ledger.actions import all_or_none
from ledger.admin.base import AnyModelAdmin
from ledger.errors import LedgerError
from ledger.keys import REASON_LENGTH, reason_text
from ledger.words import lazily as _

#: As many as a person can read before saying yes.
MOST = 200


def chosen_rows(
    model_admin: AnyModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
) -> Sequence[Any] | None:
    """The chosen rows in the order in which all such actions lock them; None, and a message, if they are too many."""
    chosen = list(queryset.order_by("pk")[: MOST + 1])
    if len(chosen) > MOST:
        model_admin.message_user(
            request,
            _(
                "More than %(n)s are selected. This can't be undone, so it takes at most as many as one can read: "
                "narrow the selection by a filter or a search."
            )
            % {"n": MOST},
            messages.ERROR,
        )
        return None
    return chosen


class ReasonForm(forms.Form):
    """What an auditor will read."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )

    def clean_reason(self) -> str:
        """As the ledger takes it."""
        try:
            return reason_text(self.cleaned_data["reason"])
        except LedgerError as error:
            raise ValidationError(str(error)) from error


def acknowledge_all(
    model_admin: AnyModelAdmin,
    request: HttpRequest,
    queryset: models.QuerySet[Any],
    acknowledge: Callable[..., object],
    words: dict[str, Any],
) -> HttpResponse | None:
    """Acknowledge all of the chosen rows or none, after a page that asks for the reason."""
    alias = router.db_for_write(queryset.model)
    chosen = chosen_rows(model_admin, request, queryset.using(alias))
    if chosen is None:
        return None
    confirmed = "confirmed" in request.POST
    form = ReasonForm(request.POST if confirmed else None)
    failures: list[str] = []
    if confirmed and form.is_valid():
        reason = form.cleaned_data["reason"]
        failures = all_or_none(
            chosen,
            lambda one: acknowledge(one, reason=reason, by=request.user, using=alias),
            alias,
            turn="acknowledge",
        ).failures
        if not failures:
            for one in chosen:
                model_admin.log_change(request, one, _("Acknowledged."))
            model_admin.message_user(request, _("Acknowledged: %(n)s.") % {"n": len(chosen)}, messages.SUCCESS)
            return None
    words = {"button": _("Acknowledge"), "action": "acknowledge_selected", **words}
    return confirmation_page(model_admin, request, chosen, form, failures, words)


def confirmation_page(
    model_admin: AnyModelAdmin,
    request: HttpRequest,
    chosen: Sequence[Any],
    form: forms.Form,
    failures: Sequence[str],
    words: dict[str, Any],
) -> TemplateResponse:
    """The page that asks. ``words`` has its title, warning, button and the name of the action."""
    context = {
        **model_admin.admin_site.each_context(request),
        **words,
        "opts": model_admin.opts,
        "chosen": chosen,
        "form": form,
        "failures": failures,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "ledger/admin/confirm.html", context)
