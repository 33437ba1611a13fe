"""Lorikeet's invoice IDs from the ledger, in the checkout's own transaction::

    LORIKEET_INVOICE_ID_GENERATOR = "ledger.compat.lorikeet.invoice_id"
    LEDGER_LORIKEET = {"SERIES": "invoice", "ORG": ""}  # as here, if it is left out

If the accounting system gives the numbers, add the check, so that an empty pool is an incomplete cart (422) and no
server error::

    LORIKEET_CART_COMPLETE_CHECKERS = [..., "ledger.compat.lorikeet.invoice_id_available"]

``manage.py ledger_migrate_from lorikeet`` takes over the table of Lorikeet's recipe for external invoice IDs as a pool.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import router

from ledger.conf import LORIKEET_KEYS
from ledger.cursors import fetch
from ledger.errors import PoolExhausted
from ledger.homes import database_for
from ledger.issuing import issue
from ledger.keys import tenant_key
from ledger.misspelt import unknown
from ledger.models import Allocation, NumberIssued, Slot
from ledger.periods import find_period
from ledger.series import find_series
from ledger.zones import today_in

_CHECK = "ledger.compat.lorikeet.invoice_id_available"

# Whether this very checkout has just taken the last one: Lorikeet checks the cart afterwards. Arguments: tenant and
# period.
_TAKEN_HERE = """
    SELECT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = %s AND e.period_id = %s
                   AND e.transaction_id = pg_current_xact_id_if_assigned()::text::bigint)
"""
_DEFAULTS = {"SERIES": "invoice", "ORG": ""}


def invoice_id() -> str:
    """The next number of the series that LEDGER_LORIKEET names; the series says how it is allocated.

    Lorikeet passes nothing, so the number is given to no document: a failed payment rolls it back with the order. With
    ``at_commit`` the number is taken at once, and the counter is locked until the checkout commits. Raises what
    ``issue`` raises, such as PoolExhausted if the series is ``remote`` and no draft is free.
    """
    chosen = lorikeet_settings()
    try:
        return str(issue(chosen["SERIES"], org=chosen["ORG"]))
    except PoolExhausted as error:
        if _CHECK not in (getattr(settings, "LORIKEET_CART_COMPLETE_CHECKERS", None) or ()):
            raise
        # Lorikeet asks its checkers later. This is what it would tell the browser then.
        errors = importlib.import_module("lorikeet.exceptions")
        raise errors.IncompleteCartErrorSet([_incomplete(errors)]) from error


def invoice_id_available(cart: Any) -> None:
    """A checker of carts: a cart is incomplete while the pool of a ``remote`` series has no free draft."""
    chosen = lorikeet_settings()
    alias = database_for(chosen["ORG"], None, reads=True) or router.db_for_read(NumberIssued)
    series = find_series(alias, tenant_key(chosen["ORG"]), chosen["SERIES"])
    if series is None or series.allocation != Allocation.REMOTE:
        return
    today = find_period(series, today_in(series.time_zone, alias), alias)
    if today is not None:
        slots = Slot.objects.using(alias).filter(tenant=series.tenant, period=today)
        if slots.exists() or fetch(alias, _TAKEN_HERE, [series.tenant, today.pk]) == [(True,)]:
            return
    raise _incomplete(importlib.import_module("lorikeet.exceptions"))


def _incomplete(errors: Any) -> Any:
    return errors.IncompleteCartError("no_invoice_id", "No invoice number is free just now. Please try again soon.")


def lorikeet_settings() -> Mapping[str, Any]:
    """``LEDGER_LORIKEET`` with its defaults; an unknown key is refused."""
    given: Mapping[str, Any] = getattr(settings, "LEDGER_LORIKEET", {})
    if names := unknown(given, LORIKEET_KEYS):
        raise ImproperlyConfigured(f"LEDGER_LORIKEET has unknown keys {names}; known are {', '.join(LORIKEET_KEYS)}.")
    return {**_DEFAULTS, **given}
