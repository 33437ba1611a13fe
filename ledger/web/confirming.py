"""The page before an action that can't be undone. It shows what is chosen, asks why, and does all of it or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import router
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext

from ledger.actions import all_or_none, void
from ledger.errors import LedgerError
from ledger.keys import KEY_LENGTH, REASON_LENGTH, document_key, reason_text
from ledger.localization import lazily as _, quantity
from ledger.models import Entry, NumberVoided
from ledger.web.access import Access
from ledger.web.page import address, render_page

#: How many rows a person can check before saying yes: chosen one by one, and chosen by a filter. The page names MOST.
MOST, MOST_MATCHING = 200, 1000


class ReasonForm(forms.Form):
    """What an auditor will read."""

    reason = forms.CharField(label=_("Reason"), max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 4}))

    def clean_reason(self) -> str:
        return cleaned(reason_text, self.cleaned_data["reason"])


class VoidForm(ReasonForm):
    """The reason, and what takes the number's place."""

    replacement = forms.CharField(
        label=_("Replacement"),
        required=False,
        max_length=KEY_LENGTH,
        help_text=_("The document or number that takes its place, if there is one."),
    )

    def clean_replacement(self) -> str:
        return cleaned(document_key, self.cleaned_data["replacement"] or None)


@dataclass(frozen=True, slots=True)
class Question:
    """The texts of the page, and the address ``back`` to where it was opened."""

    title: Any
    warning: Any
    button: Any
    back: str


def confirmed(
    request: HttpRequest,
    access: Access,
    question: Question,
    chosen: Sequence[Any],
    act: Callable[[Any, dict[str, Any]], Any],
    *,
    tenant: str,
    alias: str,
    turn: str,
    form_class: type[forms.Form] = ReasonForm,
    field: str = "",
    key: str = "pk",
) -> HttpResponse:
    """Ask, and on POST call ``act(row, form data)`` for each row, all or none: see ``ledger.actions.all_or_none``.

    ``field`` is the form field that holds the ``key`` of each row. Where a filter chose the rows, the form sends how
    many there were. If that number has changed, the page asks again: nobody confirms what they haven't seen.
    """
    matching = asks_for_all(request)
    most = MOST_MATCHING if matching else MOST
    form = form_class(request.POST if request.method == "POST" else None)
    failures: list[str] = []
    if not chosen:
        messages.warning(request, _("Nothing was selected."))
        return redirect(question.back)
    if len(chosen) > most:
        messages.error(request, too_many(most))
        return redirect(question.back)
    if form.is_bound and matching and request.POST.get("count") != str(len(chosen)):
        now = {"n": quantity(len(chosen))}
        failures = [_("What matches has changed in the meantime: there are %(n)s now.") % now]
    elif form.is_bound and form.is_valid():
        done = all_or_none(chosen, lambda one: act(one, form.cleaned_data), alias, turn=turn)
        failures = done.failures
        if not failures:
            written = _("Done: %(n)s.") % {"n": quantity(done.written)}
            messages.success(request, written if done.written else _("Nothing was left to do: it was done before."))
            return redirect(question.back)
    context = {
        "question": question,
        "chosen": chosen[:MOST],
        "more": len(chosen) - MOST,
        "count": len(chosen) if matching else None,
        "sent": [] if matching or not field else [getattr(one, key) for one in chosen],
        "form": form,
        "failures": failures,
        "field": field,
    }
    return render_page(request, access, "confirm.html", context, tenant=tenant, title=question.title)


def acknowledging(
    request: HttpRequest,
    access: Access,
    raised: Any,
    said: Any,
    acknowledge: Callable[..., Any],
    noun: str,
    asked: Callable[[int], str],
    matching: Callable[[HttpRequest, str], Any],
) -> HttpResponse:
    """Ask why the chosen rows of ``raised`` may stand, and append the answer to each, as rows of ``said``.

    ``noun`` is the name of such a row in addresses and forms, "alarm"; ``asked(count)`` is the page's title.
    ``matching(request, tenant)`` are the rows that match the page's filter and may be acknowledged.
    """
    tenant = access.chosen_tenant(request)
    alias = router.db_for_write(said)
    if asks_for_all(request):
        rows = matching(request, tenant).using(alias)
    else:
        rows = raised.objects.using(alias).filter(tenant=tenant, pk__in=chosen_ids(request, noun))
    chosen = list(rows.order_by("pk")[: MOST_MATCHING + 1])
    question = Question(
        title=asked(len(chosen)),
        warning=_("An auditor reads why it may stand. It can't be changed or taken back; a later reason adds to it."),
        button=ngettext("Acknowledge it", "Acknowledge them", len(chosen)),
        back=address(f"{noun}s", tenant=tenant),
    )

    def act(row: Any, given: dict[str, Any]) -> Any:
        return acknowledge(row, reason=given["reason"], by=request.user, using=alias)

    return confirmed(request, access, question, chosen, act, tenant=tenant, alias=alias, turn="acknowledge", field=noun)


def too_many(most: int) -> str:
    return _("More than %(n)s are selected. This can't be undone, so choose fewer at once.") % {"n": quantity(most)}


def void_as_said(by: Any, entry: Entry, said: dict[str, Any], alias: str) -> NumberVoided:
    """Void a number for the reason, and with the replacement, that a ``VoidForm`` holds."""
    return void(entry, reason=said["reason"], by=by, replacement=said.get("replacement") or None, using=alias)


def asks_for_all(request: HttpRequest) -> bool:
    """Whether the form means all rows that match the filter, instead of rows chosen one by one."""
    return "all" in request.GET


def chosen_ids(request: HttpRequest, field: str) -> list[int]:
    """The ids that a form has sent, at most one more than allowed: that one shows that there are too many."""
    named = (request.POST if request.method == "POST" else request.GET).getlist(field)[: MOST + 1]
    return [int(key) for key in named if key.isascii() and key.isdigit() and len(key) <= 18]


def cleaned(check: Callable[[Any], str], given: Any) -> str:
    """``check(given)``, with its LedgerError as a ValidationError."""
    try:
        return check(given)
    except LedgerError as error:
        raise ValidationError(str(error)) from error
