"""What accounting software wants to know of a number beside the number: the ``describe`` hook of the settings says it.

    def describe(entry):                       # the ledger's NumberIssued
        order = Order.objects.get(pk=entry.document.removeprefix("shop.order:"))
        return {"customer": order.customer.xero_id, "total": order.total, "currency": "EUR"}

It returns a mapping with parts of ``NewInvoice``: ``customer`` (the system's own key), ``total`` (a Decimal, or a whole
number), ``currency``, ``extra`` (what goes into the request as it is); and where they are needed, ``draft_id`` (the
draft that has this number) and ``reference`` (else the document's key, or ``entry:ID`` where the number has none).
An amount must be there, in ``total`` or in the lines of ``extra``. The hook is called outside of any transaction.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

from django.db import InterfaceError, OperationalError

from ledger.models import Entry
from workers.accounting.base import NewInvoice
from workers.accounting.credentials import SETTING, System
from workers.accounting.errors import Misconfigured, NotDescribed

Describe = Callable[[Entry], Mapping[str, Any]]

_RULE = (
    "It returns a mapping with customer, total, currency, extra, draft_id or reference, and with an amount: in total, "
    "as a Decimal or a whole number, or in extra."
)
_TEXTS = ("customer", "currency", "draft_id", "reference")
_EXCERPT = 300


def hook(system: System) -> Describe:
    """The function that the settings name; Misconfigured if they name none, or it isn't there."""
    found: Any = None
    reason = "it names no function" if system.describe else "it is missing"
    module, _, attribute = system.describe.partition(":")
    if module and attribute:
        try:
            found = getattr(import_module(module), attribute, None)
        except ImportError as error:
            reason = str(error)
    if not callable(found):
        raise Misconfigured(
            f"{system.name}: its 'describe' is {system.describe!r}, and {reason}.",
            rule="What is pushed needs a customer and an amount, which the ledger doesn't know.",
            remedy=f"Name a function of yours in {SETTING}['SYSTEMS'][{system.name!r}]: "
            "'describe': 'package.module:function'; workers.writing_back.describing says what it returns.",
            system=system.name,
        )
    return cast("Describe", found)


def described(system: System, describe: Describe, entry: Entry, *, draft_id: str = "") -> NewInvoice:
    """The document to push for ``entry``, or NotDescribed. ``draft_id`` counts where the hook names none."""
    try:
        said: Any = describe(entry)
    except (OperationalError, InterfaceError):
        # The database is away, and says nothing about this number.
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_EXCERPT]
        raise _not_described(system, entry, f"raised {told}") from error
    if problem := _problem(said):
        raise _not_described(system, entry, problem)
    parts = {key: value for key, value in said.items() if value is not None}
    if "total" in parts:
        parts["total"] = Decimal(parts["total"])
    given: dict[str, Any] = {"reference": entry.document or f"entry:{entry.pk}", "draft_id": draft_id, **parts}
    return NewInvoice(issued_on=entry.issued_on, number=entry.number, **given)


def _problem(said: Any) -> str:
    """What is wrong with an answer of the hook; empty if nothing is."""
    if not isinstance(said, Mapping):
        return f"returned {type(said).__name__}, not a mapping"
    parts = {key: value for key, value in said.items() if value is not None}
    if unknown := sorted(str(key) for key in set(parts) - {*_TEXTS, "total", "extra"}):
        return f"returned the unknown parts {', '.join(unknown)}"
    for key in _TEXTS:
        if not isinstance(parts.get(key, ""), str):
            return f"returned a {key} of type {type(parts[key]).__name__}"
    total = parts.get("total", Decimal(0))
    # A float is no amount of money: 0.1 + 0.2 isn't 0.3.
    if isinstance(total, bool) or not isinstance(total, Decimal | int) or not Decimal(total).is_finite():
        return f"returned the total {total!r} of type {type(total).__name__}"
    extra = parts.get("extra", {})
    if not isinstance(extra, dict) or not all(isinstance(key, str) for key in extra):
        return "returned an extra that is no dict with texts for keys"
    if "total" not in parts and not extra:
        return "returned no amount"
    try:
        json.dumps(extra, default=_plain)
    except (TypeError, ValueError) as error:
        return f"returned an extra that can't be sent as JSON ({error})"
    return ""


def _plain(value: object) -> object:
    """What the client makes JSON of beside what JSON knows."""
    if isinstance(value, Decimal | date):
        return str(value)
    raise TypeError(f"{type(value).__name__} isn't JSON")


def _not_described(system: System, entry: Entry, what: str) -> NotDescribed:
    return NotDescribed(
        f"{system.name}: describe of {entry.number} {what}.",
        rule=_RULE,
        remedy=f"Correct {system.describe}, and then: manage.py ledger_push --system {system.name} --retry.",
        system=system.name,
    )
