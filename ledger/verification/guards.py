"""Whether the database's guards stand as the migrations made them (``ledger.verification.expected``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import testing
from ledger.models.tables import all_tables
from ledger.verification import expected, sql
from ledger.verification.expected import Trigger
from ledger.verification.findings import MEANINGS, Finding

_ENABLED: Final = {"O": "enabled, but silent in replica mode", "R": "enabled in replica mode alone", "D": "disabled"}


def broken_guards(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Every guard that is missing, switched off, invalid, or not what the migrations made."""
    yield from _triggers(connection)
    yield from _indexes(connection)
    yield from _constraints(connection)
    yield from _functions(connection)
    yield from _unlogged(connection)


def _triggers(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    missing = {(trigger.table, trigger.name): trigger for trigger in expected.triggers()}
    if testing.is_test_database(connection):
        # ledger.testing drops the refusal of TRUNCATE there, so that tests can flush.
        missing = {key: trigger for key, trigger in missing.items() if key[1] != expected.REFUSAL_OF_TRUNCATE}
    for row in _rows(connection, sql.TRIGGERS):
        table, name, function, when, columns, condition, deferred, enabled, internal = row
        wanted = missing.pop((table, name), None)
        if wanted is None:
            if internal and enabled == "D":
                yield _finding("trigger", f"A foreign key's trigger {name} on {table} is disabled")
            continue
        if enabled != "A":
            yield _finding(
                "trigger", f"The trigger {name} on {table} is {_ENABLED[enabled]}; it must be always enabled"
            )
        if Trigger(table, name, function, when, tuple(columns), condition, deferred) != wanted:
            yield _finding("trigger", f"The trigger {name} on {table} is another one than the migrations made")
    for table, name in missing:
        yield _finding("trigger", f"The trigger {name} on {table} is missing")


def _indexes(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    found = {row[0]: row[1:] for row in _rows(connection, sql.INDEXES)}
    for name, (columns, condition) in expected.INDEXES.items():
        if name not in found:
            yield _finding("index", f"The unique index {name} is missing")
            continue
        valid, its_columns, its_condition = found[name]
        if not valid:
            yield _finding("index", f"The unique index {name} is not valid, so it guards nothing")
        if list(its_columns) != columns:
            yield _finding("index", f"The unique index {name} is on {', '.join(its_columns)}, not {', '.join(columns)}")
        if its_condition != condition:
            told = its_condition or "no condition"
            yield _finding("index", f"The unique index {name} has {told}, instead of {condition or 'none'}")


def _constraints(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    rows = _rows(connection, sql.CONSTRAINTS)
    named = {(table, name, kind): valid for table, name, kind, _, valid in rows}
    for key in expected.CONSTRAINTS:
        if key not in named:
            yield _finding("constraint", f"The constraint {key[1]} on {key[0]} is missing")
        elif not named[key]:
            yield _finding("constraint", f"The constraint {key[1]} on {key[0]} is not valid")
    pointing = {(table, other): valid for table, _, kind, other, valid in rows if kind == "f"}
    for pair in expected.FOREIGN_KEYS:
        if not pointing.get(pair, False):
            yield _finding("constraint", f"The foreign key from {pair[0]} to {pair[1]} is missing or not valid")


def _functions(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    known = expected.functions()
    with connection.cursor() as cursor:
        cursor.execute(sql.FUNCTIONS, [sorted(known)])
        stored: dict[str, set[str]] = {}
        for name, body, sees_its_schema in cursor.fetchall():
            stored.setdefault(name, set()).add(body)
            if name in expected.OWN_SCHEMA and not sees_its_schema:
                yield _finding("function", f"The function {name} has no search_path of its own, so it can be deceived")
    for name, body in known.items():
        if name not in stored:
            yield _finding("function", f"The function {name} is missing")
        elif stored[name] != {body}:
            yield _finding("function", f"The function {name} is another one than the migrations made")


def _unlogged(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    for (table,) in _rows(connection, sql.UNLOGGED):
        if table not in expected.UNLOGGED:
            yield _finding("unlogged", f"The table {table} is not in the write-ahead log, so a crash would empty it")


def _rows(connection: BaseDatabaseWrapper, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [all_tables()])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _finding(check: str, detail: str) -> Finding:
    meaning = MEANINGS[check]
    return Finding(
        rule=meaning.rule,
        check=check,
        tenant=None,
        series=None,
        period=None,
        value=None,
        through=None,
        number=None,
        table=None,
        id=None,
        problem=meaning.problem.format(detail=detail),
        remedy=meaning.remedy,
    )
