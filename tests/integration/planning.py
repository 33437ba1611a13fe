"""The pure functions of the database: which they are, and how a test asks them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

import ledger

FOLDER = Path(ledger.__file__).parent / "sql" / "functions"

#: Each stands after those that it calls.
FUNCTIONS = [
    "ledger_calendar_step",
    "ledger_period_span",
    "ledger_render_template",
    "ledger_number",
    "ledger_highest_value",
    "ledger_outline",
    "ledger_outlines_agree",
    "ledger_value_of",
    "ledger_may_repeat",
    "ledger_formats_meet",
]

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def planning_schema(url: str) -> Iterator[Connection]:
    """A connection that finds the functions in a schema of their own, which is never committed."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA planning")
        connection.execute("SET LOCAL search_path = pg_catalog, planning")
        for function in FUNCTIONS:
            text = (FOLDER / f"{function}.sql").read_text(encoding="utf-8")
            text = text.replace("CREATE OR REPLACE FUNCTION ", "CREATE OR REPLACE FUNCTION planning.")
            connection.execute(text.encode())
        yield connection
        connection.rollback()


def asked(connection: Connection, query: str, *arguments: object) -> Any:
    """The row that the query answers, or its one column; in a savepoint, so that a refusal leaves the schema there."""
    with connection.transaction():
        row = connection.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]
