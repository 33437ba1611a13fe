"""The setting ``LEDGER_COMPAT`` of the drop-in replacements. Every key is optional.

LEDGER_COMPAT = {
    "SEQUENCES_TENANT": "",         # the tenant of all sequences of django-sequences, which has no tenants
    "COUNT_ON_OVER_YEARS": False,   # django-sequence: the counter goes on when the year in its numbers changes
    "DEFAULT_PREFIXES": True,       # django-sequence without prefix=: INV-2026-000001; False: 2026-000001
    "HIDE_ORIGINALS": False,        # a shim hides the package that it stands in for, if that is installed too
    "OLD_NAMES": {                  # django-sequences: names (regular expressions), and the series that go on with them
        r"invoices_(?P<year>[0-9]{4})": {"series": "invoice", "template": "R{year}-{counter:04}", "calendar": "year"},
    },
    "GENERATORS": {                 # ledger.compat.generators: by the host's package, or "default"
        "lorikeet": {"series": "invoice", "org": "", "allocation": "pooled"},
    },
    "PLANS": {                      # django-plans: by the type of its invoices
        "CREDIT_NOTE": {"series": "credit-note", "template": "{counter}/KOR/{month}/{year}", "calendar": "month"},
    },
}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ledger.conf import COMPAT_KEYS
from ledger.keys import tenant_key
from ledger.misspelt import unknown
from ledger.series import SETTINGS

_FLAGS = ("COUNT_ON_OVER_YEARS", "DEFAULT_PREFIXES", "HIDE_ORIGINALS")


class SeriesChoice(NamedTuple):
    """The series that numbers something, and the settings that create it if it doesn't exist yet."""

    series: str
    org: str
    settings: dict[str, Any]
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CompatSettings:
    """The values of ``LEDGER_COMPAT`` with their defaults."""

    sequences_tenant: str = ""
    count_on_over_years: bool = False
    default_prefixes: bool = True
    hide_originals: bool = False
    old_names: tuple[tuple[re.Pattern[str], SeriesChoice], ...] = ()
    generators: Mapping[str, SeriesChoice] = field(default_factory=dict)
    plans: Mapping[str, SeriesChoice] = field(default_factory=dict)


_DEFAULTS = CompatSettings()


def compat_settings() -> CompatSettings:
    """Read ``LEDGER_COMPAT`` at each call, so that ``override_settings`` works. Refuses unknown keys and values."""
    given: Mapping[str, Any] | None = getattr(settings, "LEDGER_COMPAT", None)
    if not given:
        return _DEFAULTS
    if names := unknown(given, COMPAT_KEYS):
        raise ImproperlyConfigured(
            f"LEDGER_COMPAT has unknown keys {names}; known are {', '.join(sorted(COMPAT_KEYS))}."
        )
    flags = {name.lower(): given[name] for name in _FLAGS if name in given}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ImproperlyConfigured(f"LEDGER_COMPAT['{name.upper()}'] is {value!r}; it must be True or False.")
    return CompatSettings(
        tenant_key(given.get("SEQUENCES_TENANT", "")),
        **flags,
        old_names=tuple((_pattern(name), choice) for name, choice in _choices(given, "OLD_NAMES").items()),
        generators=_choices(given, "GENERATORS", "returns"),
        plans=_choices(given, "PLANS"),
    )


def _choices(given: Mapping[str, Any], key: str, *extra: str) -> dict[str, SeriesChoice]:
    chosen = given.get(key, {})
    if not isinstance(chosen, Mapping) or not all(isinstance(one, Mapping) for one in chosen.values()):
        raise ImproperlyConfigured(f"LEDGER_COMPAT[{key!r}] must be a dict of dicts, such as {{'series': 'invoice'}}.")
    return {name: _choice(f"LEDGER_COMPAT[{key!r}][{name!r}]", one, extra) for name, one in chosen.items()}


def _choice(where: str, one: Mapping[str, Any], extra: tuple[str, ...]) -> SeriesChoice:
    known = ("series", "org", *SETTINGS, *extra)
    if names := unknown(one, known):
        raise ImproperlyConfigured(f"{where} has unknown keys {names}; known are {', '.join(known)}.")
    if not isinstance(one.get("series"), str):
        raise ImproperlyConfigured(f"{where} names no series: 'series': 'invoice'.")
    return SeriesChoice(
        one["series"],
        tenant_key(one.get("org", "")),
        {name: one[name] for name in SETTINGS if name in one},
        {name: one[name] for name in extra if name in one},
    )


def _pattern(name: str) -> re.Pattern[str]:
    try:
        return re.compile(name)
    except re.error as error:
        raise ImproperlyConfigured(
            f"LEDGER_COMPAT['OLD_NAMES'] has {name!r}, which is no regular expression: {error}"
        ) from error
