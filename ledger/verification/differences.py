"""Compares two descriptions of the schema; of each difference it tells the object, the change, and what that allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ledger.verification.catalogue import Facts, Objects, table_of

#: The check of differences that are the host's own business: these become notes.
HOST: Final = "host"

# The name of each kind of object; {of} is its table.
_NAMES: Final = {
    "table": "table {of}",
    "column": "column {name} of {of}",
    "sequence": "sequence of {of}.{name}",
    "constraint": "constraint {name} on {of}",
    "index": "unique index {name} on {of}",
    "look-up": "index {name} on {of}",
    "trigger": "trigger {name} on {of}",
    "rule": "rule {name} on {of}",
    "policy": "row security policy {name} on {of}",
    "function": "function {of}",
}

_REFUSED: Final = "rows can be written that it refuses"
_TWICE: Final = "rows can be written twice that must be there once"
_SLOWER: Final = "what it finds at once is looked for in all rows"
_CHANGED: Final = "rows can be written, changed or deleted that it refuses"
_OTHER: Final = "is another one than the migrations made: {found}, not {wanted}"

# What a missing object allows.
_MISSING: Final = {
    "table": "all that stood in it is gone, or is kept out of sight",
    "column": "all that stood in it is gone",
    "sequence": "rows get no ids of their own",
    "constraint": _REFUSED,
    "index": _TWICE,
    "look-up": _SLOWER,
    "trigger": _CHANGED,
    "function": "what it does is not done, and what calls it fails",
}

# What an object that the migrations don't make allows.
_ADDED: Final = {
    "table": "this version doesn't know what may be written to it",
    "column": "its default can run other people's code as a row is written",
    "sequence": "ids can come from elsewhere",
    "constraint": "rows that the ledger must write can be refused",
    "index": "rows that the ledger must write can be refused",
    "look-up": "it changes no row",
    "trigger": "rows can be changed, dropped or copied while they are written, by other people's code",
    "rule": "statements can be replaced by others, or by nothing, before any trigger sees a row",
    "policy": "rows can be hidden from those who read, or refused to those who write",
    "function": "calls can reach it in place of the ledger's own function",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """How a fact that is different is told; ``what`` may use {found} and {wanted}. ``check`` is the kind if empty."""

    what: str
    allows: str = ""
    check: str = ""


_FACTS: Final = {
    ("table", "is"): _Words("is a {found}, not a {wanted}", "what is read and written can be something else"),
    ("table", "persistence"): _Words(
        "is {found}, so it is not in the write-ahead log", "a crash empties it, and no replica has it", "unlogged"
    ),
    ("table", "row security"): _Words(
        "has row level security enabled",
        "rows can be hidden from every role but the owner, so that gaps seem to be there, or no entry",
        "row-security",
    ),
    ("table", "forced row security"): _Words(
        "has row level security forced on its owner",
        "rows can be hidden from the ledger's own functions and guards, which then find nothing to refuse",
        "row-security",
    ),
    ("table", "ignores triggers"): _Words(
        "is marked as a table without triggers, so PostgreSQL fires none of those that it has",
        "events can be changed and deleted, and any row can be written",
        "trigger",
    ),
    ("table", "ignores indexes"): _Words(
        "is marked as a table without indexes, so PostgreSQL keeps none of those that it has", _TWICE, "index"
    ),
    ("table", "ignores checks"): _Words(
        "is marked with a wrong number of check constraints, so PostgreSQL looks at none", _REFUSED, "constraint"
    ),
    ("table", "parents"): _Words(
        "is a child of {found}",
        "whoever owns that table can change its columns, and statements on that table reach its rows",
        "inheritance",
    ),
    ("table", "children"): _Words(
        "has the children {found}",
        "rows can be added there that are read as the ledger's own, past every trigger and unique index",
        "inheritance",
    ),
    ("column", "type"): _Words(
        "has the type {found}, not {wanted}", "values can be stored that don't fit, or compare otherwise"
    ),
    ("column", "collation"): _Words("has the collation {found}, not {wanted}", "texts that differ can count as equal"),
    ("column", "not null"): _Words(
        "may be null", "rows can be written without it, which no unique index and no guard compares"
    ),
    ("column", "default"): _Words(
        "has the default {found}, not {wanted}", "rows can be written with a value that nobody asked for"
    ),
    ("column", "identity"): _Words("has the identity {found}, not {wanted}", "ids can be chosen, or are missing"),
    ("column", "generated"): _Words(
        "is generated by {found}, not {wanted}", "rows can be written with a value that nobody asked for"
    ),
    ("sequence", "definition"): _Words("is {found}, not {wanted}", "an id can be given out twice"),
    ("constraint", "definition"): _Words(_OTHER, _REFUSED),
    ("constraint", "not valid"): _Words(
        "is not valid: the rows that are there were never checked", "rows can be there that it refuses"
    ),
    ("constraint", "index unusable"): _Words("has an index that is not valid, so it guards nothing", _TWICE, "index"),
    ("constraint", "not upheld"): _Words(
        "is not upheld: one of PostgreSQL's own triggers for it is disabled or missing",
        "rows can point to what is not there",
        "trigger",
    ),
    ("index", "definition"): _Words(_OTHER, _TWICE),
    ("index", "unusable"): _Words("is not valid, so it guards nothing", _TWICE),
    ("look-up", "unusable"): _Words("is not valid", _SLOWER, HOST),
    ("table", "access method"): _Words(
        "is kept by the access method {found}", "rows are written and read by other people's code"
    ),
    ("table", "storage"): _Words("has the storage parameters {found}, not {wanted}", "they change no row", HOST),
    ("trigger", "definition"): _Words(_OTHER, _CHANGED),
    ("trigger", "fires"): _Words(
        "must fire {wanted}, and fires {found}",
        "rows can be written, changed or deleted that it refuses, at least in some sessions",
    ),
    ("function", "text"): _Words(
        "has another text than the migrations gave it",
        "what it refuses can pass, and it can do what its text never said",
    ),
    ("function", "settings"): _Words(
        "has the settings {found}, not {wanted}",
        "tables, functions and operators of somebody else can pose as those that it means",
    ),
    ("function", "security definer"): _Words(
        "runs with the rights of {found}, not of {wanted}",
        "who calls it can use the owner's rights, or the ledger can't do its work with the caller's",
    ),
}


# What any other difference of an object allows.
_OTHERWISE: Final = {
    "column": "rows that the ledger must write can be refused",
    "function": "it can do, or be taken for, what this version doesn't expect",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: which check of ``findings.MEANINGS`` it is, and the sentence that tells it."""

    check: str
    detail: str


def differences(wanted: Objects, found: Objects) -> Iterator[Difference]:
    """Compare what was found with what is wanted, object by object and fact by fact.

    If a table is missing, or is something else, nothing is told of the objects that belong to it.
    """
    gone = {name for name, facts in wanted["table"].items() if found["table"].get(name, {}).get("is") != facts["is"]}
    for kind in _NAMES:
        there, expected = found.get(kind, {}), wanted.get(kind, {})
        for name in sorted(there.keys() | expected.keys()):
            if kind != "table" and table_of(name) in gone:
                continue
            if name not in there:
                yield Difference(_check(kind), f"{title(kind, name)} is missing: {_MISSING[kind]}")
            elif name not in expected:
                yield _added(kind, name, there[name])
            else:
                yield from _changed(kind, name, expected[name], there[name])


def title(kind: str, name: str) -> str:
    """The beginning of a sentence about an object: ``The trigger ledger_entry_fits on ledger_entry``."""
    if kind == "constraint" and " (" in name:
        return f"The foreign key from {name}"
    of, _, own = (name, "", "") if kind == "function" else name.partition(".")
    return f"The {_NAMES[kind].format(of=of, name=own)}"


def _check(kind: str) -> str:
    return {"policy": "row-security", "look-up": HOST}.get(kind, kind)


def _added(kind: str, name: str, facts: Facts) -> Difference:
    if kind == "look-up" and "runs" in facts:
        runs = f"runs {_told('runs', facts['runs'])} as a row is written"
        return Difference(
            "index", f"{title(kind, name)} {runs}: other people's code has the rights of the ledger's owner"
        )
    definition = f" ({facts['definition']})" if "definition" in facts else ""
    return Difference(_check(kind), f"{title(kind, name)} doesn't belong to the ledger{definition}: {_ADDED[kind]}")


def _changed(kind: str, name: str, wanted: Facts, found: Facts) -> Iterator[Difference]:
    for fact in sorted(wanted.keys() | found.keys()):
        there, expected = found.get(fact), wanted.get(fact)
        # A table that is logged without need is slower, and no less safe.
        if there == expected or (fact == "persistence" and there is None):
            continue
        words = _FACTS.get((kind, fact))
        if words is None or (fact == "not null" and there):
            words = _Words(f"is another one than the migrations made: {fact} {{found}}, not {{wanted}}")
        what = words.what.format(found=_told(fact, there), wanted=_told(fact, expected))
        yield Difference(words.check or _check(kind), f"{title(kind, name)} {what}: {words.allows or _OTHERWISE[kind]}")


def _told(fact: str, value: Any) -> str:
    if fact == "security definer":
        return "its owner" if value else "its caller"
    if isinstance(value, list):
        return "; ".join(value)
    return {None: "none", True: "yes"}.get(value, str(value))
