"""From the name of a system in the settings to the adapter that speaks to it."""

from importlib import import_module
from typing import Any, cast

from workers.accounting import credentials
from workers.accounting.base import AccountingSystem
from workers.accounting.credentials import ADAPTERS, System
from workers.accounting.errors import Misconfigured
from workers.accounting.http_options import HttpOptions


def connect(name: str, http_options: HttpOptions | None = None) -> AccountingSystem:
    """The adapter of the system ``name``; limits and renewed tokens are in the database, for all processes."""
    system = credentials.system(name)
    return adapter(system).connect(system, http_options or shared())


def adapter(system: System) -> type[AccountingSystem]:
    """The class that the settings name."""
    path = ADAPTERS.get(system.adapter, system.adapter)
    module, _, attribute = path.partition(":")
    found: Any = None
    reason = "its class isn't in that module"
    try:
        found = getattr(import_module(module), attribute or "-", None)
    except (ImportError, ValueError) as error:
        reason = str(error)
    if found is None:
        raise Misconfigured(
            f"{system.name}: there is no adapter {system.adapter!r} ({reason}).",
            rule=f"An adapter is one of {', '.join(sorted(ADAPTERS))}, or 'package.module:Class'.",
            remedy="Correct it in the settings; Folio's own need the extra: pip install 'django-folio[accounting]'.",
            system=system.name,
        )
    return cast("type[AccountingSystem]", found)


def shared() -> HttpOptions:
    """The http_options of production: what processes must share is in the database."""
    from workers.accounting.quota import SharedLimiter
    from workers.accounting.tokens import SharedTokens

    return HttpOptions(limiter=SharedLimiter, tokens=SharedTokens())
