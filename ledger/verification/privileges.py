"""Which privileges roles other than the owner hold on the ledger, beyond what Folio grants.

Reading changes nothing, so SELECT is told only where everybody has it. What ``ledger_grants`` gives is not told either:
``granted`` lists it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Final, TypeAlias

from ledger.grants.contributed import TableGrant
from ledger.grants.purposes import PURPOSES, READING
from ledger.verification.catalogue import Remark, privilege_label

#: Name → the privileges that any role may hold on it. A name is a table, ``table.column`` for the sequence of an
#: identity column, or a function without its types. ``UPDATE (column)`` covers that column, ``UPDATE`` all of them.
Allowed: TypeAlias = Mapping[str, Set[str]]

#: What a role can do with a privilege, as a sentence goes on after a colon.
_ALLOWS: Final = {
    "SELECT": "whoever can connect reads it",
    "INSERT": "it can write rows past the functions that check them",
    "UPDATE": "it can change rows past the functions that check them",
    "DELETE": "it can take rows away",
    "TRUNCATE": "it can empty the table",
    "REFERENCES": "a table of its own can keep rows from being changed or deleted, and tells which are there",
    "TRIGGER": "it can run code of its own with the rights of whoever writes a row",
    "MAINTAIN": "it can lock the table for as long as it likes",
    "USAGE": "it can use up ids, and see how many were given out",
    "EXECUTE": "it can do what only the ledger's own roles should do",
    "CREATE": "it can make functions, operators and tables that are taken for the ledger's own, or PostgreSQL's",
}


def granted(others: Iterable[TableGrant] = ()) -> Allowed:
    """What ``ledger_grants`` gives for any purpose; ``others`` are the tables of other apps of Folio."""
    allowed: dict[str, set[str]] = {name: {"EXECUTE"} for name in READING}
    for purpose in PURPOSES.values():
        allowed |= {name: {"EXECUTE"} for name in purpose.functions}
        for privileges, models in purpose.writes:
            for model in models:
                allowed.setdefault(model._meta.db_table, set()).update(privileges.split(", "))
    for grant in others:
        allowed[grant.table] = {"INSERT", *(f"UPDATE ({column})" for column in grant.columns)}
    return allowed


def excess(remarks: Iterable[Remark], allowed: Allowed, public: Collection[str]) -> Iterator[str]:
    """A sentence for each privilege that is not the owner's, not ``allowed``, and not among the labels of ``public``."""
    for remark in remarks:
        if remark.kind != "privilege":
            continue
        privilege, role = remark.facts["privilege"], remark.facts["role"]
        label = privilege_label(remark)
        if remark.facts["on"] == "schema" and privilege == "USAGE":
            continue
        if not role:
            if label not in public:
                yield f"Every role has {label}, by PUBLIC: {_ALLOWS.get(privilege, _ALLOWS['UPDATE'])}"
            continue
        if privilege == "SELECT" or _is_allowed(remark, allowed):
            if remark.facts.get("grantable") and privilege != "SELECT":
                yield f"The role {role} may grant {label} to others: they can then do what Folio's purposes give to few"
            continue
        yield f"The role {role} has {label}: {_ALLOWS.get(privilege, _ALLOWS['UPDATE'])}"


def _is_allowed(remark: Remark, allowed: Allowed) -> bool:
    privilege, column = remark.facts["privilege"], remark.facts.get("column")
    name = remark.name.partition("(")[0] if remark.facts["on"] == "function" else remark.name
    of_this = allowed.get(name, frozenset())
    return privilege in of_this or (column is not None and f"{privilege} ({column})" in of_this)
