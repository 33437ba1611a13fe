"""Finding a rule set by its code."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ledger.errors import InvalidSeries
from ledger.rules import countries
from ledger.rules.base import Rules


@cache
def all_rules() -> dict[str, Rules]:
    """Every rule set by its code, in order: each module of ``ledger.rules.countries`` has one as ``RULES``."""
    names = [f"{countries.__name__}.{module.name}" for module in iter_modules(countries.__path__)]
    found: list[Rules] = [import_module(name).RULES for name in names]
    return {rules.code: rules for rules in sorted(found, key=lambda rules: rules.code)}


def find_rules(code: str) -> Rules:
    """The rule set of a code such as ``"DE"``. Raises InvalidSeries for any other text."""
    found = all_rules().get(code)
    if found is None:
        raise InvalidSeries(
            f"There is no rule set {code!r}.",
            rule=f"The rule sets are {', '.join(all_rules())}.",
            remedy="Choose one of them, or none: rules=''.",
        )
    return found
