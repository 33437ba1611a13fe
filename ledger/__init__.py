"""Folio: document numbers that a merchant can defend in an audit.

The public API is imported on first use, so that ``INSTALLED_APPS += ["ledger"]`` costs nothing::

    from django.db import transaction
    from ledger import issue, issue_many, preview, void

    with transaction.atomic():
        number = issue("invoice", org=shop, document=order)  # str(number) == "INV-2026-000123"
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.actions import void
    from ledger.issuing import issue, issue_many, preview
    from ledger.periods import close_period, open_next_periods, open_period
    from ledger.ranges import authorise
    from ledger.registering import register
    from ledger.series import define_series

__version__ = "0.1.0"

__all__ = [
    "authorise",
    "close_period",
    "define_series",
    "issue",
    "issue_many",
    "open_next_periods",
    "open_period",
    "preview",
    "register",
    "void",
]

_HOME = {
    "issue": "ledger.issuing",
    "issue_many": "ledger.issuing",
    "preview": "ledger.issuing",
    "authorise": "ledger.ranges",
    "register": "ledger.registering",
    "void": "ledger.actions",
    "define_series": "ledger.series",
    "open_period": "ledger.periods",
    "open_next_periods": "ledger.periods",
    "close_period": "ledger.periods",
}


def __getattr__(name: str) -> Any:
    # Models can't be imported before the app registry is ready, and settings must be able to import this package.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
