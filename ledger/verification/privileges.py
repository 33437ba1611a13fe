"""Which privileges roles other than the owner hold on the ledger, beyond what Folio grants.

Reading changes nothing, so SELECT is told only where everybody has it. What ``ledger_grants`` gives is not told either:
``granted_today`` lists it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Final, TypeAlias

from django.db.models import Model

from ledger.grants.statements import COUNTER_COLUMNS
from ledger.models import (
    PendingComparison,
    Period,
    Pool,
    RemoteDocument,
    RemotePool,
    RemoteReading,
    Reservation,
    ScanPosition,
    Series,
    Slot,
    SweepBatch,
    SweepRun,
    TenantAccess,
    Ticket,
)
from ledger.models.tables import event_tables
from ledger.verification.catalogue import Remark, privilege_label

#: Name → the privileges that any role may hold on it. A name is a table, ``table.column`` for the sequence of an
#: identity column, or a function with its types. ``UPDATE (column)`` covers that column, ``UPDATE`` all of them.
Allowed: TypeAlias = Mapping[str, Set[str]]

_INSERT: Final = frozenset({"INSERT"})
_COME_AND_GO: Final = frozenset({"INSERT", "UPDATE", "DELETE"})

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


def granted_today(contributed: Iterable[str] = ()) -> dict[str, Set[str]]:
    """What ``ledger_grants`` gives to roles, with all its options; ``contributed`` are tables of the workers' app."""
    period = {f"UPDATE ({column})" for column in _columns(Period, "id", "tenant", "series_id", "opened_at")}
    allowed: dict[str, Set[str]] = {
        **dict.fromkeys(event_tables(), _INSERT),
        "ledger_entry.id": {"USAGE"},
        Series._meta.db_table: _INSERT | {f"UPDATE ({column})" for column in _columns(Series, "id")},
        Period._meta.db_table: _INSERT | period | {f"UPDATE ({column})" for column in COUNTER_COLUMNS},
        **dict.fromkeys(contributed, frozenset({"INSERT", "UPDATE"})),
    }
    queues = (Slot, Reservation, Ticket, Pool, ScanPosition, RemotePool)
    others = (SweepRun, SweepBatch, RemoteDocument, RemoteReading, PendingComparison, TenantAccess)
    return allowed | {model._meta.db_table: _COME_AND_GO for model in (*queues, *others)}


def _columns(model: type[Model], *but: str) -> list[str]:
    return [column for field in model._meta.concrete_fields if (column := field.column) and column not in but]


def excess(remarks: Iterable[Remark], allowed: Allowed, public: Collection[str]) -> Iterator[str]:
    """A sentence for each privilege that is not the owner's, not ``allowed``, and not among the labels of ``public``.

    Where ``allowed`` names no function, a role may execute each one that it was granted. Where it names one, it has to
    name them all.
    """
    names_functions = any("(" in name for name in allowed)
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
        if privilege == "SELECT" or _is_allowed(remark, allowed, names_functions=names_functions):
            if remark.facts.get("grantable") and privilege != "SELECT":
                yield f"The role {role} may grant {label} to others: they can then do what Folio's purposes give to few"
            continue
        yield f"The role {role} has {label}: {_ALLOWS.get(privilege, _ALLOWS['UPDATE'])}"


def _is_allowed(remark: Remark, allowed: Allowed, *, names_functions: bool) -> bool:
    privilege, column = remark.facts["privilege"], remark.facts.get("column")
    if remark.facts["on"] == "function" and not names_functions:
        return True
    of_this = allowed.get(remark.name, frozenset())
    return privilege in of_this or (column is not None and f"{privilege} ({column})" in of_this)
