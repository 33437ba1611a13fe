"""Whether somebody holds a row: ``ledger_is_held`` finds out from the row itself, whatever its holder is doing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.provision import database_url

pytestmark = pytest.mark.django_db(transaction=True)

Connection = psycopg.Connection[tuple[object, ...]]

#: How a checkout comes to hold a row; each leaves other marks on it.
HOLDS = {
    "FOR UPDATE": ("SELECT FROM held FOR UPDATE",),
    "DELETE": ("DELETE FROM held",),
    "UPDATE": ("UPDATE held SET id = id",),
    "in a savepoint": ("SAVEPOINT s", "SELECT FROM held FOR UPDATE"),
    "in a savepoint that is released": ("SAVEPOINT s", "SELECT FROM held FOR UPDATE", "RELEASE s"),
    "locked in a savepoint, deleted after it": (
        "SAVEPOINT s",
        "SELECT FROM held FOR UPDATE",
        "RELEASE s",
        "DELETE FROM held",
    ),
    "locked, then deleted in a savepoint": ("SELECT FROM held FOR UPDATE", "SAVEPOINT s", "DELETE FROM held"),
    "FOR KEY SHARE": ("SELECT FROM held FOR KEY SHARE",),
}


@pytest.fixture
def url() -> Iterator[str]:
    """The database of the tests, with a table of one row."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE held (id integer); INSERT INTO held VALUES (1)")
    yield make_conninfo(database_url(), dbname=connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE held")


@pytest.fixture
def holder(url: str) -> Iterator[Connection]:
    with psycopg.connect(url) as found:
        yield found
        if not found.closed:
            found.rollback()


@pytest.fixture(params=HOLDS)
def hold(request: pytest.FixtureRequest, holder: Connection) -> str:
    for statement in HOLDS[request.param]:
        holder.execute(statement)
    return str(request.param)


def is_held(by: Connection | None = None) -> bool:
    """As another connection sees the row, or this one."""
    statement = "SELECT ledger_is_held(xmax) FROM held"
    if by is not None:
        [[found]] = by.execute(statement).fetchall()
        return bool(found)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [(found,)] = cursor.fetchall()
    return bool(found)


def test_a_row_that_nobody_touched() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_is_held('0'::xid)")
        assert cursor.fetchone() == (False,)


def test_its_holder_runs(hold: str, holder: Connection) -> None:
    assert is_held()


def test_its_holder_himself_does_not_count(holder: Connection) -> None:
    holder.execute("SELECT FROM held FOR UPDATE")
    assert is_held()
    assert not is_held(holder)


def test_its_holder_committed(hold: str, holder: Connection) -> None:
    holder.commit()
    if "delete" not in hold.lower():  # else the row is gone
        assert not is_held()


def test_its_holder_rolled_back(hold: str, holder: Connection) -> None:
    holder.rollback()
    assert not is_held()


def test_a_savepoint_was_rolled_back_and_its_transaction_goes_on(holder: Connection) -> None:
    for statement in ("SELECT FROM held FOR UPDATE", "DELETE FROM held"):
        holder.execute("SELECT pg_current_xact_id()")
        holder.execute("SAVEPOINT s")
        holder.execute(statement)
        assert is_held()
        holder.execute("ROLLBACK TO s")
        assert not is_held(), statement


def test_a_rolled_back_savepoint_gives_back_no_more_than_it_took(holder: Connection) -> None:
    holder.execute("SELECT FROM held FOR UPDATE")
    holder.execute("SAVEPOINT s")
    holder.execute("DELETE FROM held")
    holder.execute("ROLLBACK TO s")
    assert is_held()


def test_its_holder_was_killed(hold: str, holder: Connection) -> None:
    pid = holder.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        deadline = time.monotonic() + 60
        while True:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
            if cursor.fetchone() == (0,):
                break
            assert time.monotonic() < deadline, "PostgreSQL doesn't notice that its backend was ended"
    holder.close()
    assert not is_held()


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_of_two_holders_one_goes(url: str, holder: Connection, end: str) -> None:
    with psycopg.connect(url) as other:
        for one in (holder, other):
            one.execute("SELECT FROM held FOR KEY SHARE")
        getattr(holder, end)()
        assert is_held()
        assert not is_held(other)
        getattr(other, end)()
        assert not is_held()


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_its_holder_is_prepared(url: str, holder: Connection, end: str) -> None:
    """A transaction that waits for the second phase of its commit belongs to no connection, and still holds the row."""
    if holder.execute("SHOW max_prepared_transactions").fetchone() == ("0",):
        pytest.skip("this server prepares no transactions")
    holder.execute("SELECT FROM held FOR UPDATE")
    holder.execute("PREPARE TRANSACTION 'is-held'")
    holder.close()
    try:
        assert is_held()
    finally:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(f"{end} PREPARED 'is-held'")
    assert not is_held()
