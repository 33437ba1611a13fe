"""Folio: document numbers that a merchant can defend in an audit.

The public API is these functions and, of these modules, the names that docs/reference lists. All other names of Folio
are private and may change. Everything is imported on first use, so ``INSTALLED_APPS += ["ledger"]`` costs nothing::

    from django.db import transaction
    from ledger import issue, issue_many, preview, void

    with transaction.atomic():
        number = issue("invoice", org=shop, document=order)  # str(number) == "INV-2026-000123"
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.actions import void
    from ledger.issuing import issue, issue_many, preview
    from ledger.periods import close_period, open_next_periods, open_period
    from ledger.ranges import authorise
    from ledger.references import add_reference
    from ledger.series import define_series

__version__ = "0.1.0"

__all__ = ["add_reference", "authorise", "close_period", "define_series", "issue", "issue_many", "open_next_periods"]
__all__ += ["open_period", "preview", "void"]
__all__ += ["actions", "adoption", "caf", "errors", "failures", "gaps", "grants", "homes", "judging", "models"]
__all__ += ["moving", "reconciliation", "references", "remote", "reports", "series", "spreadsheets", "sweeps"]
__all__ += ["verification"]

#: Where the functions live; any other public name is that of a module.
_HOMES = {"authorise": "ranges", "define_series": "series", "add_reference": "references", "void": "actions"}
_HOMES |= dict.fromkeys(("issue", "issue_many", "preview"), "issuing")
_HOMES |= dict.fromkeys(("open_period", "open_next_periods", "close_period"), "periods")


def __getattr__(name: str) -> Any:
    # Models can't be imported before the app registry is ready, and settings must be able to import this package.
    if name in _HOMES:
        return getattr(import_module(f"ledger.{_HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"ledger.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
