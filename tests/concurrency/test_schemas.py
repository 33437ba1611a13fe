"""A ledger in each of several schemas, and one in public: the second connection works where the first one does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger import define_series, errors as e, issue, issue_many
from ledger.models import Entry, Period
from ledger.models.tables import all_tables
from ledger.sweeps import run
from ledger.verification import verify
from tests.allocations import AT_COMMIT, POOLED, RESERVED, SERIAL, default_allocation, expect_all_accounted_for
from tests.databases import database_alias, manage, migrated_database, with_user

ALIAS = "schemas"
#: Their sequences have the same value, so a row of one has the id of a row of the other.
NORTH, SOUTH = SCHEMAS = ("north", "South 50% & Co")

DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 2)


@pytest.fixture(scope="module")
def url(django_db_blocker: Any) -> Iterator[str]:
    """A database with a ledger in public, one in north, and one in a schema that was renamed."""
    with migrated_database("folio_schemas") as url, django_db_blocker.unblock():
        with psycopg.connect(url, autocommit=True) as server:
            for schema in ("north", "south"):
                server.execute(f"CREATE SCHEMA {schema}")
                done = manage("migrate", "--verbosity", "0", url=make_conninfo(url, options=f"-c search_path={schema}"))
                assert done.returncode == 0, done.stderr
            server.execute(sql.SQL("ALTER SCHEMA south RENAME TO {}").format(sql.Identifier(SOUTH)))
        with database_alias(ALIAS, url), in_schema(SOUTH):
            call_command("ledger_install", database=ALIAS, verbosity=0)
        yield url


@pytest.fixture(scope="module")
def other_url(url: str) -> Iterator[str]:
    """Another database, with a ledger in a schema of the same name."""
    with migrated_database("folio_schemas_other") as other:
        yield other


@pytest.fixture(autouse=True)
def alias(url: str) -> Iterator[None]:
    """A connection on which nothing was set."""
    with database_alias(ALIAS, url):
        yield


@contextmanager
def in_schema(schema: str, *, local: bool = False) -> Iterator[None]:
    """As schema-per-tenant projects do it, for the session or for the transaction."""
    name = connections[ALIAS].ops.quote_name(schema).replace("%", "%%")
    run_sql(f"SET {'LOCAL' if local else 'SESSION'} search_path = {name}, public")
    yield
    if not local:
        run_sql("RESET search_path")


def run_sql(statement: str, alias: str = ALIAS) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [])


def rows_elsewhere(url: str, schema: str) -> dict[str, int]:
    """How many rows each table of the ledger has in the other schemas."""
    return counted(url, *({"public", *SCHEMAS} - {schema}))


def counted(url: str, *schemas: str) -> dict[str, int]:
    """How many rows each table of the ledger has in these schemas."""
    found = {}
    with psycopg.connect(url) as server:
        for schema in schemas:
            for table in all_tables():
                if table.startswith("ledger_"):
                    name = sql.Identifier(schema, table)
                    row = server.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
                    found[f"{schema}.{table}"] = row[0] if row else -1
    return found


def new_series(allocation: str, code: str = "") -> str:
    """A series whose periods nobody has opened, by its code."""
    code = code or f"s{uuid4().hex[:8]}"
    define_series(code, template=f"{code}-{{year}}-{{counter}}", allocation=allocation, using=ALIAS)
    return code


def checkout(code: str, day: date = DECEMBER) -> Entry:
    with transaction.atomic(using=ALIAS):
        return issue(code, document=uuid4().hex, on=day, using=ALIAS)


def checkout_that_fails(code: str) -> None:
    with transaction.atomic(using=ALIAS):
        issue(code, on=DECEMBER, using=ALIAS)
        transaction.set_rollback(True, using=ALIAS)


def values(code: str) -> list[int]:
    entries = Entry.objects.using(ALIAS).filter(series__code=code).order_by("period__starts_on", "value")
    return list(entries.values_list("value", flat=True))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_allocation_works_in_each_schema(allocation: str, schema: str, url: str) -> None:
    """Also the first checkout of a period, which opens it."""
    code = new_series(allocation)
    before = rows_elsewhere(url, schema)
    with in_schema(schema):
        new_series(allocation, code)
        assert [checkout(code).value, checkout(code).value, checkout(code, JANUARY).value] == [1, 2, 1]
        checkout_that_fails(code)
        with transaction.atomic(using=ALIAS):
            block = issue_many(code, documents=[uuid4().hex for _ in range(40)], on=JANUARY, using=ALIAS)
        assert [entry.value for entry in block] == list(range(2, 42))
        for sweep in ("refill_pools", "open_next_periods", "flag_gaps"):
            run(sweep, using=ALIAS)
        assert values(code) == [1, 2, *range(1, 42)]
        expect_all_accounted_for(using=ALIAS)
        # The tests' own role is a superuser, and another one owns the database.
        assert [alarm for alarm in verify(using=ALIAS) if alarm.check not in {"superuser", "owner"}] == []
    assert rows_elsewhere(url, schema) == before


def test_set_for_one_transaction(allocation: str, url: str) -> None:
    with in_schema(NORTH):
        code = new_series(allocation)
    before = rows_elsewhere(url, NORTH)
    for day in (DECEMBER, JANUARY):
        with transaction.atomic(using=ALIAS), in_schema(NORTH, local=True):
            issue(code, on=day, using=ALIAS)
    with in_schema(NORTH):
        assert values(code) == [1, 1]
    assert rows_elsewhere(url, NORTH) == before


def test_calls_that_fail_leave_nothing_in_other_schemas(allocation: str, url: str) -> None:
    code = new_series(allocation)
    before = rows_elsewhere(url, NORTH)
    with in_schema(NORTH):
        new_series(allocation, code)
        for _ in range(3):
            checkout_that_fails(code)
    assert rows_elsewhere(url, NORTH) == before


def test_a_default_series_makes_itself(allocation: str, url: str) -> None:
    before = rows_elsewhere(url, SOUTH)
    with default_allocation(allocation), in_schema(SOUTH), transaction.atomic(using=ALIAS):
        assert issue("invoice", org=f"shop:{allocation}", on=DECEMBER, using=ALIAS).value == 1
    assert rows_elsewhere(url, SOUTH) == before


def test_what_a_session_says_of_times_makes_no_difference(allocation: str) -> None:
    code = new_series(allocation)
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        run_sql(f"SET SESSION TIME ZONE '{zone}'")
        for day in (DECEMBER, JANUARY):
            assert checkout(code, day).issued_on == day
    assert values(code) == [1, 2, 1, 2]


def test_numbers_kept_for_a_retry_are_of_their_schema() -> None:
    """Under REPEATABLE READ a reservation is kept on the connection, for the transaction that is run again."""
    codes = {}
    for schema in SCHEMAS:
        with in_schema(schema):
            codes[schema] = new_series(RESERVED)
            checkout(codes[schema])
    for schema in (NORTH, SOUTH, NORTH, SOUTH):
        with in_schema(schema):
            try:
                with transaction.atomic(using=ALIAS):
                    run_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    issue(codes[schema], on=DECEMBER, using=ALIAS)
            except e.SerializationFailure:
                pass
    for schema in SCHEMAS:
        with in_schema(schema):
            assert values(codes[schema]) == [1, 2]


class TestNumbersOfAtCommit:
    """They are called after COMMIT, when the connection may work in another schema."""

    def test_asked_for_later(self) -> None:
        told = {}
        for schema, count in ((NORTH, 3), (SOUTH, 5)):
            with in_schema(schema):
                code = new_series(AT_COMMIT)
                for _ in range(count):
                    checkout(code)
                with transaction.atomic(using=ALIAS):
                    block = issue_many(code, documents=["a", "b"], on=DECEMBER, using=ALIAS)
                told[code] = (block, [f"{code}-2026-{count + 1}", f"{code}-2026-{count + 2}"])
        for block, expected in told.values():
            assert [str(entry) for entry in block] == expected

    def test_asked_for_before_the_commit(self) -> None:
        with transaction.atomic(using=ALIAS):
            with in_schema(NORTH):
                code = new_series(AT_COMMIT)
                entry = issue(code, on=DECEMBER, using=ALIAS)
            assert str(entry) == f"{code}-2026-1"

    def test_two_schemas_in_one_transaction(self) -> None:
        for schema, count in ((NORTH, 0), (SOUTH, 1)):
            # Each ticket has the id that the other one has.
            with in_schema(schema):
                run_sql("SELECT setval(pg_get_serial_sequence('ledger_ticket', 'id'), 1000)")
                code = new_series(AT_COMMIT)
                for _ in range(count):
                    checkout(code)
                run_sql("SELECT setval(pg_get_serial_sequence('ledger_ticket', 'id'), 2000)")
        told = []
        with transaction.atomic(using=ALIAS):
            for schema in SCHEMAS:
                with in_schema(schema):
                    code = new_series(AT_COMMIT)
                    told.append((code, issue(code, on=DECEMBER, using=ALIAS)))
        tickets = {entry.__dict__["_deferred"].ticket for _, entry in told}
        assert len(tickets) == 1, "the notices of two tickets of one id could be mistaken for each other"
        with in_schema(NORTH):
            assert [str(entry) for _, entry in told] == [f"{code}-2026-1" for code, _ in told]


def test_checkouts_of_two_schemas_do_not_wait_for_each_other() -> None:
    """They queue by the period, whose id exists in another schema too."""
    lines: set[int] = set()
    for schema in SCHEMAS:
        with in_schema(schema):
            code = new_series(SERIAL)
            checkout(code)
            period = Period.objects.using(ALIAS).get(series__code=code)
            with transaction.atomic(using=ALIAS):
                run_sql("SELECT ledger_wait_in_line(1)")
                issue(code, on=DECEMBER, using=ALIAS)
                with connections[ALIAS].cursor() as cursor:
                    cursor.execute(
                        "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    )
                    mine = {row[0] for row in cursor.fetchall()}
            assert len(mine) == (1 if period.pk == 1 else 2)
            assert not lines & mine
            lines |= mine


@pytest.mark.parametrize("allocation", [POOLED, RESERVED])
def test_it_costs_no_question_for_each_number(allocation: str) -> None:
    with in_schema(NORTH):
        code = new_series(allocation)
        checkout(code)
        first = connections[ALIAS]
        second = first.__dict__["_ledger_ahead"][1]
        with (
            transaction.atomic(using=ALIAS),
            CaptureQueriesContext(first) as asked,
            CaptureQueriesContext(second) as ahead,
        ):
            for _ in range(5):
                issue(code, on=DECEMBER, using=ALIAS)
        assert (len(asked), len(ahead)) == ((10, 5) if allocation == RESERVED else (5, 0))


class TestRoles:
    """A login without rights becomes, by SET ROLE, one that may check out in north."""

    @pytest.fixture
    def role(self, url: str) -> Iterator[str]:
        mark = uuid4().hex[:8]
        role, login = f"checkout_{mark}", f"login_{mark}"
        with psycopg.connect(url, autocommit=True) as server, ExitStack() as stack:
            server.execute(f"CREATE ROLE {role}")
            stack.callback(server.execute, f"DROP OWNED BY {role}; DROP ROLE {role}")
            server.execute(f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD 'x' IN ROLE {role}")
            stack.callback(server.execute, f"DROP ROLE {login}")
            with in_schema(NORTH):
                call_command("ledger_grants", role=role, purpose=["checkout"], apply=True, database=ALIAS, verbosity=0)
            yield role

    @pytest.fixture
    def code(self, allocation: str) -> str:
        with in_schema(NORTH):
            return new_series(allocation)

    @pytest.mark.parametrize("local", [True, False])
    def test_the_role_is_carried_over(self, role: str, code: str, local: bool, url: str) -> None:
        login = role.replace("checkout", "login")
        with database_alias("login", with_user(url, login, "x")):
            run_sql("SET search_path = north", "login")
            # Without USAGE on the schema, its functions are not even seen.
            with pytest.raises(e.NotMigrated), transaction.atomic(using="login"):
                issue(code, on=DECEMBER, using="login")
            for day in (DECEMBER, JANUARY):
                with transaction.atomic(using="login"):
                    run_sql(f"SET {'LOCAL' if local else 'SESSION'} ROLE {role}", "login")
                    issue(code, on=day, using="login")
        with in_schema(NORTH):
            assert values(code) == [1, 1]

    @pytest.mark.parametrize("allocation", [POOLED, RESERVED])
    def test_a_role_with_less_power_keeps_no_more_on_the_second_connection(
        self, role: str, code: str, url: str
    ) -> None:
        """The login is a superuser, the role may not commit ahead."""
        with in_schema(NORTH):
            checkout(code)
            run_sql(
                f"REVOKE EXECUTE ON FUNCTION north.ledger_mint(text, bigint, bigint, bigint),"
                f" north.ledger_reserve(text, bigint, date, text[], text, bigint, bigint, text[], bigint[]) FROM {role}"
            )
            count = Period.objects.using(ALIAS).get(series__code=code).last_value
            run_sql(f"SET ROLE {role}")
            with pytest.raises(e.NotGranted), transaction.atomic(using=ALIAS):
                issue_many(code, documents=[uuid4().hex for _ in range(50)], on=DECEMBER, using=ALIAS)
            run_sql("RESET ROLE")
            assert Period.objects.using(ALIAS).get(series__code=code).last_value == count


class TestElsewhere:
    """A second connection that would see other tables, or have other powers, is refused before it writes."""

    @pytest.fixture
    def login(self, url: str) -> Iterator[str]:
        login = f"other_{uuid4().hex[:8]}"
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE ROLE {login} LOGIN SUPERUSER PASSWORD 'x'")
            yield login
            server.execute(f"DROP ROLE {login}")

    @pytest.mark.parametrize("what", ["database", "login"])
    @pytest.mark.parametrize("allocation", [AT_COMMIT, POOLED, RESERVED])
    def test_it_is_refused(self, what: str, allocation: str, url: str, other_url: str, login: str) -> None:
        code = new_series(allocation)
        leads_to = other_url if what == "database" else with_user(url, login, "x")
        with (
            database_alias("elsewhere", other_url),
            database_alias("ahead", leads_to),
            override_settings(LEDGER={"SECOND_CONNECTIONS": {ALIAS: "ahead"}}),
        ):
            if what == "database":
                define_series(code, template=f"{code}{{year}}-{{counter}}", allocation=allocation, using="elsewhere")
            before = [counted(each, "public") for each in (url, other_url)]
            for documents in (1, 50):
                with (
                    pytest.raises(e.SecondConnectionElsewhere, match="Nothing was written"),
                    transaction.atomic(using=ALIAS),
                ):
                    issue_many(code, documents=[uuid4().hex for _ in range(documents)], on=DECEMBER, using=ALIAS)
            assert [counted(each, "public") for each in (url, other_url)] == before

    @pytest.mark.parametrize("allocation", [POOLED, RESERVED])
    def test_with_its_period_open(self, allocation: str, url: str, other_url: str) -> None:
        code = new_series(allocation)
        checkout(code)
        with (
            database_alias("fresh", url),
            database_alias("ahead", other_url),
            override_settings(LEDGER={"SECOND_CONNECTIONS": {"fresh": "ahead"}}),
        ):
            before = [counted(each, "public") for each in (url, other_url)]
            with pytest.raises(e.SecondConnectionElsewhere), transaction.atomic(using="fresh"):
                issue_many(code, documents=[uuid4().hex for _ in range(50)], on=DECEMBER, using="fresh")
            assert [counted(each, "public") for each in (url, other_url)] == before

    def test_another_identity_than_the_login_s(self, login: str) -> None:
        code = new_series(RESERVED)
        run_sql(f"SET SESSION AUTHORIZATION {login}")
        with pytest.raises(e.SecondConnectionElsewhere, match="SET SESSION AUTHORIZATION"):
            checkout(code)
        run_sql("RESET SESSION AUTHORIZATION")
        assert values(code) == []
