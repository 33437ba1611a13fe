"""A Tryton that runs: on a copy of the cached SQLite books, or on the tests' own PostgreSQL."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tests import provision
from tests.accounting import tryton_postgres
from tests.accounting.foreign_server import serving
from tests.accounting.tryton_installation import DATABASE, Installation, configure


@dataclass(frozen=True)
class Server:
    """The address of a running Tryton, and the facts of its books."""

    url: str
    database: str
    facts: Mapping[str, Any]
    #: The folder of its files: the configuration, the log, and on SQLite the database.
    folder: Path


@contextmanager
def on_sqlite(made: Installation, folder: Path) -> Iterator[Server]:
    """A Tryton on a fresh copy of the books in `folder`."""
    (folder / made.sqlite.name).write_bytes(made.sqlite.read_bytes())
    with _running(made, folder, "sqlite://", DATABASE, made.sqlite_facts) as server:
        yield server


@contextmanager
def on_postgres(made: Installation, folder: Path, url: str) -> Iterator[Server]:
    """A Tryton on the empty PostgreSQL database at `url`, which gets the books first."""
    facts = tryton_postgres.copy_books(made, folder, url)
    database = str(conninfo_to_dict(url)["dbname"])
    with _running(made, folder, tryton_postgres.tryton_uri(url), database, facts) as server:
        yield server


@contextmanager
def _running(made: Installation, folder: Path, uri: str, database: str, facts: Path) -> Iterator[Server]:
    port = provision.free_port()
    configuration = configure(folder, uri, port=port)
    url = f"http://127.0.0.1:{port}"
    command = [made.program("trytond"), "-c", str(configuration), "-d", database]
    # Asked without a key: what counts is that somebody refuses us.
    asked = f"{url}/{database}/rest/model/account.invoice"
    with serving(command, folder / "log", asked, status=401):
        yield Server(url, database, json.loads(facts.read_text(encoding="utf-8")), folder)
