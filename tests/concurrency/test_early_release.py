"""Early release: COMMIT releases the counter before the disk has the entry; nobody learns the number before that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, connections, transaction
from django.http import HttpResponse
from django.test import RequestFactory, TestCase
from django.test.utils import CaptureQueriesContext

from ledger import define_series, errors as e, issue, issue_many, open_period
from ledger.allocation.second_connection import ask_ahead
from tests.allocations import AT_COMMIT, POOLED, RESERVED, SERIAL, expect_all_accounted_for, rolled_back, values
from tests.concurrency.checkouts import Checkout, checkouts
from tests.concurrency.pgbouncer import pooler
from tests.concurrency.test_pgbouncer import new_threads_go_through

pytestmark = pytest.mark.django_db(transaction=True)

_HOST = """
    CREATE TABLE host_order (id serial, name text);
    CREATE TABLE host_commit (name text, level text, lsn pg_lsn);
    CREATE FUNCTION host_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO host_commit
        VALUES (to_jsonb(NEW) ->> TG_ARGV[0], current_setting('synchronous_commit'), pg_current_wal_insert_lsn());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER host_note AFTER INSERT ON host_order DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION host_note('name');
    CREATE CONSTRAINT TRIGGER host_note AFTER INSERT ON ledger_reservation DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION host_note('document')
"""
_HOST_GONE = """
    DROP TRIGGER host_note ON ledger_reservation; DROP TABLE host_order, host_commit; DROP FUNCTION host_note
"""


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def ask(statement: str, *arguments: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    """The host's table notes, while COMMIT runs, its level, and the position of the WAL."""
    run_sql(_HOST)
    yield
    run_sql(_HOST_GONE)


@pytest.fixture(params=[SERIAL, AT_COMMIT])
def early(request: pytest.FixtureRequest) -> str:
    """A series ``invoice`` that releases early."""
    define(str(request.param))
    return str(request.param)


def define(allocation: str, code: str = "invoice", *, early_release: bool = True) -> None:
    template = f"{code}-{{counter:04}}"
    series = define_series(
        code, template=template, calendar="never", allocation=allocation, early_release=early_release
    )
    open_period(series, date(2026, 6, 1))


def order(name: str = "order") -> None:
    run_sql(f"INSERT INTO host_order (name) VALUES ('{name}')")


def level(name: str = "order") -> str:
    """The level at which this order's COMMIT ran."""
    return str(ask("SELECT level FROM host_commit WHERE name = %s", name))


def is_durable(name: str = "order") -> bool:
    """Whether the disk has everything up to the order's commit, including its COMMIT."""
    return bool(ask("SELECT pg_current_wal_flush_lsn() > lsn FROM host_commit WHERE name = %s", name))


class TestCommit:
    def test_it_is_early_and_then_durable(self, early: str) -> None:
        with transaction.atomic():
            order()
            issue("invoice", document="order:1")
        assert (level(), is_durable()) == ("off", True)
        assert ask("SHOW synchronous_commit") == "on"
        assert values() == [1]

    def test_a_block_too(self, early: str) -> None:
        with transaction.atomic():
            order()
            assert len(issue_many("invoice", documents=["a", "b", "c"])) == 3
        assert (level(), is_durable()) == ("off", True)

    @pytest.mark.parametrize("allocation", [SERIAL, AT_COMMIT, POOLED, RESERVED])
    def test_without_the_setting_it_is_not(self, allocation: str) -> None:
        define(allocation, early_release=allocation == POOLED)  # which has no use for it
        with transaction.atomic():
            order()
            issue("invoice", document="order:1")
        assert level() == "on"

    def test_callbacks_run_after_the_flush(self, early: str) -> None:
        told: list[bool] = []
        with transaction.atomic():
            order()
            transaction.on_commit(lambda: told.append(is_durable()))
            issue("invoice")
        assert told == [True]

    def test_no_statement_more(self, early: str) -> None:
        with transaction.atomic():
            issue("invoice")  # the allocation is known from now on
        counts = []
        for early_release in (False, True):
            define_series("invoice", early_release=early_release)
            with CaptureQueriesContext(connection) as queries, transaction.atomic():
                entry = issue("invoice")
            with CaptureQueriesContext(connection) as later:
                assert entry.value > 0
            texts = [query["sql"].removeprefix("BEGIN; ") for query in queries.captured_queries]
            counts.append(([text.split()[0] for text in texts], len(later)))
        assert counts == [(["BEGIN", "SELECT", "COMMIT"], 0)] * 2

    def test_the_next_transaction_is_an_ordinary_one(self, early: str) -> None:
        with transaction.atomic():
            issue("invoice")
        with transaction.atomic():
            order()
        assert level() == "on"

    def test_nor_after_a_rollback(self, early: str) -> None:
        with rolled_back():
            issue("invoice")
        with transaction.atomic():
            order()
        assert (level(), values()) == ("on", [])

    def test_a_change_of_the_setting_holds_at_once(self, early: str) -> None:
        for early_release, wanted in ((False, "on"), (True, "off")):
            define_series("invoice", early_release=early_release)
            with transaction.atomic():
                order(wanted)
                issue("invoice")
            assert level(wanted) == wanted


class TestKindsOfTransactions:
    def test_nested(self, early: str) -> None:
        with transaction.atomic():
            order()
            with transaction.atomic(), transaction.atomic(savepoint=False):
                issue("invoice")
        assert (level(), is_durable()) == ("off", True)

    def test_a_savepoint_that_was_rolled_back_took_no_number(self, early: str) -> None:
        with transaction.atomic():
            order()
            with rolled_back():
                issue("invoice")
        assert (level(), values()) == ("on", [])

    def test_a_number_before_the_savepoint_counts(self, early: str) -> None:
        with transaction.atomic():
            order()
            issue("invoice")
            with rolled_back():
                issue("invoice")
        assert (level(), values()) == ("off", [1])

    def test_durable(self, early: str) -> None:
        with transaction.atomic(durable=True):
            order()
            issue("invoice")
        assert (level(), is_durable()) == ("off", True)

    def test_atomic_requests(self, early: str, settings: Any) -> None:
        told = []

        def view(request: Any) -> HttpResponse:
            order()
            told.append(issue("invoice"))
            return HttpResponse("sold")

        before = connection.settings_dict["ATOMIC_REQUESTS"]
        connections.settings["default"]["ATOMIC_REQUESTS"] = connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            BaseHandler().make_view_atomic(view)(RequestFactory().get("/"))
        finally:
            connections.settings["default"]["ATOMIC_REQUESTS"] = before
            connection.settings_dict["ATOMIC_REQUESTS"] = before
        assert (level(), is_durable(), told[0].value) == ("off", True, 1)

    def test_without_autocommit(self, early: str) -> None:
        transaction.set_autocommit(False)
        try:
            for name in ("first", "second"):
                order(name)
                issue("invoice")
                transaction.commit()
            order("third")
            transaction.commit()
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
        assert [level(name) for name in ("first", "second", "third")] == ["off", "off", "on"]

    def test_several_series(self, early: str) -> None:
        define(SERIAL, "plain", early_release=False)
        define(AT_COMMIT, "receipt")
        with transaction.atomic():
            order()
            for code in ("receipt", "plain", "invoice"):
                issue(code, document="order:1")
        assert (level(), is_durable()) == ("off", True)
        assert [values(code) for code in ("receipt", "plain", "invoice")] == [[1]] * 3

    def test_a_raw_commit_is_an_ordinary_one_and_so_is_the_next(self, early: str) -> None:
        """Django's record of the transaction is wrong from then on; its own COMMIT comes in another transaction."""
        with transaction.atomic():
            order("first")
            issue("invoice")
            run_sql("COMMIT")
            order("second")
        assert (level("first"), level("second"), values()) == ("on", "on", [1])

    def test_a_raw_commit_and_no_more(self, early: str) -> None:
        with transaction.atomic():
            order()
            issue("invoice")
            run_sql("COMMIT")
        assert (level(), values()) == ("on", [1])

    def test_through_pgbouncer(self, early: str) -> None:
        with (
            pooler(connection.settings_dict["NAME"], size=1) as address,
            new_threads_go_through(address),
            checkouts(2) as (first, second),
        ):
            for checkout, name in ((first, "first"), (second, "second")):
                checkout.begin()
                checkout.run(lambda name=name: order(name))  # type: ignore[misc]
                checkout.run(lambda: issue("invoice"))
                checkout.commit()
            # The same connection of the server, with nothing left behind.
            assert second.run(lambda: ask("SHOW synchronous_commit")) == "on"
        assert [(level(name), is_durable(name)) for name in ("first", "second")] == [("off", True)] * 2


class TestInATestCase(TestCase):
    """Nothing is ever committed there, and only the host's callbacks run."""

    def test_it_changes_nothing(self) -> None:
        for allocation in (SERIAL, AT_COMMIT, RESERVED):
            with self.subTest(allocation), self.captureOnCommitCallbacks() as callbacks:
                define(allocation, allocation)
                with transaction.atomic():
                    assert issue(allocation, document="a").value == 1
            assert callbacks == []
        assert ask("SHOW synchronous_commit") == "on"


class TestReserved:
    def test_the_reservation_is_early_and_the_checkout_is_not(self) -> None:
        define(RESERVED)
        with transaction.atomic():
            order()
            issue("invoice", document="order:1")
            assert (level("order:1"), is_durable("order:1")) == ("off", True)
        assert level() == "on"
        expect_all_accounted_for()

    def test_its_connection_goes_on_after_an_error(self) -> None:
        with transaction.atomic():
            with pytest.raises(DataError):
                ask_ahead(connections["default"], "SELECT 1 / %s", [0], early=True)
            assert ask_ahead(connections["default"], "SELECT %s", [7], early=True) == [(7,)]


class TestWhatFails:
    def test_what_commit_refuses_is_rolled_back(self, early: str) -> None:
        run_sql("CREATE TABLE bill (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        try:
            with checkouts(1) as (checkout,):
                checkout.begin()
                checkout.run(lambda: issue("invoice"))
                checkout.run(lambda: run_sql("INSERT INTO bill VALUES (1), (1)"))
                with pytest.raises(IntegrityError, match="bill_id_key"):
                    checkout.commit()
                assert checkout.run(lambda: ask("SHOW synchronous_commit")) == "on"
        finally:
            run_sql("DROP TABLE bill")
        assert values() == []

    def test_a_ticket_that_gets_no_number(self) -> None:
        define(AT_COMMIT)
        with checkouts(1) as (checkout,):
            checkout.begin()
            checkout.run(lambda: issue("invoice"))
            define_series("invoice", is_active=False)
            with pytest.raises(e.CommitRefused, match="switched off"):
                checkout.commit()
        assert values() == []

    @pytest.mark.parametrize("failure", ["SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"])
    def test_after_commit_it_is_in_doubt(self, early: str, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        with checkouts(1) as (checkout,):
            with monkeypatch.context() as patched:
                _replace_flush(patched, failure)
                _sell(checkout, told)
                with pytest.raises(e.CommitInDoubt, match="was committed") as caught:
                    checkout.commit()
            assert not isinstance(caught.value, DatabaseError), "or a host would take it for rolled back"
            assert values() == [1]
            # The retry finds the number, and its callbacks alone are called, once.
            _sell(checkout, told)
            checkout.commit()
        assert (values(), told) == ([1], ["sold"])

    def test_before_commit_it_has_failed(self, early: str, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        with checkouts(1) as (checkout,):
            with monkeypatch.context() as patched:
                patched.setattr(
                    "ledger.sql.RELEASE_EARLY", "SELECT pg_terminate_backend(pg_backend_pid() + 0 * %d); COMMIT"
                )
                _sell(checkout, told)
                with pytest.raises(OperationalError):
                    checkout.commit()
            assert values() == []
            _sell(checkout, told)
            checkout.commit()
        assert (values(), told) == ([1], ["sold"])


def _replace_flush(patched: pytest.MonkeyPatch, failure: str) -> None:
    from ledger import sql

    until_commit, commit, _ = sql.RELEASE_EARLY.partition("COMMIT;")
    patched.setattr("ledger.sql.RELEASE_EARLY", until_commit + commit + failure)


def _sell(checkout: Checkout, told: list[str]) -> None:
    checkout.begin()
    checkout.run(lambda: transaction.on_commit(lambda: told.append("sold")))
    checkout.run(lambda: issue("invoice", document="order:1"))
