"""The one setting, ``LEDGER``, read and typed in one place. Every key is optional.

LEDGER = {
    "TIME_ZONE": "Europe/Berlin",      # zone of series made by default; else Django's TIME_ZONE
    "CLOCK": "database",               # who says what today is: "database", or "application" (freezegun)
    "OPEN_AHEAD_DAYS": 30,             # how early the next period's row is made
    "MAX_DAYS_AHEAD": 400,             # how far after today a document of a new series may be dated, unless it says so
    "SWEEPS": {                        # seconds: how often each is due, and how long it may take; and how many ids
        "flag_gaps": {"every": 60, "limit": 300, "batch": 500},         # make one batch where there is much to do
    },
    "METRICS_TOKEN": "…",              # who sends it as a bearer token may read /metrics; without one, nobody
    "SECOND_CONNECTIONS": {            # where reserved and pooled commit ahead, if not by the same settings: behind a
        "default": "default_ahead",    # pooler, an alias of DATABASES that leads to the same database by another pool
    },
    "SEALS": {
        "key": "env:FOLIO_SEAL_KEY",   # who signs: an environment variable, "file:/path", or a function of yours
        "previous_key": "",            # while the key changes: the one before, which signs the first new head too
        "trusted": [],                 # public keys, hexadecimal: a head that another one signed is a finding
        "time_stamps": "",             # the URL of a time stamp authority (RFC 3161), asked once a day
        "anchor": "",                  # a function of yours that takes the text of a head and its hash, once a day
    },
    "DEFAULT_SERIES": {                # made on first use, beside invoice, order, receipt and ticket
        "credit-note": {"template": "CN-{year}-{counter:06}", "calendar": "year"},
    },
}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DEFAULT_SERIES: dict[str, dict[str, Any]] = {
    "invoice": {"template": "INV-{year}-{counter:06}", "calendar": "year"},
    "order": {"template": "ORD-{year}-{counter:06}", "calendar": "year"},
    "receipt": {"template": "RCP-{year}-{counter:06}", "calendar": "year"},
    "ticket": {"template": "TKT-{counter:06}", "calendar": "never"},
}


#: How often each sweep is due, and how long a run may take, in seconds.
SWEEPS: dict[str, dict[str, float]] = {
    "open_next_periods": {"every": 3600, "limit": 300},
    "refill_pools": {"every": 15, "limit": 60},
    "refill_remote_pools": {"every": 60, "limit": 300},
    "flag_gaps": {"every": 60, "limit": 300},
    "heal": {"every": 300, "limit": 60},
    "close_periods": {"every": 3600, "limit": 300},
    "seal": {"every": 3600, "limit": 3000},
    "verify": {"every": 86400, "limit": 7200},
    "reconcile": {"every": 3600, "limit": 3000},
    "push": {"every": 60, "limit": 600},
}


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """The values of ``LEDGER`` with their defaults."""

    time_zone: str
    clock: Literal["database", "application"] = "database"
    open_ahead_days: int = 30
    max_days_ahead: int = 400
    second_connections: Mapping[str, str] = field(default_factory=dict)
    sweeps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    default_series: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics_token: str = field(default="", repr=False)
    seals: Mapping[str, Any] = field(default_factory=dict)


_KEYS = {
    *("METRICS_TOKEN", "TIME_ZONE", "CLOCK", "OPEN_AHEAD_DAYS", "MAX_DAYS_AHEAD", "SECOND_CONNECTIONS", "SWEEPS"),
    *("DEFAULT_SERIES", "SEALS"),
}
_SEAL_KEYS = ("key", "previous_key", "trusted", "time_stamps", "anchor")


def ledger_settings() -> LedgerSettings:
    """Read ``LEDGER`` anew, so that ``override_settings`` works; an unknown key or value is ImproperlyConfigured."""
    given: Mapping[str, Any] = getattr(settings, "LEDGER", {})
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise ImproperlyConfigured(
            f"LEDGER has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}."
        )
    clock = given.get("CLOCK", "database")
    if clock not in ("database", "application"):
        raise ImproperlyConfigured(f"LEDGER['CLOCK'] is {clock!r}; it must be 'database' or 'application'.")
    days = {"OPEN_AHEAD_DAYS": given.get("OPEN_AHEAD_DAYS", 30), "MAX_DAYS_AHEAD": given.get("MAX_DAYS_AHEAD", 400)}
    for name, ahead in days.items():
        if isinstance(ahead, bool) or not isinstance(ahead, int) or ahead < 0:
            raise ImproperlyConfigured(f"LEDGER[{name!r}] is {ahead!r}; it must be a whole number of days, 0 or more.")
    seconds = given.get("SECOND_CONNECTIONS", {})
    for alias in [alias for pair in seconds.items() for alias in pair]:
        if alias not in settings.DATABASES:
            raise ImproperlyConfigured(
                f"LEDGER['SECOND_CONNECTIONS'] names {alias!r}, which DATABASES has not; it has "
                f"{', '.join(settings.DATABASES)}."
            )
    return LedgerSettings(
        time_zone=given.get("TIME_ZONE", settings.TIME_ZONE),
        clock=clock,
        open_ahead_days=days["OPEN_AHEAD_DAYS"],
        max_days_ahead=days["MAX_DAYS_AHEAD"],
        second_connections=seconds,
        sweeps=_sweeps(given.get("SWEEPS", {})),
        default_series={**DEFAULT_SERIES, **given.get("DEFAULT_SERIES", {})},
        metrics_token=_token(given.get("METRICS_TOKEN", "")),
        seals=_seals(given.get("SEALS", {})),
    )


def _seals(given: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in given.items():
        if name not in _SEAL_KEYS:
            raise ImproperlyConfigured(f"LEDGER['SEALS'] has {name!r}; known are {', '.join(_SEAL_KEYS)}.")
        if name != "trusted" and not isinstance(value, str):
            raise ImproperlyConfigured(f"LEDGER['SEALS'][{name!r}] must be a text.")
    for key in given.get("trusted", []):
        if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{64}", key):
            raise ImproperlyConfigured(
                f"LEDGER['SEALS']['trusted'] has {key!r}; a public key has 64 hexadecimal digits, in small letters."
            )
    return given


def _token(given: object) -> str:
    """The bearer token of the metrics; the message of an error doesn't repeat it."""
    if not isinstance(given, str) or 0 < len(given) < 16:
        raise ImproperlyConfigured("LEDGER['METRICS_TOKEN'] must be a text of 16 characters or more, or empty.")
    return given


def _sweeps(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The times of every sweep; those that a setting doesn't name keep their defaults."""
    times = {name: dict(defaults) for name, defaults in SWEEPS.items()}
    for name, chosen in given.items():
        for key, value in chosen.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if key not in ("every", "limit", "batch") or not is_number or value <= 0:
                raise ImproperlyConfigured(
                    f"LEDGER['SWEEPS'][{name!r}] has {key!r}: {value!r}; known are 'every' and 'limit', in seconds, "
                    "and 'batch', how many ids make one."
                )
        times.setdefault(name, {}).update(chosen)
    return times
