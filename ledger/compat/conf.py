"""The setting ``LEDGER_COMPAT``, for callers of other systems. Every key is optional.

LEDGER_COMPAT = {
    "SEQUENCES_TENANT": "",         # whose the sequences of django-sequences are, which know of no tenant
    "COUNT_ON_OVER_YEARS": False,   # django-sequence: the counter goes on when the year in its numbers changes
}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ledger.conf import COMPAT_KEYS
from ledger.keys import tenant_key
from ledger.misspelt import unknown


@dataclass(frozen=True, slots=True)
class CompatSettings:
    """The values of ``LEDGER_COMPAT`` with their defaults."""

    sequences_tenant: str = ""
    count_on_over_years: bool = False


_DEFAULTS = CompatSettings()


def compat_settings() -> CompatSettings:
    """Read ``LEDGER_COMPAT`` anew, so that ``override_settings`` works; an unknown key or value is refused."""
    given: Mapping[str, Any] | None = getattr(settings, "LEDGER_COMPAT", None)
    if not given:
        return _DEFAULTS
    if names := unknown(given, COMPAT_KEYS):
        raise ImproperlyConfigured(
            f"LEDGER_COMPAT has unknown keys {names}; known are {', '.join(sorted(COMPAT_KEYS))}."
        )
    count_on = given.get("COUNT_ON_OVER_YEARS", False)
    if not isinstance(count_on, bool):
        raise ImproperlyConfigured(f"LEDGER_COMPAT['COUNT_ON_OVER_YEARS'] is {count_on!r}; it must be True or False.")
    return CompatSettings(tenant_key(given.get("SEQUENCES_TENANT", "")), count_on)
