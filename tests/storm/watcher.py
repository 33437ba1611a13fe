"""An onlooker who writes down every event as it is first seen, so that the checker can tell whether one changed.

Imports nothing of Folio. What it has seen was committed, so it must be there in the end, as it was. It may have seen it
before the disk had it, so it writes down what it has seen once it has committed something itself.
"""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
from psycopg import sql

EVENTS = ("ledger_entry", "ledger_numbervoided", "ledger_gapexplained", "ledger_holereported")
_EVERY = 1.0
#: Ids are drawn before COMMIT, so later looks go back by so many.
_WINDOW = 3000


class Watcher:
    """Looks from ``start`` to ``stop``, in a thread of its own, whenever PostgreSQL answers."""

    def __init__(self, url: str, path: Path) -> None:
        self.looks = 0
        self._url = url
        self._path = path
        self._known: dict[str, set[int]] = {table: set() for table in EVENTS}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        self._path.touch()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            try:
                known = dict(self._known)
                with psycopg.connect(self._url) as connection:
                    connection.execute("SET TIME ZONE 'UTC'")
                    found = [line for table in EVENTS for line in self.look(connection, table)]
                    connection.execute("SELECT pg_logical_emit_message(true, 'watcher', '')")
                with self._path.open("a", encoding="ascii") as file:
                    file.writelines(found)
                self.looks += 1
            except psycopg.OperationalError:
                self._known = known  # it crashed, or recovers: what was not written down was not seen

    def look(self, connection: psycopg.Connection, table: str) -> list[str]:
        """A line for each row of the table that was not seen before."""
        if not exists(connection, table):
            return []
        known = self._known[table]
        since = max(known, default=0) - _WINDOW
        query = sql.SQL("SELECT t.id, {} FROM {} t WHERE t.id > %s").format(digest("t"), sql.Identifier(table))
        rows = connection.execute(query, [since]).fetchall()
        found = [f"{table}\t{key}\t{content}\n" for key, content in rows if key not in known]
        self._known[table] = {key for key, _ in rows}
        return found


def digest(row: str) -> sql.Composable:
    """A row's whole content in a few bytes, the same in every session."""
    return sql.SQL("md5(to_jsonb({})::text)").format(sql.Identifier(row))


def exists(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])
