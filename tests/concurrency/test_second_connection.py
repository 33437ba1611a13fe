"""The connection beside a thread's own: at most one, closed along with the first, replaced when it is lost."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.signals import request_finished
from django.db import OperationalError, close_old_connections, connection, connections, transaction

from ledger import define_series, errors as e, issue, issue_many, open_period, sql
from ledger.allocation.second_connection import Session, ask_ahead
from ledger.models import Entry
from tests.allocations import DAY, POOLED, RESERVED, expect_all_accounted_for, reserved_values, values
from tests.concurrency.checkouts import Checkout, checkouts
from tests.provision import database_url

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[POOLED, RESERVED])
def ahead(request: pytest.FixtureRequest) -> str:
    """A series `invoice` that commits values ahead; the test's own thread starts without a second connection."""
    allocation = str(request.param)
    open_period(define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation), DAY)
    connection.close()
    return allocation


def number(document: str | None = None) -> int:
    return issue("invoice", document=document, on=DAY).value


def one_number() -> int:
    with transaction.atomic():
        return number()


def sessions() -> set[int]:
    """The server's processes that serve this database, except the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return {row[0] for row in cursor.fetchall()}


def wait_for(condition: Callable[[], bool]) -> None:
    """The server notices a closed connection a moment later; and an error that a test looked at may still hold it."""
    gc.collect()
    for _ in range(10_000):
        if condition():
            return
    raise AssertionError("it never happened")


@contextmanager
def counted(count: int) -> Iterator[tuple[list[Checkout], Callable[[], int]]]:
    """Checkouts, and a function that counts the connections that they have opened."""
    connection.ensure_connection()
    before = sessions()
    with checkouts(count) as all_of_them:
        yield all_of_them, lambda: len(sessions() - before)
    wait_for(lambda: sessions() <= before)


def test_one_for_each_thread_at_most(ahead: str) -> None:
    with counted(3) as (threads, how_many):
        assert how_many() == 3
        for _ in range(3):
            for checkout in threads:
                checkout.begin()
                checkout.run(lambda: [number() for _ in range(20)])
                checkout.run(lambda: issue_many("invoice", documents=[uuid4().hex for _ in range(40)], on=DAY))
            for checkout in threads:
                checkout.commit()
            assert how_many() == 6 if ahead == RESERVED else 4 <= how_many() <= 6
    expect_all_accounted_for()


@pytest.mark.parametrize("how", ["connection.close", "close_old_connections", "request_finished", "thread"])
def test_closed_when_django_closes_its_own(ahead: str, how: str) -> None:
    with counted(1) as ((thread,), how_many):

        def close() -> None:
            if how == "connection.close":
                connection.close()
            elif how == "close_old_connections":
                connection.close_at = 0
                close_old_connections()
            else:
                connection.close_at = 0  # CONN_MAX_AGE = 0
                request_finished.send(sender=object)

        thread.run(one_number)
        assert how_many() == 2
        if how == "thread":
            thread.close()
        else:
            thread.run(close)
        wait_for(lambda: how_many() == 0)
        if how != "thread":
            assert thread.run(one_number) == 2
            assert how_many() == 2 - (ahead == POOLED), "the pool has slots left, so it needs none"
            thread.run(close)
        else:
            thread.__init__()  # type: ignore[misc]


def test_closed_after_an_error_too(ahead: str) -> None:
    with counted(1) as ((thread,), how_many):

        def failing() -> None:
            with transaction.atomic():
                number()
                issue("nope", on=DAY)

        with pytest.raises(e.UnknownSeries):
            thread.run(failing)
        thread.run(connection_closed)
        wait_for(lambda: how_many() == 0)


def connection_closed() -> None:
    connection.close()


def test_a_lost_one_is_replaced(ahead: str) -> None:
    with counted(1) as ((thread,), how_many):
        for _ in range(3):
            thread.begin()
            thread.run(lambda: [number() for _ in range(17)])
            for second in sessions() - {thread.pid} - before_all(thread):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [second])
            thread.run(lambda: [number() for _ in range(100)])
            thread.commit()
            assert how_many() == 2 if ahead == RESERVED else how_many() <= 2
    assert values() == list(range(1, 352))
    assert reserved_values() == []
    expect_all_accounted_for()


def before_all(thread: Checkout) -> set[int]:
    """Sessions that existed before the thread's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.pid FROM pg_stat_activity a JOIN pg_stat_activity b ON a.backend_start < b.backend_start"
            " WHERE b.pid = %s AND a.pid <> b.pid",
            [thread.pid],
        )
        return {row[0] for row in cursor.fetchall()}


def test_the_first_one_lost_takes_the_second_along(ahead: str) -> None:
    with counted(1) as ((thread,), how_many):
        thread.begin()
        thread.run(number)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [thread.pid])
        with pytest.raises(OperationalError):
            thread.commit()
        thread.run(connection_closed)
        wait_for(lambda: how_many() == 0)
        assert thread.run(one_number) == (2 if ahead == RESERVED else 1)


def test_a_server_that_was_restarted_is_no_other_server() -> None:
    """The session was read before the restart; by now the first connection is gone, and a retry helps."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SESSION)
        session = Session(*cursor.fetchone()[0])._replace(server="before the restart")
        assert ask_ahead(connections["default"], "SELECT 1", (), session=session) == [(1,)]
    first = connections["default"]

    def lose_it_and_ask(other: Checkout) -> None:
        with transaction.atomic():
            first.ensure_connection()
            pid = first.connection.info.backend_pid
            other.run(lambda: connection.cursor().execute("SELECT pg_terminate_backend(%s, 60000)", [pid]))
            ask_ahead(first, "SELECT 1", (), session=session)

    with checkouts(1) as (other,), pytest.raises(OperationalError):
        lose_it_and_ask(other)


def test_a_forked_child_has_its_own(ahead: str) -> None:
    """Like Celery's workers and gunicorn: the child drops the first connection without telling the server."""
    script = textwrap.dedent(
        """
        import os, sys
        import django
        django.setup()
        from django.db import connection, connections, transaction
        from ledger import issue
        from datetime import date

        def numbers(count):
            with transaction.atomic():
                return [issue("invoice", on=date(2026, 6, 1)).value for _ in range(count)]

        def second():
            with connections["default"].__dict__["_ledger_ahead"][1].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                return cursor.fetchone()[0]

        numbers(1)
        mine = second()
        child = os.fork()
        if not child:
            os.close(connection.connection.fileno())
            connection.close()
            numbers(20)
            os._exit(3 if second() == mine else 0)
        _, status = os.waitpid(child, 0)
        numbers(20)
        assert second() == mine, "the parent's was closed by the child"
        sys.exit(os.waitstatus_to_exitcode(status))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "TEST_DATABASE": connection.settings_dict["NAME"],
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 3, "the child shares the parent's second connection"
    assert done.returncode == 0, done.stderr
    assert Entry.objects.count() == 41
    expect_all_accounted_for()


def test_with_django_s_own_connection_pool(ahead: str) -> None:
    """A pool of one: the second connection doesn't belong to the pool, and is closed when the first goes back."""
    script = textwrap.dedent(
        """
        import django
        from django.conf import settings
        settings.DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 5}
        settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
        django.setup()
        from threading import Thread
        from django.db import close_old_connections, connection, transaction
        from ledger import issue
        from datetime import date

        def numbers():
            try:
                for _ in range(2):
                    with transaction.atomic():
                        [issue("invoice", on=date(2026, 6, 1)).value for _ in range(20)]
                    connection.close()
            finally:
                connection.close()

        for _ in range(3):
            thread = Thread(target=numbers)
            thread.start()
            thread.join()
        from time import monotonic
        deadline = monotonic() + 20
        with connection.cursor() as cursor:
            left = None
            while left != 1 and monotonic() < deadline:  # the server takes a moment to let one go
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                               " AND application_name = 'pooled-host'")
                left = cursor.fetchone()[0]
        print(left)
        connection.close_pool()
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "TEST_DATABASE": connection.settings_dict["NAME"],
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PGAPPNAME": "pooled-host",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"], "the pool's own connection is all that is left"
    assert "ResourceWarning" not in done.stderr
    assert Entry.objects.count() == 120
    expect_all_accounted_for()
