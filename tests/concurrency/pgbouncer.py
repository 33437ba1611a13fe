"""A PgBouncer in transaction mode in front of the tests' database, with two pools of chosen sizes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.provision import database_url

#: Databases of the pooler: both lead to the same one of PostgreSQL.
MAIN, AHEAD = "folio", "folio_ahead"

_STARTUP = 60.0


@contextmanager
def pooler(database: str, *, size: int, query_wait: int = 60) -> Iterator[str]:
    """Start one and yield its address, ``host=… port=…``; skips where PgBouncer is not installed.

    ``query_wait`` is how long one waits for a free connection of the server before the pooler ends it, in seconds.
    """
    binary = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.skip("no pgbouncer: apt-get install pgbouncer (.ci/run does)")
    target = conninfo_to_dict(database_url(), dbname=database)
    user = str(target.get("user") or "postgres")
    wanted = {"host": "/var/run/postgresql", "port": "5432", **{name: str(value) for name, value in target.items()}}
    wanted["user"] = user
    named = [name for name in ("host", "port", "dbname", "user", "password") if name in wanted]
    server = " ".join(f"{name}={wanted[name]}" for name in named)
    with _free_port() as port:
        folder = Path(mkdtemp(prefix="folio-pgbouncer-"))
        folder.chmod(0o755)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n{MAIN} = {server} pool_size={size}\n{AHEAD} = {server} pool_size={size}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\nmax_client_conn = 200\nquery_wait_timeout = {query_wait}\n"
            "ignore_startup_parameters = extra_float_digits,options\nlog_connections = 0\nlog_disconnections = 0\n"
        )
    process = subprocess.Popen(
        [binary, "-q", *_become(wanted["host"]), str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"host=127.0.0.1 port={port} user={user}"
    try:
        _wait_until_ready(process, address)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=_STARTUP)
        shutil.rmtree(folder, ignore_errors=True)


def _become(host: str) -> list[str]:
    """PgBouncer refuses to run as root; started by root, it becomes the user who may reach the server's socket."""
    if os.getuid() != 0:
        return []
    owner = Path(host).owner() if Path(host).is_dir() else "root"
    return ["-u", "nobody" if owner == "root" else owner]


@contextmanager
def _free_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + _STARTUP
    while True:
        try:
            psycopg.connect(address, dbname=MAIN, connect_timeout=3).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None:
                pytest.fail(f"pgbouncer does not start: {process.communicate()[1]}")
            if time.monotonic() > deadline:
                pytest.fail(f"pgbouncer does not let anyone in: {error}")
