"""A Tryton that runs: on a copy of the cached SQLite books, or on the tests' own PostgreSQL."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from psycopg.conninfo import conninfo_to_dict

from tests import provision
from tests.accounting import tryton_postgres
from tests.accounting.tryton_installation import DATABASE, Installation, configure

#: Many times what it takes: about a second.
START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """Where a running Tryton is, and what is in its books."""

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
    with (folder / "log").open("wb") as log:
        command = [made.program("trytond"), "-c", str(configuration), "-d", database]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{url}/{database}/rest/model/account.invoice"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "Tryton doesn't start"
            time.sleep(0.05)
        yield Server(url, database, json.loads(facts.read_text(encoding="utf-8")), folder)
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        # Without a key: what counts is that somebody refuses us.
        return httpx.get(url, timeout=5).status_code == httpx.codes.UNAUTHORIZED
    except httpx.TransportError:
        return False
