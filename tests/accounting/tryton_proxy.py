"""A proxy before a real Tryton, with the faults of a stand-in: Tryton itself answers the requests that get through.

What people do there behind our back is written straight into Tryton's SQLite database: it takes a millisecond instead
of a second, and does what Tryton's own programs refuse: numbers given twice, documents that vanish, times at will.
"""

import json
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from typing import Any, ClassVar

import httpx

from tests.accounting.standins.chosen_faults import ChosenFaults
from tests.accounting.standins.server import Reply, Request
from tests.accounting.tryton_installation import DATABASE
from tests.accounting.tryton_server import Server
from workers.accounting.base import State
from workers.accounting.http import trusted_certificates

_STATES = {State.DRAFT: "draft", State.POSTED: "posted", State.VOID: "cancelled"}
_PASSED_ON = {"accept", "content-type", "x-tryton-context"}
_INVOICES = "/rest/model/account.invoice"


class TrytonProxy(ChosenFaults):
    """Starts without invoices. The caller that starts a server sets ``server``; it serves one proxy at a time."""

    allows_duplicates = True
    server: ClassVar[Server]

    def __init__(self) -> None:
        super().__init__()
        with self._sql() as connection:
            for table in ("account_invoice_line", "account_invoice_tax", "account_invoice"):
                connection.execute(f"DELETE FROM {table}")

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.secret}":
            return Reply(401, b"<!doctype html><title>401 Unauthorized</title>", {"Content-Type": "text/html"})
        query: list[tuple[str, Any]] = [(name, each) for name, values in request.query.items() for each in values]
        if self.repeats_pages and request.method == "GET" and request.path == _INVOICES:
            query = [(name, _from_the_start(value) if name == "d" else value) for name, value in query]
        answer = httpx.request(
            request.method,
            f"{self.server.url}/{self.server.database}{request.path}",
            params=query,
            content=request.body,
            headers={
                "Authorization": f"Bearer {self.server.facts['key']}",
                **{name: value for name, value in request.headers.items() if name in _PASSED_ON},
            },
            timeout=60,
            verify=trusted_certificates(),
        )
        if answer.status_code >= 400 and self.echoes_secrets:
            return Reply(answer.status_code, {"message": f"{request.headers}"})
        kind = answer.headers.get("Content-Type", "text/html")
        return Reply(answer.status_code, answer.content, {"Content-Type": kind})

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        values = {
            "company": self.server.facts["company"],
            "type": "out",
            "party": self.server.facts["party"],
            "currency": 1,
            "number": number or None,
            "reference": reference,
            "state": _STATES[state],
            "invoice_date": issued_on.isoformat(),
            "create_date": _stamp(self.now),
            "write_date": _stamp(self.now),
            **body,
        }
        names, places = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
        with self._sql() as connection:
            made = connection.execute(f"INSERT INTO account_invoice ({names}) VALUES ({places})", [*values.values()])
            return str(made.lastrowid)

    def change(self, key: str, **values: Any) -> None:
        """Write these columns, and nothing else."""
        pairs = ", ".join(f'"{name}" = ?' for name in values)
        with self._sql() as connection:
            connection.execute(f"UPDATE account_invoice SET {pairs} WHERE id = ?", [*values.values(), int(key)])

    def touch(self, key: str) -> None:
        self.change(key, write_date=_stamp(self.now))

    def renumber(self, key: str, number: str) -> None:
        self.change(key, number=number, write_date=_stamp(self.now))

    def void(self, key: str) -> None:
        self.change(key, state="cancelled", write_date=_stamp(self.now))

    def delete(self, key: str) -> None:
        with self._sql() as connection:
            connection.execute("DELETE FROM account_invoice WHERE id = ?", [int(key)])

    def keys(self) -> list[str]:
        return [str(key) for (key,) in self.rows("id")]

    def facts(self) -> list[tuple[str, str, State]]:
        states = {name: state for state, name in _STATES.items()}
        found = self.rows("number, reference, state")
        return [(number or "", reference or "", states[state]) for number, reference, state in found]

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        """Columns of all invoices, oldest first."""
        with self._sql() as connection:
            return connection.execute(f"SELECT {columns} FROM account_invoice ORDER BY id").fetchall()

    @contextmanager
    def _sql(self) -> Iterator[sqlite3.Connection]:
        # Longer than anything that Tryton does: it holds the database's lock while it writes.
        file = self.server.folder / f"{DATABASE}.sqlite"
        with closing(sqlite3.connect(file, timeout=60)) as connection, connection:
            yield connection


def _stamp(at: datetime) -> str:
    """A time as Tryton writes it into SQLite."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _from_the_start(domain: str) -> str:
    """The same request without the cursor."""
    clauses = [["id", ">", 0] if each[0] == "id" else each for each in json.loads(urlsafe_b64decode(domain))]
    return urlsafe_b64encode(json.dumps(clauses).encode()).decode("ascii")
