"""What can't be undone: a page that shows what is chosen, asks why, and does all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import OperationalError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from ledger.durability import flush_at_commit
from ledger.errors import LedgerError
from ledger.keys import KEY_LENGTH, REASON_LENGTH, document_key, reason_text
from ledger.web.access import Access
from ledger.web.shown import shown

#: As many as a person can read before saying yes.
MOST = 200


class ReasonForm(forms.Form):
    """What an auditor will read."""

    reason = forms.CharField(max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 4}))

    def clean_reason(self) -> str:
        """As the ledger takes it."""
        return _cleaned(reason_text, self.cleaned_data["reason"])


class VoidForm(ReasonForm):
    """With what takes the number's place."""

    replacement = forms.CharField(
        required=False,
        max_length=KEY_LENGTH,
        help_text="The document or number that takes its place, if there is one.",
    )

    def clean_replacement(self) -> str:
        """As ``void`` takes it."""
        return _cleaned(document_key, self.cleaned_data["replacement"] or None)


_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Question:
    """What the page says: its title, a warning, the button; and where it leads back to."""

    title: str
    warning: str
    button: str
    back: str


def confirmed(
    request: HttpRequest,
    access: Access,
    question: Question,
    chosen: Sequence[Any],
    act: Callable[[Any, dict[str, Any]], bool],
    *,
    tenant: str,
    alias: str,
    form_class: type[forms.Form] = ReasonForm,
) -> HttpResponse:
    """Ask, and on POST call ``act(one, what was typed)`` on each in one transaction; after a refusal nothing is done.

    ``act`` tells whether there was anything to do, so that a form that is sent twice does it once: of two that arrive
    together, the second waits here for the first.
    """
    form = form_class(request.POST if request.method == "POST" else None)
    failures: list[str] = []
    if not chosen:
        messages.warning(request, "Nothing was selected.")
        return redirect(question.back)
    if len(chosen) > MOST:
        messages.error(request, f"More than {MOST} are selected. This can't be undone, so choose fewer at once.")
        return redirect(question.back)
    if form.is_bound and form.is_valid():
        done, failures = _do(chosen, lambda one: act(one, form.cleaned_data), alias, f"{request.path}:{tenant}")
        if not failures:
            told = f"Done: {done:,}." if done else "Nothing was left to do: it was done before."
            messages.success(request, told)
            return redirect(question.back)
    context = {"question": question, "chosen": chosen, "form": form, "failures": failures}
    return shown(request, access, "confirm.html", context, tenant=tenant, title=question.title)


def _do(chosen: Sequence[Any], act: Callable[[Any], bool], alias: str, turn: str) -> tuple[int, list[str]]:
    done, failures = 0, []
    with transaction.atomic(using=alias):
        _take_turn(alias, turn)
        for one in chosen:
            try:
                with transaction.atomic(using=alias):
                    done += act(one)
            except LedgerError as error:
                failures.append(f"{one}: {error}")
        # What was done before is told as well.
        flush_at_commit(connections[alias])
        if failures:
            transaction.set_rollback(True, using=alias)
    return done, failures


def _take_turn(alias: str, turn: str) -> None:
    """Let a double click come after the first one, which then has nothing left to do.

    A courtesy: any role can hold such a lock, so nobody waits for it longer than two seconds.
    """
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '2s', true)")
            patience = cursor.fetchone()[0]
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledger.web:' || %s, 0))", [turn])
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [patience])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise


def _cleaned(check: Callable[[Any], str], given: Any) -> str:
    try:
        return check(given)
    except LedgerError as error:
        raise ValidationError(str(error)) from error
