"""Actions that can't be undone: a page that shows what is chosen and asks, then all of it is done or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connections, models, transaction
from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.admin.base import AnyModelAdmin
from ledger.durability import flush_at_commit
from ledger.errors import LedgerError

#: As many as a person can read before saying yes.
MOST = 200


def act_on_all(chosen: Sequence[Any], act: Callable[[Any], object], alias: str) -> list[str]:
    """Call ``act`` on each in one transaction; returns each failure by name, and after one nothing is done at all."""
    failures = []
    with transaction.atomic(using=alias):
        for one in chosen:
            try:
                with transaction.atomic(using=alias):
                    act(one)
            except LedgerError as error:
                failures.append(f"{one}: {error}")
        # What was done before is told as well.
        flush_at_commit(connections[alias])
        if failures:
            transaction.set_rollback(True, using=alias)
    return failures


def chosen_rows(
    model_admin: AnyModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
) -> Sequence[Any] | None:
    """The chosen rows in the order in which all such actions lock them; None, and a message, if they are too many."""
    chosen = list(queryset.order_by("pk")[: MOST + 1])
    if len(chosen) > MOST:
        model_admin.message_user(
            request,
            f"More than {MOST} are selected. This can't be undone, so it takes at most as many as one can read: "
            "narrow the selection by a filter or a search.",
            messages.ERROR,
        )
        return None
    return chosen


def confirmation_page(
    model_admin: AnyModelAdmin,
    request: HttpRequest,
    chosen: Sequence[Any],
    form: forms.Form,
    failures: Sequence[str],
    words: dict[str, str],
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
