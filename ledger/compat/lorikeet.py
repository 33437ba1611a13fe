"""Lorikeet's invoice IDs from the ledger, in the checkout's own transaction::

    LORIKEET_INVOICE_ID_GENERATOR = "ledger.compat.lorikeet.invoice_id"
    LEDGER_LORIKEET = {"SERIES": "invoice", "ORG": ""}  # as here, if it is left out

The table that Lorikeet's recipe for external invoice IDs keeps is taken over as a pool: ``manage.py ledger_migrate_from
lorikeet``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ledger.conf import LORIKEET_KEYS
from ledger.issuing import issue
from ledger.misspelt import unknown

_DEFAULTS = {"SERIES": "invoice", "ORG": ""}


def invoice_id() -> str:
    """The next number of the series that LEDGER_LORIKEET names; how it is allocated, the series says.

    Lorikeet passes nothing, so the number is given to no document: a payment that fails rolls it back with the order.
    With ``at_commit`` the number is asked for at once, and the counter is locked until the checkout commits. Raises
    what ``issue`` raises: PoolExhausted, where the series is ``remote`` and no draft is free.
    """
    chosen = lorikeet_settings()
    return str(issue(chosen["SERIES"], org=chosen["ORG"]))


def lorikeet_settings() -> Mapping[str, Any]:
    """``LEDGER_LORIKEET`` with its defaults; an unknown key is refused."""
    given: Mapping[str, Any] = getattr(settings, "LEDGER_LORIKEET", {})
    if names := unknown(given, LORIKEET_KEYS):
        raise ImproperlyConfigured(f"LEDGER_LORIKEET has unknown keys {names}; known are {', '.join(LORIKEET_KEYS)}.")
    return {**_DEFAULTS, **given}
