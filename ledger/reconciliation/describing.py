"""The amount and customer of a number, which only the project knows. Its hook returns them:

    def describe(entry):                       # the ledger's NumberIssued
        order = Order.objects.get(pk=entry.document.removeprefix("shop.order:"))
        return {"customer": order.customer.xero_id, "total": order.total, "currency": "EUR"}

It returns a mapping with ``customer`` (as the books have it: a name, or the system's own key), ``total`` (a Decimal, or
a whole number) and ``currency``. Where documents are pushed, there may also be ``extra`` (what goes into the request as
it is), ``draft_id`` (the draft that has this number) and ``reference`` (else the document's key, or ``entry:ID`` where
the number has none). An amount must be there, in ``total`` or in the lines of ``extra``.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, connections, router, transaction

from ledger.models import Entry
from ledger.reconciliation.books import BookSettings
from ledger.reconciliation.comparing import compared_series
from ledger.reconciliation.mirror import Expected, expect, undescribed

Describe = Callable[[Entry], Mapping[str, Any]]

#: How many seconds a run asks the hook, and how many answers it keeps at a time.
_DESCRIBING, _AT_A_TIME = 60.0, 200

_TEXTS = ("customer", "currency", "draft_id", "reference")
_EXCERPT = 300

_log = logging.getLogger(__name__)


def describe_numbers(books: BookSettings, describe: Describe, *, using: str | None = None) -> bool:
    """Ask the hook once for each number whose amount could be compared; returns whether all have been asked for.

    It stops after a minute, and the next run continues. A number that the hook can't describe isn't compared, and not
    asked for again.
    """
    alias = using or router.db_for_write(Entry)
    series, _ = compared_series(books, alias)
    ends = time.monotonic() + _DESCRIBING
    # A failed statement of the hook must not end the caller's transaction.
    part = transaction.atomic if connections[alias].in_atomic_block else nullcontext
    while found := undescribed(books, list(series), most=_AT_A_TIME, using=alias):
        if time.monotonic() >= ends:
            return False
        expected = []
        for entry in Entry.objects.using(alias).filter(pk__in=found):
            try:
                with part(alias):
                    said = ask(describe, entry.of_its_kind())
            except ValueError as error:
                _log.warning("%s: describe of %s %s; its amount isn't compared.", books.system, entry.number, error)
                said = {}
            its_own = {name: said[name] for name in ("total", "currency", "customer") if name in said}
            expected.append(Expected(entry.pk, **its_own))
        expect(books, expected, using=alias)
    return True


def ask(describe: Describe, entry: Entry) -> dict[str, Any]:
    """The hook's answer about an entry, without empty parts. Raises ValueError with what is wrong with the answer."""
    try:
        said: Any = describe(entry)
    except (OperationalError, InterfaceError):
        # The connection is lost, which says nothing about this number.
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_EXCERPT]
        raise ValueError(f"raised {told}") from error
    if problem := _problem(said):
        raise ValueError(problem)
    parts = {key: value for key, value in said.items() if value is not None}
    if "total" in parts:
        parts["total"] = Decimal(parts["total"])
    return parts


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
    """The types that the HTTP client can send beside those of JSON."""
    if isinstance(value, Decimal | date):
        return str(value)
    raise TypeError(f"{type(value).__name__} isn't JSON")
