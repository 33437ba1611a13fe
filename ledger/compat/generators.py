"""One callable for every setting that asks for "the dotted path of a number generator"::

    LORIKEET_INVOICE_ID_GENERATOR = "ledger.compat.generators.number"
    INVOICING_SEQUENCE_GENERATOR = "ledger.compat.generators.number"
    SALESMAN_ORDER_REFERENCE_GENERATOR = "ledger.compat.generators.number"

    LEDGER_COMPAT = {"GENERATORS": {
        "lorikeet": {"series": "invoice", "allocation": "pooled"},
        "invoicing": {"series": "bill", "template": "{year}/{counter}", "returns": "value"},
        "default": {"series": "order"},
    }}

The host is the package whose code calls; "default" stands for all others. Its entry names the series and the tenant
(``org``); the other settings create the series if it doesn't exist yet. ``returns`` is "number", or "value" for hosts
that keep the bare counter.
"""

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.models import Model

from ledger.compat.conf import SeriesChoice, compat_settings
from ledger.compat.new_series import find_or_make
from ledger.errors import InvalidSeries
from ledger.homes import home_of
from ledger.issuing import issue


def number(*arguments: Any, **named: Any) -> Any:
    """The next number of the host's series; accepts whatever the host passes.

    The first saved model instance among the arguments, other than a user, is the document, which gets the same number
    again. The first date among them is the business date. Outside a transaction it opens one of its own: the number is
    committed when it returns. If the host fails afterwards, void the number.

    Raises InvalidSeries if the series has another allocation than the settings say, and what ``issue`` raises.
    """
    host = str(sys._getframe(1).f_globals.get("__name__", "")).partition(".")[0]
    chosen = _chosen(host)
    given = [*arguments, *named.values()]
    alias = home_of(chosen.org)
    with nullcontext() if connections[alias].in_atomic_block else transaction.atomic(using=alias):
        series = find_or_make(alias, chosen.org, chosen.series, chosen.settings)
        allocation = chosen.settings.get("allocation", series.allocation)
        if allocation != series.allocation:
            raise InvalidSeries(
                f"The series {str(series)!r} is {series.allocation}, and not {allocation} as the settings say.",
                rule="Settings make a series, and change none.",
                remedy=f"Run manage.py ledger_series allocate {series.code} {allocation}, or correct the setting.",
            )
        entry = issue(series, document=_document(given), on=_day(given), using=alias)
        return entry.value if chosen.extra.get("returns") == "value" else str(entry)


def _chosen(host: str) -> SeriesChoice:
    generators = compat_settings().generators
    chosen = generators.get(host) or generators.get("default")
    if chosen is None:
        raise ImproperlyConfigured(
            f"LEDGER_COMPAT['GENERATORS'] has no entry for {host!r}, whose code asked for a number, and no 'default'. "
            f"Say which series it is: {{{host!r}: {{'series': 'invoice'}}}}."
        )
    if chosen.extra.get("returns", "number") not in ("number", "value"):
        raise ImproperlyConfigured(f"LEDGER_COMPAT['GENERATORS'][{host!r}]['returns'] must be 'number' or 'value'.")
    return chosen


def _document(given: Iterable[Any]) -> Model | None:
    user = get_user_model()
    rows = (one for one in given if isinstance(one, Model) and not isinstance(one, user))
    return next((row for row in rows if row.pk is not None and not row._state.adding), None)


def _day(given: Iterable[Any]) -> date | None:
    found = next((one for one in given if isinstance(one, date)), None)
    return found.date() if isinstance(found, datetime) and found.tzinfo is None else found
