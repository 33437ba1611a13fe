"""Calls of the database's pure functions, which compute a period and compare formats."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


def asked(connection: Connection, query: str, *arguments: object) -> Any:
    """The one row that the query returns, or its one column."""
    row = connection.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]
