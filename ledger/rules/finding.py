"""Reads the rule sets from ``countries.toml``, and finds them by their codes."""

import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ledger.calendars import CalendarKind, FiscalStart
from ledger.errors import InvalidSeries
from ledger.rules import base
from ledger.rules.base import Basis, GapPolicy, Rules, Source

_FILE = Path(__file__).with_name("countries.toml")

_PARTS = (base.Gaps, base.Unique, base.Length, base.Characters, base.Counter, base.Order, base.Reset)
_RULES: dict[str, Callable[..., Any]] = {
    rule.__name__.lower(): rule for rule in (*_PARTS, base.Registration, base.Authorisation)
}

#: What is made of a fact of a rule; all others are taken as they are.
_READ: dict[str, Callable[[Any], Any]] = {
    "policy": GapPolicy,
    **dict.fromkeys(("refused", "doubted"), lambda kinds: frozenset(map(CalendarKind, kinds))),
    "turns_on": FiscalStart.parse,
}


@cache
def all_rules() -> dict[str, Rules]:
    """Every rule set by its code, in order."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    shared = tables.pop("sources")
    return {
        code: _rule_set(code, tables.get(told.get("like"), {}) | told, shared) for code, told in sorted(tables.items())
    }


def _rule_set(code: str, told: dict[str, Any], shared: dict[str, Any]) -> Rules:
    named = shared | told.get("sources", {})
    sources = {name: Source(text, Basis(basis), *since) for name, (text, basis, *since) in named.items()}
    made: dict[str, Any] = {}
    for name, value in told.items():
        if name in _RULES:
            facts = {fact: _READ[fact](one) if fact in _READ else one for fact, one in value.items()}
            made[name] = _RULES[name](**facts | {"source": sources[facts.get("source", "law")]})
        elif name not in ("sources", "like"):
            made[name] = tuple(value) if isinstance(value, list) else value
    return Rules(code, **made)


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
