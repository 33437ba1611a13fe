"""Describes the ledger's schema: as it is in PostgreSQL's catalogue, and as this version's migrations make it.

A description is a dictionary of kinds ("table", "column", "trigger", …), each with the facts of its objects by name. It
doesn't depend on the schema's name, on oids, on the order of columns, on Django's names of foreign keys, or on
PostgreSQL's major version. The description of the migrations is ``catalogue.json``, written by ``python -m
tests.catalogue``.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from ledger.cursors import by_name
from ledger.verification import catalogue_sql

Facts: TypeAlias = dict[str, Any]
Objects: TypeAlias = dict[str, dict[str, Facts]]

#: The shipped description.
FILE: Final = Path(__file__).with_name("catalogue.json")

#: The kinds of a description. All other rows of ``catalogue_sql.DESCRIBE`` are remarks.
KINDS: Final = (
    *("table", "column", "sequence", "constraint", "index", "look-up", "trigger", "rule", "policy", "function"),
)

# Storage parameters in the definition of an index: those are the host's business.
_STORAGE = re.compile(r" WITH \((?:[^()']|'[^']*')*\)")
# A literal, or a name with the dot that follows it.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)\.?""")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is no part of the description: a privilege, an owner, a function of somebody else."""

    kind: str
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The description of one database."""

    schema: str
    #: PostgreSQL's major version, and the full one.
    major: int
    version: str
    objects: Objects
    remarks: tuple[Remark, ...]
    #: The ledger's names that this connection resolves to another schema: name → that schema.
    elsewhere: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What this version's migrations make: ``catalogue.json``."""

    #: The majors of PostgreSQL on which the description was found to be this one, each with the full version.
    postgresql: dict[str, str]
    objects: Objects
    public: list[str]


@cache
def shipped() -> Shipped:
    """The description that this version of Folio came with."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return Shipped(document["postgresql"], document["objects"], document["public"])


def privilege_label(remark: Remark) -> str:
    """A privilege and what it is on: ``UPDATE (last_value) on table ledger_period``."""
    facts = remark.facts
    column = f" ({facts['column']})" if facts.get("column") else ""
    return f"{facts['privilege']}{column} on {facts['on']} {remark.name}"


def read(connection: BaseDatabaseWrapper, tables: Collection[str]) -> Catalogue | None:
    """Read the schema that ``tables`` are in; None where not one of them is there.

    They are in the schema that most of their names lead to. Everything is read by one statement.
    """
    with transaction.atomic(using=connection.alias):
        try:
            with connection.cursor() as cursor:
                return _read(cursor, sorted(tables))
        finally:
            # Nothing was written; going back also restores the search_path where the caller has a transaction.
            transaction.set_rollback(True, using=connection.alias)


def _read(cursor: CursorWrapper, tables: list[str]) -> Catalogue | None:
    cursor.execute(catalogue_sql.SEEN, [tables])
    seen = cursor.fetchall()
    cursor.execute(catalogue_sql.ONLY_POSTGRESQL)
    cursor.execute(catalogue_sql.PLACES, [[oid for name, oid in seen if name and oid]])
    places = {row.oid: row for row in by_name(cursor, cursor.fetchall())}
    counted = Counter(places[oid].schema_oid for name, oid in seen if name and oid and places[oid].is_table)
    if not counted:
        return None
    [(schema_oid, _)] = counted.most_common(1)
    here = next(row for row in places.values() if row.schema_oid == schema_oid)
    cursor.execute(catalogue_sql.VERSION)
    major, version = cursor.fetchone()
    hidden, reached = ([oid for name, oid in seen if name == which] for which in (None, ""))
    chosen = {"schema": schema_oid, "tables": tables, "hidden": hidden, "reached": reached}
    cursor.execute(catalogue_sql.DESCRIBE, chosen)
    unqualified = _unqualifier(here.quoted)
    objects: Objects = {kind: {} for kind in KINDS}
    remarks = []
    for kind, name, text in cursor.fetchall():
        facts = {fact: _canonical(value, unqualified) for fact, value in json.loads(text).items() if value}
        if kind in objects:
            if "settings" in facts:
                # The ledger's own schema in a search_path is called ``{schema}``.
                facts["settings"] = [_search_path(setting, here.quoted) for setting in facts["settings"]]
            objects[kind][unqualified(name)] = facts
        else:
            remarks.append(Remark(kind, unqualified(name), facts | {"role": facts.get("role", "")}))
    elsewhere = {
        name: places[oid].schema for name, oid in seen if name and oid and places[oid].schema_oid != schema_oid
    }
    return Catalogue(here.schema, major, version.split()[0], objects, tuple(remarks), elsewhere)


def table_of(name: str) -> str:
    """The table that an object belongs to, by the object's name in a description; a table belongs to itself."""
    return name.partition(" (")[0].partition(".")[0]


def restore_names(connection: BaseDatabaseWrapper) -> int:
    """Give the constraints of a cloned schema the names that the migrations gave them; returns how many had others.

    Tools clone by ``CREATE TABLE … (LIKE … INCLUDING ALL)``, which makes the same constraints under PostgreSQL's names.
    Call it in a transaction.
    """
    known = shipped().objects
    found = read(connection, known["table"].keys())
    there = {} if found is None else found.objects["constraint"]
    gone = {name: facts for name, facts in known["constraint"].items() if name not in there}
    wanted = {(table_of(name), facts["definition"]): name for name, facts in gone.items()}
    renamed = 0
    with connection.cursor() as cursor:
        for name in sorted(there.keys() - known["constraint"].keys()):
            table = table_of(name)
            right = wanted.pop((table, there[name]["definition"]), None)
            if right is not None:
                old, new = (connection.ops.quote_name(each.removeprefix(f"{table}.")) for each in (name, right))
                cursor.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
                renamed += 1
    return renamed


def _canonical(value: Any, unqualified: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return sorted(_canonical(each, unqualified) for each in value)
    return _STORAGE.sub("", unqualified(value)) if isinstance(value, str) else value


def _unqualifier(quoted: str) -> Callable[[str], str]:
    """A function that removes the schema's name before the names of the ledger's objects, but not in literals.

    Other objects in that schema keep it: ``public.upper(number)`` is not PostgreSQL's ``upper(number)``.
    """
    prefix = f"{quoted}."

    def without(token: re.Match[str]) -> str:
        return "" if token[0] == prefix and token.string.startswith("ledger_", token.end()) else token[0]

    return lambda text: _TOKEN.sub(without, text)


def _search_path(setting: str, quoted: str) -> str:
    name, _, value = setting.partition("=")
    if name != "search_path":
        return setting
    return f"{name}=" + ", ".join("{schema}" if part == quoted else part for part in value.split(", "))
