"""The proxy breaks connections exactly where it should: seen on real transactions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.provision import database_url
from tests.storm.faults import Action, Fault, Point, Side
from tests.storm.proxy import Address, Proxy

TABLE = f"storm_proxy_{os.getpid()}"
PATIENCE = 10.0


class Powers:
    """Writes down what the proxy would do to workers and PostgreSQL."""

    def __init__(self) -> None:
        self.used: list[tuple[object, ...]] = []

    def kill(self, slot: int) -> None:
        self.used.append(("kill", slot))

    def stop(self, slot: int, seconds: float) -> None:
        self.used.append(("stop", slot, seconds))

    def crash(self, action: Action, backend: int | None) -> None:
        self.used.append((action, backend))


class Scene:
    """A proxy before the tests' server, and a table that tells what was committed."""

    def __init__(self, direct: psycopg.Connection, proxy: Proxy, powers: Powers) -> None:
        self.direct = direct
        self.proxy = proxy
        self.powers = powers

    def arm(self, action: Action, point: Point, side: Side, *, skip: int = 0, seconds: float = 0.0) -> None:
        self.proxy.arm(Fault(0.0, 1, action, point, side, skip, seconds))

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        url = make_conninfo(
            database_url(), host="127.0.0.1", port=self.proxy.ports[1], sslmode="disable", gssencmode="disable"
        )
        connection = psycopg.connect(url)
        try:
            yield connection
        finally:
            connection.close()

    def commits(self, *, then: str = "") -> bool:
        """Insert and commit through the proxy; whether the client was told that it worked."""
        with self.connect() as connection:
            connection.execute(f"INSERT INTO {TABLE} VALUES (1)")
            try:
                connection.commit()
                if then:
                    connection.execute(then)
            except psycopg.OperationalError:
                return False
            return True

    def rows(self) -> int:
        row = self.direct.execute(f"SELECT count(*) FROM {TABLE}").fetchone()
        assert row is not None
        return int(row[0])

    def wait_for_its_end(self) -> None:
        """Return when the transaction that has written is over, by the lock that it holds on the table."""
        with self.direct.transaction():
            self.direct.execute("SET LOCAL lock_timeout = '10s'")
            self.direct.execute(f"LOCK TABLE {TABLE}")

    def wait_for_a_row(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.rows():
            assert time.monotonic() < deadline, "it was never committed"
            time.sleep(0.01)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with psycopg.connect(database_url(), autocommit=True) as direct:
        host, port = direct.info.host, direct.info.port
        upstream: Address = Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)
        direct.execute(f"DROP TABLE IF EXISTS {TABLE}")
        direct.execute(f"CREATE TABLE {TABLE} (value integer)")
        powers = Powers()
        proxy = Proxy(upstream, 2, powers)
        proxy.start()
        try:
            yield Scene(direct, proxy, powers)
        finally:
            proxy.close()
            # What a late COMMIT still holds would be waited for.
            direct.execute("SET lock_timeout = '10s'")
            direct.execute(f"DROP TABLE {TABLE}")


def test_without_a_fault_all_passes(scene: Scene) -> None:
    assert scene.commits(then="SELECT 1")
    with scene.connect() as connection:
        # With parameters it is the extended protocol, and COPY is one of its own.
        assert connection.execute("SELECT %s::int + 1", [1]).fetchone() == (2,)
        with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            copy.write_row([2])
        connection.commit()
    assert scene.rows() == 2


def test_cut_before_commit_is_passed_on(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.COMMIT, Side.BEFORE)
    assert not scene.commits()
    scene.wait_for_its_end()
    assert scene.rows() == 0


def test_cut_while_postgresql_commits(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.COMMIT, Side.RACING)
    assert not scene.commits()
    scene.wait_for_a_row()


def test_cut_after_postgresql_has_committed(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.COMMIT, Side.AFTER)
    assert not scene.commits()
    assert scene.rows() == 1


def test_a_commit_that_arrives_late(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.COMMIT, Side.LATE, seconds=0.3)
    assert not scene.commits()
    assert scene.rows() == 0
    scene.wait_for_a_row()


def test_a_fault_is_for_one_worker_and_happens_once(scene: Scene) -> None:
    scene.proxy.arm(Fault(0.0, 0, Action.CUT, Point.COMMIT, Side.BEFORE))
    assert scene.commits()
    scene.arm(Action.CUT, Point.COMMIT, Side.AFTER)
    assert [scene.commits(), scene.commits()] == [False, True]
    assert scene.proxy.struck == {(Action.CUT, Point.COMMIT, Side.AFTER): 1}


def test_at_a_statement_after_some_others(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.STATEMENT, Side.BEFORE, skip=2)
    with scene.connect() as connection:
        connection.autocommit = True
        for value in (1, 2):
            connection.execute(f"INSERT INTO {TABLE} VALUES (%s)", [value])
        with pytest.raises(psycopg.OperationalError):
            connection.execute(f"INSERT INTO {TABLE} VALUES (%s)", [3])
    assert scene.rows() == 2


def test_cut_at_once(scene: Scene) -> None:
    with scene.connect() as connection:
        connection.execute("SELECT 1")
        scene.arm(Action.CUT, Point.NOW, Side.BEFORE)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(5)")


def test_calm_forgets_what_has_not_happened(scene: Scene) -> None:
    scene.arm(Action.CUT, Point.COMMIT, Side.BEFORE)
    scene.proxy.calm()
    assert scene.commits()


@pytest.mark.parametrize("side", [Side.BEFORE, Side.AFTER])
def test_a_message_held_back_arrives(scene: Scene, side: Side) -> None:
    scene.arm(Action.STALL, Point.COMMIT, side, seconds=0.2)
    began = time.monotonic()
    assert scene.commits(then="SELECT 1")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(("side", "committed"), [(Side.BEFORE, 0), (Side.AFTER, 1)])
def test_kill(scene: Scene, side: Side, committed: int) -> None:
    scene.arm(Action.KILL, Point.COMMIT, side)
    assert not scene.commits()
    assert scene.powers.used == [("kill", 1)]
    assert scene.rows() == committed


@pytest.mark.parametrize("side", [Side.BEFORE, Side.AFTER])
def test_a_worker_is_stopped_and_its_connection_lives(scene: Scene, side: Side) -> None:
    scene.arm(Action.STOP, Point.COMMIT, side, seconds=1.5)
    assert scene.commits(then="SELECT 1")
    assert scene.powers.used == [("stop", 1, 1.5)]


@pytest.mark.parametrize("action", [Action.CRASH, Action.BACKEND])
def test_a_crash_is_told_which_process_served(scene: Scene, action: Action) -> None:
    scene.arm(action, Point.STATEMENT, Side.AFTER)
    with scene.connect() as connection:
        backend = connection.info.backend_pid
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert scene.powers.used == [(action, backend)]


def test_a_server_that_is_down_refuses_the_client(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "nobody", 1, Powers())
    proxy.start()
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"host=127.0.0.1 port={proxy.ports[0]} user=x dbname=x sslmode=disable gssencmode=disable")
    finally:
        proxy.close()
