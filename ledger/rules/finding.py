"""Finding rule sets by their codes."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

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
    """The rule set of a code such as ``"DE"``, in any case. Raises InvalidSeries for any other text."""
    found = _by_any_code().get(code.upper())
    if found is None:
        raise InvalidSeries(
            f"There is no rule set {code!r}.",
            rule=f"The rule sets are {', '.join(all_rules())}.",
            remedy="Choose some of them, or none: rules=''.",
        )
    return found


def combined_rules(chosen: object) -> tuple[Rules, ...]:
    """The rule sets of a series, each once, by codes: separated by commas (``"DE,FR-einvoice"``), or in a list.

    Each set is checked by itself, so the strictest rule holds. Raises InvalidSeries for an unknown code.
    """
    codes: list[Any] = list(chosen) if isinstance(chosen, Iterable) else [None]
    if isinstance(chosen, str):
        codes = chosen.split(",")
    if not all(isinstance(code, str) for code in codes):
        raise InvalidSeries(
            f"The rules {chosen!r} can't be read.",
            rule="Rules are codes: one text, or a list of texts.",
            remedy="Write them like rules='DE' or rules=('DE', 'FR-einvoice').",
        )
    return tuple(dict.fromkeys(find_rules(code.strip()) for code in codes if code.strip()))


def rules_text(chosen: object) -> str:
    """The codes as a series keeps them: ``"DE,FR-einvoice"``."""
    return ",".join(rules.code for rules in combined_rules(chosen))


@cache
def _by_any_code() -> dict[str, Rules]:
    return {code.upper(): rules for rules in all_rules().values() for code in (rules.code, *rules.aliases)}
