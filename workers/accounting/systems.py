"""The accounting systems of the settings, and the adapters that speak to them.

LEDGER_ACCOUNTING = {
    "SYSTEMS": {
        "books": {                                # the name that commands, logs and errors use
            "adapter": "xero",                    # one that Folio brings, or "package.module:Class" of your own
            "organisation": "5a37…",              # which company there: Xero's tenant id, QuickBooks' realm id, …
            "url": "https://…",                   # only if it isn't the vendor's usual address
            "tenant": "",                         # whose numbers they are, in Folio
            "credentials": {"ENV": "XERO_"},      # XERO_CLIENT_ID, XERO_CLIENT_SECRET, …; or "client_id": "…" each
            "options": {"page_size": 200},        # what the adapter's own page in docs/guides/accounting.md names
            "series": ["invoice"],                # whose numbers go there (all series of the tenant); or with the kind
                                                  # of their documents: {"rechnung": "invoice", "rma": "credit-note"}
            # How it is reconciled; all of these may be left out:
            "grace": 86400,                       # seconds before a number that isn't there counts as missing (a day)
            "full_every": 7,                      # days between two readings of everything (7)
            "foreign": "ignore",                  # numbers there that fit no period of the series ("report")
            "largest_loss": 0.2,                  # share of the known documents that may be gone at once (0.2)
            "references": "ignore",               # references there aren't the keys of our documents ("ours")
            # How numbers are written back:
            "push": "2026-01-01",                 # push what bears this date or a later one; True for everything
            "describe": "shop.books:describe",    # customer and amount: workers.writing_back.describing
        },
    },
    "TOKEN_KEYS": ["…"],                          # see workers.accounting.tokens
}
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Literal, cast

from django.conf import settings

from ledger.kinds import Kind
from ledger.misspelt import meant, unknown
from workers.accounting.base import AccountingSystem
from workers.accounting.credentials import SETTING, Credentials, Secret
from workers.accounting.errors import Misconfigured
from workers.accounting.http_options import HttpOptions

#: The adapters that Folio brings. Another one is named by "package.module:Class" in the settings.
ADAPTERS = {
    "file": "workers.accounting.folder:Folder",
    "erpnext": "workers.accounting.erpnext:ERPNext",
    "odoo": "workers.accounting.odoo:Odoo",
    "quickbooks": "workers.accounting.quickbooks:QuickBooks",
    "tryton": "workers.accounting.tryton:Tryton",
    "xero": "workers.accounting.xero:Xero",
}

_KEYS = {"SYSTEMS", "TOKEN_KEYS"}
_SYSTEM_KEYS = {"adapter", "organisation", "url", "tenant", "credentials", "options", "push", "describe"}
_RECONCILING = {"series", "grace", "full_every", "foreign", "largest_loss", "references"}
_WORDS = {"foreign": ("report", "ignore"), "references": ("ours", "ignore")}


@dataclass(frozen=True, slots=True)
class System:
    """One accounting system of the settings. ``name`` is ours, ``organisation`` the vendor's key of the company.

    ``series`` (codes; None for all), ``kinds`` (of series, where the settings say them), ``grace`` (seconds),
    ``full_every`` (days), ``foreign``, ``largest_loss`` (a share) and ``references``: how it is reconciled.
    """

    name: str
    adapter: str
    credentials: Credentials
    organisation: str = ""
    url: str = ""
    tenant: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    series: tuple[str, ...] | None = None
    grace: float = 86400
    full_every: float = 7
    foreign: Literal["report", "ignore"] = "report"
    largest_loss: float = 0.2
    references: Literal["ours", "ignore"] = "ours"
    kinds: Mapping[str, str] = field(default_factory=dict)
    push: bool | str = False
    describe: str = ""

    @property
    def limits_key(self) -> str:
        """Whose limits its requests use up; two names for one company share them."""
        return f"{self.adapter}:{self.organisation or self.url or self.name}"

    def required(self, name: str) -> str:
        """``organisation`` or ``url``, which the adapter can't do without."""
        value: str = getattr(self, name)
        if not value:
            raise self.wrong(f"{name!r} is missing", f"The adapter {self.adapter!r} needs it.")
        return value

    def option(self, name: str, default: Any) -> Any:
        """An option of the type that its default has."""
        value = self.options.get(name, default)
        if type(value) is not type(default) and default is not None:
            raise self.wrong(f"the option {name!r} is {value!r}", f"It must be of the kind that {default!r} is.")
        return value

    def wrong(self, problem: str, rule: str) -> Misconfigured:
        """The error for a setting of it."""
        return _wrong(f"{self.name}: {problem}.", rule, self.name)


def systems() -> dict[str, System]:
    """All systems of the settings, by name; read anew each time, so that ``override_settings`` works."""
    return {name: _system(name, given) for name, given in setting("SYSTEMS", {}).items()}


def system(name: str) -> System:
    """The system of that name."""
    known = setting("SYSTEMS", {})
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise _wrong(f"There is no accounting system {name!r}.", f"The settings know: {names}.", name)
    return _system(name, known[name])


def named() -> dict[str, Mapping[str, Any]]:
    """The systems as the settings have them, unchecked: for a process that only needs their names."""
    given = _given()
    found = given.get("SYSTEMS") if isinstance(given, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: system if isinstance(system, Mapping) else {} for name, system in found.items()}


def problems() -> Iterator[Misconfigured]:
    """What is wrong with the setting and with each system, for the system checks."""
    try:
        known = setting("SYSTEMS", {})
    except Misconfigured as error:
        yield error
        known = named()
    for name, given in known.items():
        try:
            adapter = _system(name, given).adapter
        except Misconfigured as error:
            yield error
            continue
        if adapter not in ADAPTERS and ":" not in adapter:
            yield _wrong(
                f"{name}: there is no adapter {adapter!r}{meant(adapter, ADAPTERS)}.",
                f"An adapter is one of {', '.join(ADAPTERS)}, or 'package.module:Class'.",
                name,
            )


def setting(key: str, default: Any) -> Any:
    """One key of ``LEDGER_ACCOUNTING``; an unknown one beside it is an error."""
    given = _given()
    _only_known(given, _KEYS, SETTING, "")
    if key == "SYSTEMS" and not isinstance(given.get(key, {}), Mapping):
        raise _wrong(f"{SETTING}['SYSTEMS'] is {given[key]!r:.60}.", "It is a dict of systems, by their names.", "")
    return given.get(key, default)


def _given() -> Any:
    """The setting, with all that is secret in it wrapped: error trackers send the variables of every frame."""
    return _wrapped(getattr(settings, SETTING, {}), ("SYSTEMS", _systems), ("TOKEN_KEYS", _secrets))


def _systems(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {name: _wrapped(each, ("credentials", partial(_credentials, name))) for name, each in given.items()}


def _credentials(name: str, given: Any) -> Any:
    return Credentials(name, given) if isinstance(given, Mapping) else Secret(str(given))


def _secrets(given: Any) -> Any:
    return [Secret(str(each)) for each in given] if isinstance(given, list | tuple) else Secret(str(given))


def _wrapped(given: Any, *wrapping: tuple[str, Callable[[Any], Any]]) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {**given, **{key: wrap(given[key]) for key, wrap in wrapping if key in given}}


def _system(name: str, given: Any) -> System:
    _only_known(given, _SYSTEM_KEYS | _RECONCILING, f"{SETTING}['SYSTEMS'][{name!r}]", name)
    if not given.get("adapter"):
        raise _wrong(f"{name}: 'adapter' is missing.", "A system names the adapter that speaks to it.", name)
    others = {key: value for key, value in given.items() if key != "credentials"} | _reconciling(name, given)
    credentials = given.get("credentials", Credentials(name, {}))
    if not isinstance(credentials, Credentials):
        raise _wrong(f"{name}: 'credentials' is no dict.", "It has each credential by its name, or ENV.", name)
    return System(name=name, credentials=credentials, **others)


def _reconciling(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """How it is reconciled, checked."""
    checked = {key: given[key] for key in _RECONCILING & set(given)}
    if (codes := checked.get("series")) is not None:
        if isinstance(codes, Mapping):
            checked["kinds"] = dict(codes)
            if wrong := sorted({str(kind) for kind in codes.values() if kind not in list(Kind)}):
                raise _wrong(f"{name}: 'series' has the kinds {wrong}.", f"Kinds are {', '.join(Kind)}.", name)
        if isinstance(codes, str) or not codes or not all(isinstance(code, str) and code for code in codes):
            raise _wrong(f"{name}: 'series' is {codes!r}.", "It is a list of codes, such as ['invoice'].", name)
        checked["series"] = tuple(codes)
    for key, unit in (("grace", "seconds, 0 or more"), ("full_every", "days, more than 0")):
        value = checked.get(key, 1)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value < 0 or (key == "full_every" and value == 0):
            raise _wrong(f"{name}: {key!r} is {value!r}.", f"It is a number of {unit}.", name)
    share = checked.get("largest_loss", 0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise _wrong(f"{name}: 'largest_loss' is {share!r}.", "It is a share: 0.2 is 20 %.", name)
    for key, words in _WORDS.items():
        if checked.get(key, words[0]) not in words:
            raise _wrong(f"{name}: {key!r} is {checked[key]!r}.", f"It is {words[0]!r} or {words[1]!r}.", name)
    return checked


def _only_known(given: Any, known: Collection[str], where: str, name: str) -> None:
    if not isinstance(given, Mapping):
        raise _wrong(f"{where} is of type {type(given).__name__}.", "It is a dict.", name)
    if names := unknown(given, known):
        raise _wrong(f"{where} has unknown keys {names}.", f"Known are {', '.join(sorted(known))}.", name)


def _wrong(problem: str, rule: str, name: str) -> Misconfigured:
    return Misconfigured(problem, rule=rule, remedy=f"Correct {SETTING} in the settings.", system=name)


def connect(name: str, http_options: HttpOptions | None = None) -> AccountingSystem:
    """The adapter of the system ``name``; limits and renewed tokens are in the database, for all processes."""
    found = system(name)
    return adapter(found).connect(found, http_options or shared())


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
