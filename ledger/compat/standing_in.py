"""Lets Folio stand in for a package under its old name. A project asks for it by listing a shim in its apps."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: The mark of a module that was made here.
_MARK = "__stands_in_for__"


class Package(NamedTuple):
    """A package that Folio stands in for: its name, that of its distribution, and our module with the same names.

    ``modules`` has the names in each of its modules, "" for the package itself. A name of a module in ``gone`` raises
    ImportError with the text there.
    """

    name: str
    distribution: str
    ours: str
    modules: Mapping[str, tuple[str, ...]]
    gone: Mapping[str, str] = MappingProxyType({})


def stand_in(stood: Package, shim: str) -> None:
    """Make the package importable, as ``make_modules`` does, when the apps are set up.

    Raises ImproperlyConfigured if the original is installed, since one of the two would silently hide the other, unless
    ``LEDGER_COMPAT = {"HIDE_ORIGINALS": True}`` allows it. Then nobody may have imported the original before.
    """
    package, distribution = stood.name, stood.distribution
    for entry in settings.INSTALLED_APPS:
        if entry.partition(".")[0] == package:  # Django would fail on it without saying what to do
            raise ImproperlyConfigured(
                f"INSTALLED_APPS has {entry!r}, the app of {distribution}, and {shim!r}, which stands in for it. "
                f"Take {entry!r} out."
            )
    if hasattr(sys.modules.get(package), _MARK):
        return
    if (place := original(package)) is not None:
        if not (getattr(settings, "LEDGER_COMPAT", None) or {}).get("HIDE_ORIGINALS"):
            raise ImproperlyConfigured(
                f"{shim!r} stands in for {distribution}, which is installed as well: {package!r} would be either of "
                f"them. Once its numbers were taken over (manage.py ledger_migrate_from {distribution} --apply), "
                f"remove the original: pip uninstall {distribution}, and take {package!r} out of INSTALLED_APPS. Where "
                "another package requires it, let it be hidden: LEDGER_COMPAT = {'HIDE_ORIGINALS': True}. To keep it, "
                f"take {shim!r} out of INSTALLED_APPS, and import from ledger.compat instead."
            )
        if package in sys.modules:
            raise ImproperlyConfigured(
                f"{shim!r} can't hide {distribution} ({place}): it was imported before, so its callers would go on "
                f"counting beside the ledger. Put {shim!r} first in INSTALLED_APPS; if settings import {package!r}, "
                f"write import {shim} above that."
            )
    make_modules(stood)


def original(package: str) -> str | None:
    """Where the package itself is installed or was imported from; None if it isn't."""
    present = sys.modules.get(package)
    if present is not None:
        return None if hasattr(present, _MARK) else str(getattr(present, "__file__", package))
    found = importlib.util.find_spec(package)
    return None if found is None else str(found.origin)


def make_modules(stood: Package) -> None:
    """Make the package importable. Our module is imported at the first use of one of its names: it may need models,
    which are not loaded yet when apps are set up.
    """
    made: dict[str, ModuleType] = {}
    package, instead = stood.name, f"in the place of {stood.distribution}"
    for name, contents in stood.modules.items():
        module = ModuleType(f"{package}.{name}" if name else package, f"Folio {instead}.")
        vars(module)["__all__"] = list(contents)
        vars(module)["__getattr__"] = _looking_up(module.__name__, stood.ours, contents)
        made[name] = module
    for name, told in stood.gone.items():
        module = ModuleType(f"{package}.{name}", f"Not in what Folio has {instead}.")
        vars(module)["__getattr__"] = _refusing(module.__name__, told)
        made[name] = module
    # A package has a path, or its modules can't be imported; there is no folder behind it.
    vars(made[""])["__path__"] = []
    for name, module in made.items():
        vars(module)[_MARK] = stood.distribution
        sys.modules[module.__name__] = module
        if name:
            setattr(made[""], name, module)


def _looking_up(module: str, ours: str, names: tuple[str, ...]) -> Callable[[str], Any]:
    def look_up(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r}, for which Folio stands in, has no attribute {name!r}")
        return getattr(importlib.import_module(ours), name)

    return look_up


def _refusing(module: str, told: str) -> Callable[[str], Any]:
    def refuse(name: str) -> Any:
        if name.startswith("__"):  # which the import system, and readers of sys.modules, ask of any module
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise ImportError(f"{module}.{name} is not there. {told}", name=module)

    return refuse
