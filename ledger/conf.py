"""The one setting, ``LEDGER``, read and typed in one place. Every key is optional.

The reference (docs/reference/settings.md) shows examples. The properties of LedgerSettings say what each key means.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ledger.misspelt import meant, unknown

#: All settings of Folio, and the keys of those for other systems' callers.
SETTINGS = ("LEDGER", "LEDGER_ACCOUNTING", "LEDGER_COMPAT", "LEDGER_LORIKEET")
COMPAT_KEYS = (
    *("SEQUENCES_TENANT", "COUNT_ON_OVER_YEARS", "DEFAULT_PREFIXES", "HIDE_ORIGINALS"),
    *("OLD_NAMES", "GENERATORS", "PLANS"),
)
LORIKEET_KEYS = ("SERIES", "ORG")

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
    "missing_documents": {"every": 86400, "limit": 600, "batch": 5000},
    "seal": {"every": 3600, "limit": 3000},
    "verify": {"every": 86400, "limit": 7200},
    "reconcile": {"every": 3600, "limit": 3000},
    "push": {"every": 60, "limit": 600},
}


_KEYS = (
    *("METRICS_TOKEN", "TIME_ZONE", "CLOCK", "OPEN_AHEAD_DAYS", "MAX_DAYS_AHEAD", "SECOND_CONNECTIONS", "SWEEPS"),
    *("DEFAULT_SERIES", "DOCUMENTS", "SEALS", "HOMES", "TENANT_NAME", "TENANT_TAX_ID", "DESCRIBE"),
)
_SEAL_KEYS = ("key", "previous_key", "trusted", "time_stamps", "anchor")
_TIMES = ("every", "limit", "batch")


class LedgerSettings:
    """The values of ``LEDGER`` with their defaults.

    Each is checked when it is read, so a mistake in one key stops nobody who needs another. The system checks look at
    all of them (``problems``).
    """

    def __init__(self, given: Any) -> None:
        self._given: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        self._is_mapping = isinstance(given, Mapping)

    @property
    def time_zone(self) -> str:
        """The time zone of new series; by default Django's."""
        zone: str = self._value("TIME_ZONE", settings.TIME_ZONE)
        return zone

    @property
    def clock(self) -> Literal["database", "application"]:
        """Whose clock says what today is: the database's, or the application's (for freezegun)."""
        clock: Literal["database", "application"] = self._value("CLOCK", "database")
        if clock not in ("database", "application"):
            raise ImproperlyConfigured(f"LEDGER['CLOCK'] is {clock!r}; it must be 'database' or 'application'.")
        return clock

    @property
    def open_ahead_days(self) -> int:
        """How many days ahead the next period's row is made."""
        return self._days("OPEN_AHEAD_DAYS", 30)

    @property
    def max_days_ahead(self) -> int:
        """How many days after today a document of a new series may be dated, unless the series says so itself."""
        return self._days("MAX_DAYS_AHEAD", 400)

    @property
    def second_connections(self) -> Mapping[str, str]:
        """The alias where ``reserved`` and ``pooled`` commit values ahead, by the alias of the checkout.

        Needed behind a pooler: an alias of the same database that goes through another pool.
        """
        given = self._mapping("SECOND_CONNECTIONS")
        for alias in [alias for pair in given.items() for alias in pair]:
            if alias not in settings.DATABASES:
                raise ImproperlyConfigured(
                    f"LEDGER['SECOND_CONNECTIONS'] names {alias!r}{meant(str(alias), settings.DATABASES)}, which is "
                    f"not in DATABASES; it has {', '.join(settings.DATABASES)}."
                )
        return given

    @property
    def sweeps(self) -> Mapping[str, Mapping[str, float]]:
        """How often each sweep is due and how long it may take, in seconds, and how many ids make one batch.

        Those that the setting doesn't name keep their defaults.
        """
        times = {name: dict(defaults) for name, defaults in SWEEPS.items()}
        for name, chosen in self._mapping("SWEEPS").items():
            if not isinstance(chosen, Mapping):
                raise ImproperlyConfigured(f"LEDGER['SWEEPS'][{name!r}] is {chosen!r}; it must be a dict of times.")
            for key, value in chosen.items():
                is_number = isinstance(value, int | float) and not isinstance(value, bool)
                if key not in _TIMES or not is_number or value <= 0:
                    raise ImproperlyConfigured(
                        f"LEDGER['SWEEPS'][{name!r}] has {key!r}: {value!r}"
                        f"{'' if key in _TIMES else meant(str(key), _TIMES)}; known are 'every' and 'limit', in "
                        "seconds, and 'batch', how many ids make one."
                    )
            times.setdefault(name, {}).update(chosen)
        return times

    @property
    def default_series(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings of series that are made on first use, by code: Folio's own, and those of the setting."""
        given = self._mapping("DEFAULT_SERIES")
        for code, chosen in given.items():
            if not isinstance(chosen, Mapping):
                raise ImproperlyConfigured(
                    f"LEDGER['DEFAULT_SERIES'][{code!r}] is {chosen!r}; it must be a dict of settings."
                )
        return {**DEFAULT_SERIES, **given}

    @property
    def documents(self) -> tuple[str, ...]:
        """Models whose rows get numbers by issue(document=row), as app_label.Model; those with a NumberField needn't be
        named. The rows must stay.
        """
        return tuple(self._value("DOCUMENTS", ()))

    @property
    def homes(self) -> Mapping[str, str] | str | None:
        """Tenants and their homes, or the dotted path to a function that knows; None where there is one home."""
        given = self._value("HOMES", None)
        if given is not None and not isinstance(given, Mapping | str):
            raise ImproperlyConfigured(
                f"LEDGER['HOMES'] is {given!r}; it must be a dict of tenants and homes, or the dotted "
                "path to a function."
            )
        return given

    @property
    def metrics_token(self) -> str:
        """Who sends it as a bearer token may read /metrics; without one, nobody may. Errors don't repeat it."""
        token = self._value("METRICS_TOKEN", "")
        if not isinstance(token, str) or 0 < len(token) < 16:
            raise ImproperlyConfigured("LEDGER['METRICS_TOKEN'] must be a text of 16 characters or more, or empty.")
        return token

    @property
    def seals(self) -> Mapping[str, Any]:
        """Who signs seals, whose signatures are trusted, and who outside is told about them.

        ``key`` is an environment variable ("env:NAME"), "file:/path", or a function; ``previous_key``, while the key
        changes, the one before; ``trusted`` lists public keys in hexadecimal; ``time_stamps`` is the URL of a time
        stamp authority (RFC 3161), and ``anchor`` a function that takes a head's text and hash, both asked once a day.
        """
        given = self._mapping("SEALS")
        for name, value in given.items():
            if name not in _SEAL_KEYS:
                raise ImproperlyConfigured(
                    f"LEDGER['SEALS'] has {name!r}{meant(str(name), _SEAL_KEYS)}; known are {', '.join(_SEAL_KEYS)}."
                )
            if name != "trusted" and not isinstance(value, str):
                raise ImproperlyConfigured(f"LEDGER['SEALS'][{name!r}] must be a text.")
        for key in given.get("trusted", []):
            if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{64}", key):
                raise ImproperlyConfigured(
                    f"LEDGER['SEALS']['trusted'] has {key!r}; a public key has 64 hexadecimal digits, in small letters."
                )
        return given

    @property
    def tenant_name(self) -> Callable[[str], Any] | None:
        """The function that takes a tenant's key and returns the company's name, or None."""
        return self._function("TENANT_NAME")

    @property
    def tenant_tax_id(self) -> Callable[[str], Any] | None:
        """The same for its tax id."""
        return self._function("TENANT_TAX_ID")

    @property
    def describe(self) -> Callable[[Any], Any] | None:
        """The function that gives amount and customer of a number (``ledger.reconciliation.describing``), or None."""
        return self._function("DESCRIBE")

    def problems(self) -> Iterator[str]:
        """What is wrong with each key, for the system checks."""
        if not self._is_mapping:
            yield "LEDGER must be a dict."
        if names := unknown(self._given, _KEYS):
            yield _unknown_keys(names)
        for key in _KEYS:
            try:
                getattr(self, key.lower())
            except ImproperlyConfigured as error:
                if key in self._given:
                    yield str(error)

    def _value(self, key: str, default: Any) -> Any:
        """The value of the key. A misspelt key stops only those who need the key that was probably meant."""
        if key in self._given:
            return self._given[key]
        strange = [name for name in self._given if name not in _KEYS]
        if names := [name for name in strange if meant(str(name), _KEYS) == meant(key, [key])]:
            raise ImproperlyConfigured(_unknown_keys(unknown(names, _KEYS)))
        return default

    def _days(self, key: str, default: int) -> int:
        days = self._value(key, default)
        if isinstance(days, bool) or not isinstance(days, int) or days < 0:
            raise ImproperlyConfigured(f"LEDGER[{key!r}] is {days!r}; it must be a whole number of days, 0 or more.")
        return days

    def _function(self, key: str) -> Callable[[Any], Any] | None:
        path = self._value(key, "")
        if path == "":
            return None
        try:
            found: Callable[[Any], Any] = import_string(path)
        except (ImportError, AttributeError, TypeError) as error:
            raise ImproperlyConfigured(
                f"LEDGER[{key!r}] is {path!r}; it must be the dotted path of a function, such as shop.hooks.name."
            ) from error
        return found

    def _mapping(self, key: str) -> Mapping[str, Any]:
        given = self._value(key, {})
        if not isinstance(given, Mapping):
            raise ImproperlyConfigured(f"LEDGER[{key!r}] is {given!r}; it must be a dict.")
        return given


def ledger_settings() -> LedgerSettings:
    """Read ``LEDGER`` anew, so that ``override_settings`` works."""
    return LedgerSettings(getattr(settings, "LEDGER", {}))


def _unknown_keys(names: str) -> str:
    return f"LEDGER has unknown keys {names}; known are {', '.join(sorted(_KEYS))}."
