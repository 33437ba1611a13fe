"""Actions that can't be undone: a page that shows what is chosen and asks, then all of it is done, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models, router
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from ledger.actions import all_or_none
from ledger.admin.base import AnyModelAdmin
from ledger.words import lazily as _

#: As many as a person can read before saying yes.
MOST = 200


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to each of the chosen rows, and its words.

    ``form`` makes the form of what is typed and of how many rows there are; ``do`` gets a row, what was said and the
    database. ``action`` is the method of the admin page, ``turn`` what ``all_or_none`` takes, ``logged`` what Django's
    log says of each row, and ``told`` what is said of all of them: its ``numbers`` or ``periods``.
    """

    action: str
    turn: str
    title: Any
    warning: Any
    button: Any
    logged: Any
    told: Any
    form: Callable[[Any, int], forms.Form]
    do: Callable[[Any, dict[str, Any], str], object]

    def ask(
        self, model_admin: AnyModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse | None:
        """The page that asks, or None once it is done."""
        alias = router.db_for_write(queryset.model)
        # In the order in which all such actions lock them.
        chosen = list(queryset.using(alias).order_by("pk")[: MOST + 1])
        if len(chosen) > MOST:
            told = _(
                "More than %(n)s are selected. This can't be undone, so it takes at most as many as one can read: "
                "narrow the selection by a filter or a search."
            )
            model_admin.message_user(request, told % {"n": MOST}, messages.ERROR)
            return None
        form = self.form(request.POST if "confirmed" in request.POST else None, len(chosen))
        failures: list[str] = []
        if form.is_bound and form.is_valid():
            said = form.cleaned_data
            failures = all_or_none(chosen, lambda one: self.do(one, said, alias), alias, turn=self.turn).failures
            if not failures:
                for one in chosen:
                    model_admin.log_change(request, one, self.logged)
                names = ", ".join(map(str, chosen))
                told = self.told % {"numbers": names, "periods": names}
                model_admin.message_user(request, told, messages.SUCCESS)
                return None
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.title,
            "warning": self.warning,
            "button": self.button,
            "action": self.action,
            "opts": model_admin.opts,
            "chosen": chosen,
            "form": form,
            "failures": failures,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "media": model_admin.media + form.media,
        }
        return TemplateResponse(request, "ledger/admin/confirm.html", context)
