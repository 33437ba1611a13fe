"""The PostgreSQL that the benchmarks run on, their databases, and what there is to say about the machine.

Imported before Django has settings, and never imports Django itself.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from ledger.site import embedded

#: The databases that the benchmarks use. `empty` and `full` are the ledger of millions of rows and its empty twin; in
#: `snapshot` and `idle` somebody holds a transaction open for long; `sweeps` has many tenants; `seals` is sealed; and
#: `slow` has a slow disk.
ALIASES = ("default", "empty", "full", "snapshot", "idle", "sweeps", "seals", "slow")

#: A database of another server, where this module starts them; else another one of the server of DATABASE_URL.
SECOND = "second"

#: A disk whose flush takes 2 ms, as usual ones in a cloud do: who flushes waits so long for others to join.
_SLOW_DISK = {"commit_delay": "2000", "commit_siblings": "0"}

#: Two connections for each of 200 checkouts in flight, and some to spare.
_CONFIGURATION = {"max_connections": "500"}

#: Settings that decide what a commit costs; the benchmarks show them, and leave them at their defaults.
_SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


@contextmanager
def fresh_databases(aliases: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Empty databases `folio_benchmarks_…`, dropped at the end; yields facts about server and machine.

    On the server of DATABASE_URL, else on an embedded one in a temporary folder (TMPDIR says where).
    """
    given = os.environ.get("DATABASE_URL")
    data = _temporary_folder() / "postgres"
    url = given or embedded.start_postgres(data, configuration=_CONFIGURATION)
    other = _temporary_folder() / "postgres"
    second = given or embedded.start_postgres(other, configuration=_CONFIGURATION)
    os.environ["FOLIO_BENCHMARKS_URL"], os.environ["FOLIO_BENCHMARKS_SECOND"] = url, second
    try:
        with _database(second, SECOND), psycopg.connect(url, autocommit=True) as connection:
            names = [sql.Identifier(f"folio_benchmarks_{alias}") for alias in aliases]
            for name in names:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            for setting, value in _SLOW_DISK.items():
                connection.execute(
                    sql.SQL("ALTER DATABASE folio_benchmarks_slow SET {} = {}").format(
                        sql.Identifier(setting), sql.Literal(value)
                    )
                )
            yield _facts(connection, "given" if given else "embedded, in a temporary folder")
            for name in names:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
    finally:
        if not given:
            for each in (data, other):
                embedded.stop_postgres(each)
                shutil.rmtree(each, ignore_errors=True)


@contextmanager
def _database(url: str, alias: str) -> Iterator[None]:
    name = sql.Identifier(f"folio_benchmarks_{alias}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _temporary_folder() -> Path:
    """A folder that is removed at exit, after pgserver has had its last look, for which it makes the folder anew."""
    folder = tempfile.mkdtemp(prefix="folio-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _facts(connection: psycopg.Connection, origin: str) -> dict[str, str]:
    shown = []
    for name in _SHOWN:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        assert row is not None
        shown.append(f"{name} = {row[0]}")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {platform.system()} {platform.machine()}",
        "CPUs": str(os.cpu_count()),
        "PostgreSQL": f"{connection.info.parameter_status('server_version')} ({origin}); {', '.join(shown)}",
        "Python": sys.version.split()[0],
        "Django": version("Django"),
        "psycopg": f"{version('psycopg')} ({psycopg.pq.__impl__})",
        "django-sequences": version("django-sequences"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
