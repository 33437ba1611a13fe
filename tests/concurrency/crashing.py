"""A PostgreSQL that a test may crash: only what somebody waited for is on its disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.concurrency.checkouts import PATIENCE
from tests.databases import migrate
from tests.provision import client_program
from tests.storm.cluster import Cluster, NoPostgres

#: Nothing writes WAL out by itself: no checkpoint, no vacuum, no dirty page.
_QUIET = {"autovacuum": "off", "checkpoint_timeout": "1h", "bgwriter_lru_maxpages": "0", "wal_buffers": "16MB"}


class CrashingServer:
    """``url`` leads to a migrated database."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.url = cluster.url

    def ask(self, statement: str) -> object:
        """The first value that a statement returns, in a session of its own that waits for no flush."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def set(self, **settings: str) -> None:
        """Change settings of the server, without a restart."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for name, value in settings.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")
        # The postmaster tells its children in its own time, and new sessions have it at once.
        for name, value in settings.items():
            self.wait_for(f"SELECT current_setting('{name}') = '{value}'")

    def wait_for(self, statement: str) -> None:
        """Return when a statement returns true."""
        deadline = time.monotonic() + PATIENCE
        while not self.ask(statement):
            assert time.monotonic() < deadline, f"never true: {statement}"

    @contextmanager
    def only_flushed_when_waited_for(self) -> Iterator[None]:
        """Stop the process that writes WAL for those who don't wait; a crash then loses what nobody waited for."""
        writer = int(str(self.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")))
        os.kill(writer, signal.SIGSTOP)
        self._writer: int | None = writer
        try:
            yield
        finally:
            if self._writer is not None:
                os.kill(writer, signal.SIGCONT)

    def crash(self) -> None:
        """Kill the stopped process: PostgreSQL ends all others at once, and recovers from what is on the disk."""
        assert self._writer is not None, "nothing was held back"
        with psycopg.connect(self.url, autocommit=True) as witness:
            self._cluster.kill_backend(self._writer)
            self._writer = None
            deadline = time.monotonic() + PATIENCE
            try:
                while time.monotonic() < deadline:
                    witness.execute("SELECT 1")
            except psycopg.OperationalError:
                pass
            else:
                raise AssertionError("it did not crash")
        assert self._cluster.wait_until_ready()

    @contextmanager
    def standby(self, name: str) -> Iterator[Standby]:
        """A streaming standby, which calls itself ``name``."""
        backup = client_program("pg_basebackup")
        if backup is None:
            pytest.skip("no pg_basebackup")
        folder = Path(mkdtemp(prefix="folio-standby-"))
        if os.getuid() == 0:
            owner = self._cluster.data.owner()
            subprocess.run(["chown", owner, str(folder)], check=True)
        data = folder / "data"
        user = self._cluster.data.owner() if os.getuid() == 0 else None
        upstream = make_conninfo(self.url, dbname="", application_name=name)
        subprocess.run(
            [backup, "-D", str(data), "-d", upstream, "-R", "-X", "stream", "-c", "fast"],
            check=True,
            user=user,
            capture_output=True,
            cwd=folder,
        )
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write(f"unix_socket_directories = '{folder}'\n")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [Path(backup).with_name("postgres"), "-D", str(data)], stdout=log, stderr=log, user=user, cwd=folder
            )
        try:
            self.wait_for(f"SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name = '{name}'")
            yield Standby(make_conninfo(self.url, host=str(folder)))
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(PATIENCE)
            shutil.rmtree(folder, ignore_errors=True)


class Standby:
    """A standby that streams from a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, statement: str) -> object:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None


@contextmanager
def crashing_server(**settings: str) -> Iterator[CrashingServer]:
    """Made from the wheel's PostgreSQL, since the one of DATABASE_URL is not ours to crash."""
    folder = Path(mkdtemp(prefix="folio-crash-"))
    folder.chmod(0o755)
    try:
        cluster = Cluster(folder)
    except NoPostgres as error:
        pytest.skip(str(error))
    cluster.create()
    try:
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            for name, value in (_QUIET | settings).items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        cluster.stop()
        cluster.start()
        migrate(cluster.url)
        yield CrashingServer(cluster)
    finally:
        cluster.stop()
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)
