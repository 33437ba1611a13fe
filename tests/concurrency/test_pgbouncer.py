"""Through PgBouncer in transaction mode, with pools of two: no connection of the server is kept longer than needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from django.test import override_settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger import define_series, issue, issue_many, open_period
from ledger.compat import django_sequences
from ledger.models import Entry
from ledger.reports.report import continuity_report
from tests.allocations import (
    AT_COMMIT,
    DAY,
    POOLED,
    RESERVED,
    SERIAL,
    expect_all_accounted_for,
    reserved_values,
    values,
)
from tests.concurrency.checkouts import checkouts, in_threads
from tests.concurrency.pgbouncer import AHEAD, MAIN, pooler
from tests.databases import savepoint

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def new_threads_go_through(address: str) -> Iterator[None]:
    """The test's own thread stays with PostgreSQL; threads that begin now get to it through the pooler."""
    given = conninfo_to_dict(address)
    direct = connections.settings["default"]
    pooled = {
        **direct,
        "HOST": str(given["host"]),
        "PORT": str(given["port"]),
        "USER": str(given["user"]),
        "OPTIONS": {},
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
    connections.settings["default"] = {**pooled, "NAME": MAIN}
    connections.settings[AHEAD] = {**pooled, "NAME": AHEAD}
    try:
        yield
    finally:
        connections.settings["default"] = direct
        del connections.settings[AHEAD]


@pytest.fixture
def two_each() -> Iterator[None]:
    """A pool of two; what is committed ahead goes through another pool of two."""
    with (
        pooler(connection.settings_dict["NAME"], size=2) as address,
        new_threads_go_through(address),
        override_settings(LEDGER={"SECOND_CONNECTIONS": {"default": AHEAD}}),
    ):
        yield


def define(allocation: str, code: str = "invoice") -> None:
    open_period(define_series(code, template=f"{code}-{{year}}-{{counter:06}}", allocation=allocation), DAY)


def worker_s_checkouts(worker: int) -> list[int]:
    """Some with savepoints, some rolled back, some with blocks; returns the values that were committed."""
    taken: list[int] = []
    for step in range(11):
        with transaction.atomic():
            entries = [issue("invoice", document=f"{worker}:{step}", on=DAY)]
            if step % 4 == 0:
                documents = [f"{worker}:{step}/{item}" for item in range(5)]
                entries += issue_many("invoice", documents=documents, on=DAY)
            if step % 3 == 0:
                mark = savepoint()
                issue("invoice", on=DAY)
                transaction.savepoint_rollback(mark)
            if step % 5 == 0:
                transaction.set_rollback(True)
        if step % 5:
            taken += [entry.value for entry in entries]
    return taken


@pytest.mark.usefixtures("two_each")
def test_twelve_threads_share_two_connections(allocation: str) -> None:
    define(allocation)
    told = in_threads(12, worker_s_checkouts)
    assert sorted(value for each in told for value in each) == values()
    expect_all_accounted_for()
    if allocation in (SERIAL, AT_COMMIT):
        assert values() == list(range(1, len(values()) + 1))


@pytest.mark.usefixtures("two_each")
def test_a_default_series_makes_itself_through_it() -> None:
    def checkout(_: int) -> None:
        with transaction.atomic():
            issue("invoice", on=DAY)

    in_threads(8, checkout)
    assert values() == list(range(1, 9))


@pytest.mark.usefixtures("two_each")
def test_sequences_of_django_sequences_through_it() -> None:
    def work(_: int) -> list[int]:
        got: list[int] = []
        for _ in range(4):
            got.append(django_sequences.get_next_value("cases"))
            with transaction.atomic():
                got += [*django_sequences.get_next_values(2, "cases"), django_sequences.get_next_value("cases")]
        return got

    told = in_threads(8, work)
    assert sorted(value for each in told for value in each) == list(range(1, 8 * 16 + 1))
    assert Entry.objects.count() == 8 * 16


@pytest.mark.usefixtures("two_each")
def test_a_reservation_is_committed_before_issue_returns() -> None:
    define(RESERVED)
    with checkouts(1) as (checkout,):
        checkout.begin()
        assert checkout.run(lambda: issue("invoice", on=DAY).value) == 1
        assert reserved_values() == [1]
        checkout.commit()
    assert (values(), reserved_values()) == ([1], [])


@pytest.mark.usefixtures("two_each")
def test_no_setting_leaks_to_the_next_user_of_a_connection() -> None:
    for allocation in (POOLED, RESERVED):
        define(allocation, allocation)

    def checkout(_: int) -> None:
        for series in (POOLED, RESERVED):
            with transaction.atomic():
                [issue(series, on=DAY) for _ in range(20)]

    def settings(_: int) -> tuple[str, str]:
        found: set[tuple[str, str]] = set()
        for _ in range(10):
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('lock_timeout'), current_setting('enable_seqscan')")
                found.add(cursor.fetchone())
        (only,) = found
        return only

    in_threads(4, checkout)
    assert in_threads(1, settings) == [("0", "on")]
    connections.settings["default"] = {**connections.settings["default"], "NAME": AHEAD}
    assert in_threads(1, settings) == [("0", "on")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)


@pytest.fixture
def checkout_role() -> Iterator[str]:
    """A role that may check out, and can't log in."""
    role = f"pgbouncer_checkout_{uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        try:
            call_command("ledger_grants", role=role, purpose=["checkout"], apply=True, verbosity=0)
            yield role
        finally:
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.usefixtures("two_each")
def test_a_schema_and_a_role_are_set_for_the_transaction_alone(allocation: str, checkout_role: str) -> None:
    """Also on the second connection, whose server serves another login's checkout next."""
    define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation)

    def checkout(_: int) -> None:
        for _ in range(20):
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL search_path = public; SET LOCAL ROLE {checkout_role}")
                issue("invoice", on=DAY)

    def settings(_: int) -> set[tuple[str, str]]:
        found = set()
        for _ in range(10):
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('role'), current_setting('search_path')")
                found.add(cursor.fetchone())
        return found

    in_threads(4, checkout)
    assert values() == list(range(1, 81))
    untouched = [{("none", '"$user", public')}]
    assert in_threads(1, settings) == untouched
    connections.settings["default"] = {**connections.settings["default"], "NAME": AHEAD}
    assert in_threads(1, settings) == untouched


@pytest.fixture
def zone_of_the_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """If it isn't what Django requires, a new connection begins with a statement that sets it."""
    name = sql.Identifier(connection.settings_dict["NAME"]).as_string()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET timezone = '{request.param}'")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET timezone")


@pytest.mark.parametrize("zone_of_the_database", ["UTC", "Etc/UTC"], indirect=True)
@pytest.mark.usefixtures("zone_of_the_database")
@pytest.mark.parametrize("allocation", [POOLED, RESERVED])
def test_one_pool_of_two_for_both_starves_and_says_so(allocation: str) -> None:
    """Two checkouts hold its connections, and one wants a second: its error names the way out, and nothing is lost.

    The pooler says so when the connection is opened, or only when it is asked something.
    """
    define(allocation)
    with (
        pooler(connection.settings_dict["NAME"], size=2, query_wait=2) as address,
        new_threads_go_through(address),
        checkouts(2) as (first, second),
    ):

        def take() -> int:
            return issue("invoice", on=DAY).value

        for checkout in (first, second):
            checkout.begin()
            checkout.run(lambda: Entry.objects.exists())
        if allocation == POOLED:
            assert first.run(take) == 1, "minted on the first connection instead"
            first.commit()
        else:
            with pytest.raises(OperationalError) as refused:
                first.run(take)
            assert "SECOND_CONNECTIONS" in str(refused.value)
            first.rollback()
        second.rollback()
    assert values() == ([1] if allocation == POOLED else [])
    expect_all_accounted_for()


@pytest.mark.usefixtures("two_each")
def test_reports_are_read_through_it_while_others_check_out() -> None:
    define(RESERVED)
    with transaction.atomic():
        issue("invoice", on=DAY)

    def report_or_check_out(worker: int) -> list[bool]:
        found = []
        for step in range(5):
            if worker % 2:
                with transaction.atomic():
                    issue("invoice", document=f"{worker}:{step}", on=DAY)
                    transaction.set_rollback(step % 2 == 0)
                continue
            with continuity_report(series="invoice") as report:
                summary, voids, gaps, waiting, *_ = (list(part.cells()) for part in report.parts)
                row = dict(zip([column.name for column in report.parts[0].columns], summary[0], strict=True))
                listed = (len(voids), len(gaps), len(waiting))
                found.append(report.ok and listed == (row["void"], row["missing"], row["in_progress"]))
        return found

    assert all(all(found) for found in in_threads(6, report_or_check_out))
