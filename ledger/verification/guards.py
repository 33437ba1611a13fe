"""Whether the database's guards stand as the migrations made them: triggers, unique indexes, constraints, functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import migrations, testing
from ledger.models.tables import all_tables, event_tables
from ledger.verification import sql
from ledger.verification.findings import MEANINGS, Finding

# pg_trigger.tgtype.
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32

#: The two that each event table has: name, function, when.
APPEND_ONLY: Final = (
    ("ledger_append_only_rows", "ledger_refuse_change", _ROW | _BEFORE | _UPDATE | _DELETE),
    ("ledger_append_only_table", "ledger_refuse_change", _BEFORE | _TRUNCATE),
)

#: The others: table, name, function, when.
TRIGGERS: Final = (
    ("ledger_entry", "ledger_entry_fits", "ledger_entry_fits", _ROW | _BEFORE | _INSERT),
    ("ledger_numbervoided", "ledger_void_fits", "ledger_void_fits", _ROW | _BEFORE | _INSERT),
    ("ledger_period", "ledger_period_guard_counter", "ledger_period_guard", _ROW | _UPDATE),
    ("ledger_period", "ledger_period_guard_format", "ledger_period_guard", _ROW | _UPDATE),
    ("ledger_period", "ledger_period_guard_delete", "ledger_period_guard", _ROW | _DELETE),
    ("ledger_period", "ledger_period_fits", "ledger_period_fits", _ROW | _INSERT),
    ("ledger_period", "ledger_period_fits_update", "ledger_period_fits", _ROW | _UPDATE),
    ("ledger_series", "ledger_series_guard_update", "ledger_series_guard", _ROW | _UPDATE),
)

#: Those among them whose condition or column list is meant; on any other it would let rows through.
CONDITIONAL: Final = frozenset(
    {
        "ledger_period_fits_update",
        "ledger_period_guard_counter",
        "ledger_period_guard_format",
        "ledger_series_guard_update",
    }
)

#: The functions that read a table to judge a row; they must not be shown a temporary one.
OWN_SCHEMA: Final = frozenset(
    {"ledger_entry_fits", "ledger_void_fits", "ledger_period_fits", "ledger_period_guard", "ledger_series_guard"}
)

#: Unique indexes: name → columns, condition.
INDEXES: Final[dict[str, tuple[list[str], str]]] = {
    "ledger_entry_value": (["tenant", "period_id", "value"], ""),
    "ledger_entry_number": (["tenant", "upper(number::text)"], ""),
    "ledger_entry_document": (["tenant", "series_id", "document"], "document::text > ''::text"),
    "ledger_numbervoided_once": (["tenant", "entry_id"], ""),
    "ledger_adoptedgap_first_value": (["tenant", "period_id", "first_value"], ""),
    "ledger_series_code": (["tenant", "code"], ""),
    "ledger_period_starts_on": (["tenant", "series_id", "starts_on"], ""),
    "ledger_period_format": (["tenant", "upper(prefix::text)", "upper(suffix::text)"], ""),
}

#: Check (c) and exclusion (x) constraints: table, name, kind.
CONSTRAINTS: Final = (
    ("ledger_adoptedgap", "ledger_adoptedgap_order", "c"),
    ("ledger_gapexplained", "ledger_gapexplained_one_subject", "c"),
    ("ledger_period", "ledger_period_no_overlap", "x"),
)

#: Foreign keys that events rest on: table, the table it points to. Django makes up their names.
FOREIGN_KEYS: Final = (
    ("ledger_numbervoided", "ledger_entry"),
    ("ledger_gapexplained", "ledger_entry"),
    ("ledger_gapexplained", "ledger_adoptedgap"),
    ("ledger_adoptedgap", "ledger_adoption"),
    ("ledger_adoptedgap", "ledger_period"),
    ("ledger_adoption", "ledger_series"),
    ("ledger_period", "ledger_series"),
)

_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\((?:(?!\bCREATE\b).)*?\bAS \$\$(.*?)\$\$", re.DOTALL)
_ENABLED = {"O": "enabled, but silent in replica mode", "R": "enabled in replica mode alone", "D": "disabled"}


def broken_guards(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Every guard that is missing, switched off, invalid, or not what the migrations made."""
    yield from _triggers(connection)
    yield from _indexes(connection)
    yield from _constraints(connection)
    yield from _functions(connection)


def _triggers(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    expected = {(table, name): (function, when) for table, name, function, when in TRIGGERS}
    for table in event_tables():
        expected |= {(table, name): (function, when) for name, function, when in APPEND_ONLY}
    if testing.is_test_database(connection):
        # ledger.testing drops the refusal of TRUNCATE there, so that tests can flush.
        expected = {key: value for key, value in expected.items() if key[1] != APPEND_ONLY[1][0]}
    for table, name, enabled, kind, function, unconditional, internal in _rows(connection, sql.TRIGGERS):
        wanted = expected.pop((table, name), None)
        if wanted is None:
            if internal and enabled == "D":
                yield _finding("trigger", f"A foreign key's trigger {name} on {table} is disabled")
            continue
        if enabled != "A":
            yield _finding(
                "trigger", f"The trigger {name} on {table} is {_ENABLED[enabled]}; it must be always enabled"
            )
        if (function, kind) != wanted or not (unconditional or name in CONDITIONAL):
            yield _finding("trigger", f"The trigger {name} on {table} is another one than the migrations made")
    for table, name in expected:
        yield _finding("trigger", f"The trigger {name} on {table} is missing")


def _indexes(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    found = {row[0]: row[1:] for row in _rows(connection, sql.INDEXES)}
    for name, (columns, condition) in INDEXES.items():
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
    for key in CONSTRAINTS:
        if key not in named:
            yield _finding("constraint", f"The constraint {key[1]} on {key[0]} is missing")
        elif not named[key]:
            yield _finding("constraint", f"The constraint {key[1]} on {key[0]} is not valid")
    pointing = {(table, other): valid for table, _, kind, other, valid in rows if kind == "f"}
    for pair in FOREIGN_KEYS:
        if not pointing.get(pair, False):
            yield _finding("constraint", f"The foreign key from {pair[0]} to {pair[1]} is missing or not valid")


def _functions(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    known = _known_functions()
    with connection.cursor() as cursor:
        cursor.execute(sql.FUNCTIONS, [sorted(known)])
        stored: dict[str, set[str]] = {}
        for name, body, sees_its_schema in cursor.fetchall():
            stored.setdefault(name, set()).add(body)
            if name in OWN_SCHEMA and not sees_its_schema:
                yield _finding("function", f"The function {name} has no search_path of its own, so it can be deceived")
    for name, bodies in known.items():
        if name not in stored:
            yield _finding("function", f"The function {name} is missing")
        elif not stored[name] <= bodies:
            yield _finding("function", f"The function {name} is another one than the migrations made")


@cache
def _known_functions() -> dict[str, set[str]]:
    """The functions in the migrations: name → each text that a migration gave it."""
    known: dict[str, set[str]] = {}
    for file in (Path(migrations.__path__[0]) / "sql").glob("*.sql"):
        for name, body in _FUNCTION.findall(file.read_text(encoding="utf-8")):
            known.setdefault(name, set()).add(body)
    return known


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
