"""The accounting systems of the settings, and the adapters that speak to them.

``docs/reference/settings.md`` explains every key of the setting ``LEDGER_ACCOUNTING``.
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

#: Folio's adapters. The settings name another one as "package.module:Class".
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
    """One accounting system of the settings. ``name`` is ours, ``organisation`` is the vendor's key of the company.

    ``series`` (codes; None for all), ``kinds`` (of series, if the settings have them), ``grace`` (seconds),
    ``full_every`` (days), ``foreign``, ``largest_loss`` (a share) and ``references`` say how it is reconciled; ``push``
    (True, or the first date) and ``describe``, how numbers are written back.
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
        """Whose limits its requests count against; two names of one company share them."""
        return f"{self.adapter}:{self.organisation or self.url or self.name}"

    def required(self, name: str) -> str:
        """``organisation`` or ``url``, for an adapter that needs it."""
        value: str = getattr(self, name)
        if not value:
            raise self.wrong(f"{name!r} is missing", f"The adapter {self.adapter!r} needs it.")
        return value

    def option(self, name: str, default: Any) -> Any:
        """An option, of the same type as its default."""
        value = self.options.get(name, default)
        if type(value) is not type(default) and default is not None:
            raise self.wrong(f"the option {name!r} is {value!r}", f"It must be of the same type as {default!r}.")
        return value

    def wrong(self, problem: str, rule: str) -> Misconfigured:
        """The error for one of its settings."""
        return _wrong(f"{self.name}: {problem}.", rule, self.name)


def systems() -> dict[str, System]:
    """All systems of the settings, by name; read again each time, so that ``override_settings`` works."""
    return {name: _system(name, given) for name, given in setting("SYSTEMS", {}).items()}


def system(name: str) -> System:
    """The system with that name."""
    known = setting("SYSTEMS", {})
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise _wrong(f"There is no accounting system {name!r}.", f"The settings know: {names}.", name)
    return _system(name, known[name])


def named() -> dict[str, Mapping[str, Any]]:
    """The systems as they stand in the settings, unchecked: for a process that only needs their names."""
    given = _given()
    found = given.get("SYSTEMS") if isinstance(given, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: system if isinstance(system, Mapping) else {} for name, system in found.items()}


def problems() -> Iterator[Misconfigured]:
    """The mistakes in the setting and in each system, for the system checks."""
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
    """One key of ``LEDGER_ACCOUNTING``. Unknown keys raise Misconfigured."""
    given = _given()
    _only_known(given, _KEYS, SETTING, "")
    if key == "SYSTEMS" and not isinstance(given.get(key, {}), Mapping):
        raise _wrong(f"{SETTING}['SYSTEMS'] is {given[key]!r:.60}.", "It is a dict of systems, by their names.", "")
    return given.get(key, default)


def _given() -> Any:
    """The setting, with its secrets wrapped: error trackers send the variables of every frame."""
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
        raise _wrong(f"{name}: 'adapter' is missing.", "A system names its adapter.", name)
    others = {key: value for key, value in given.items() if key != "credentials"} | _reconciling(name, given)
    credentials = given.get("credentials", Credentials(name, {}))
    if not isinstance(credentials, Credentials):
        raise _wrong(f"{name}: 'credentials' is no dict.", "Its keys are the credentials' names, or ENV.", name)
    return System(name=name, credentials=credentials, **others)


def _reconciling(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of its reconciliation, checked."""
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
    """The adapter of the system ``name``. Its limits and renewed tokens are in the database, for all processes."""
    found = system(name)
    return adapter(found)(found, http_options or shared())


def adapter(system: System) -> type[AccountingSystem]:
    """The class that the settings name."""
    found, reason = _imported(ADAPTERS.get(system.adapter, system.adapter))
    if found is None:
        raise Misconfigured(
            f"{system.name}: there is no adapter {system.adapter!r} ({reason}).",
            rule=f"An adapter is one of {', '.join(sorted(ADAPTERS))}, or 'package.module:Class'.",
            remedy="Correct it in the settings; Folio's own need the extra: pip install 'django-folio[accounting]'.",
            system=system.name,
        )
    return cast("type[AccountingSystem]", found)


def hook(system: System) -> Callable[[Any], Mapping[str, Any]]:
    """The settings' function ``describe``; Misconfigured if they name none, or it doesn't exist."""
    found, reason = _imported(system.describe)
    if not callable(found):
        raise Misconfigured(
            f"{system.name}: its 'describe' is {system.describe!r} ({reason or 'not a function'}).",
            rule="A document to be pushed needs a customer and an amount, which the ledger doesn't know.",
            remedy=f"Name a function of yours in {SETTING}['SYSTEMS'][{system.name!r}]: "
            "'describe': 'package.module:function'; ledger.reconciliation.describing says what it returns.",
            system=system.name,
        )
    return cast("Callable[[Any], Mapping[str, Any]]", found)


def _imported(path: str) -> tuple[Any, str]:
    """The object that "package.module:name" names, or None and the reason."""
    module, _, attribute = path.partition(":")
    try:
        found = getattr(import_module(module), attribute or "-", None)
    except (ImportError, ValueError) as error:
        return None, str(error)
    return found, "" if found is not None else f"{attribute!r} isn't in that module"


def shared() -> HttpOptions:
    """The HTTP options of production: limits and tokens, which processes must share, are in the database."""
    from workers.accounting.oauth import SharedTokens
    from workers.accounting.quota import SharedLimiter

    return HttpOptions(limiter=SharedLimiter, tokens=SharedTokens())
