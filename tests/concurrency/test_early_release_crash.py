"""Early release on a PostgreSQL that crashes, and with standbys: nobody learns a number too soon or is held up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from ledger import close_period, define_series, issue, issue_many, open_period, remote, sql
from ledger.actions import all_or_none
from ledger.durability import commit_seconds
from ledger.errors import LedgerError
from ledger.failures import Failures
from ledger.models import Entry, Period
from ledger.reports.report import continuity_report
from ledger.seals.sealing import seal_all
from tests.allocations import ALL, AT_COMMIT, RESERVED, SERIAL
from tests.concurrency.checkouts import PATIENCE
from tests.concurrency.crashing import CrashingServer, crashing_server
from tests.databases import database_alias, migrated_database
from tests.drafts import remote_series, stock
from workers.accounting.base import RemoteInvoice, State
from workers.accounting.credentials import Credentials
from workers.accounting.systems import System
from workers.remote import unused
from workers.writing_back.queue import PushQueue

ALIAS = "crashing"
STRICT = (SERIAL, AT_COMMIT)


@pytest.fixture(scope="module")
def server(django_db_blocker: Any) -> Iterator[CrashingServer]:
    with crashing_server() as made, database_alias(ALIAS, made.url), django_db_blocker.unblock():
        yield made


@pytest.fixture
def code(request: pytest.FixtureRequest, server: CrashingServer) -> str:
    """The code of a series that no other test has, not yet defined."""
    return f"s{abs(hash(request.node.name)):x}"


def define(code: str, allocation: str, *, early_release: bool = True, using: str = ALIAS) -> None:
    series = define_series(
        code,
        template=f"{code}-{{year}}-{{counter}}",
        allocation=allocation,
        early_release=early_release and allocation != "pooled",
        using=using,
    )
    open_period(series, date.today(), using=using)  # noqa: DTZ011
    # Known, and with slots in its pool.
    with transaction.atomic(using=using):
        issue(code, document="first", using=using)


def sell(code: str, document: str = "order") -> str:
    with transaction.atomic(using=ALIAS):
        entry = issue(code, document=document, using=ALIAS)
    return str(entry)


def sell_and_be_cut_off(code: str, document: str = "order") -> str:
    """A checkout that was committed and released, before its flush."""
    with transaction.atomic(using=ALIAS):
        run_sql("SET LOCAL synchronous_commit = off")
        entry = issue(code, document=document, using=ALIAS)
    return str(entry)


def run_sql(statement: str) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(statement)


def crash(server: CrashingServer) -> None:
    server.crash()
    connections[ALIAS].close()


def numbers(code: str) -> set[str]:
    return set(Entry.objects.using(ALIAS).filter(series__code=code).values_list("number", flat=True))


class TestACrash:
    @pytest.mark.parametrize("allocation", ALL)
    def test_takes_nothing_back_that_was_told(self, server: CrashingServer, code: str, allocation: str) -> None:
        define(code, allocation)
        with server.only_flushed_when_waited_for():
            told = {sell(code, f"order:{number}") for number in range(3)}
            crash(server)
        assert told < numbers(code)

    @pytest.mark.parametrize("allocation", ALL)
    def test_takes_back_what_nobody_waited_for(self, server: CrashingServer, code: str, allocation: str) -> None:
        """So that the other tests can fail."""
        define(code, allocation)
        with server.only_flushed_when_waited_for():
            lost = sell_and_be_cut_off(code)
            crash(server)
        assert lost not in numbers(code)
        assert len(numbers(code)) == 1

    @pytest.mark.parametrize("allocation", STRICT)
    def test_after_a_client_that_died_when_it_had_sent(
        self, server: CrashingServer, code: str, allocation: str
    ) -> None:
        define(code, allocation)
        with server.only_flushed_when_waited_for():
            with suppress(LedgerError, DatabaseError), transaction.atomic(using=ALIAS):
                # A notice that reaches nobody would end the transaction before its COMMIT is done.
                run_sql("SET LOCAL client_min_messages = warning")
                issue(code, document="order", using=ALIAS)
                driver = connections[ALIAS].connection
                pid = driver.info.backend_pid
                driver.pgconn.send_query((sql.RELEASE_EARLY % server_transaction()).encode())
                while driver.pgconn.flush():
                    pass
                connections[ALIAS].close()
                raise DatabaseError("gone")
            connections[ALIAS].close()
            server.wait_for(f"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")
            before = numbers(code)
            crash(server)
        assert len(before) == 2
        assert numbers(code) == before

    @pytest.mark.parametrize("allocation", ALL)
    def test_in_the_midst_of_many(self, server: CrashingServer, code: str, allocation: str) -> None:
        """Eight clients on a slow disk, stopped anywhere between COMMIT and flush."""
        define(code, allocation)
        server.set(fsync="on", commit_delay="2000", commit_siblings="0")
        told: dict[str, str] = {"first": f"{code}-{date.today().year}-1"}  # noqa: DTZ011
        asked: set[str] = {"first"}

        def client(name: int) -> None:
            try:
                for count in range(10_000):
                    document = f"{name}:{count}"
                    asked.add(document)
                    told[document] = sell(code, document)
            except (DatabaseError, LedgerError, psycopg.Error):
                pass  # the crash
            finally:
                connections[ALIAS].close()

        with server.only_flushed_when_waited_for(), ThreadPoolExecutor(8) as threads:
            clients = [threads.submit(client, name) for name in range(8)]
            while len(told) < 60 and not any(each.done() for each in clients):
                pass
            crash(server)
            for each in clients:
                each.result(PATIENCE)
        server.set(fsync="off", commit_delay="0")
        there = dict(Entry.objects.using(ALIAS).filter(series__code=code).values_list("document", "number"))
        assert {document: there.get(document) for document in told} == told, "lost"
        assert set(there) <= asked, "a phantom"
        assert len(set(there.values())) == len(there)
        assert len(told) >= 60


def test_a_slow_disk_is_noticed(server: CrashingServer) -> None:
    """Each flush waits 20 ms for others, so no commit can be faster."""
    server.set(fsync="on", commit_delay="20000", commit_siblings="0")
    connections[ALIAS].close()
    assert commit_seconds(ALIAS) >= 0.02
    server.set(fsync="off", commit_delay="0")


def server_transaction() -> int:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


class TestReaders:
    """Each learns a number that isn't durable yet, and then the server crashes."""

    @pytest.mark.parametrize("allocation", ALL)
    def test_a_retry(self, server: CrashingServer, code: str, allocation: str) -> None:
        define(code, allocation)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            told = sell(code)
            crash(server)
        assert told in numbers(code)
        assert sell(code, "another") != told

    @pytest.mark.parametrize("allocation", ALL)
    def test_a_retry_of_a_block(self, server: CrashingServer, code: str, allocation: str) -> None:
        define(code, allocation)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            with transaction.atomic(using=ALIAS):
                told = [str(entry) for entry in issue_many(code, documents=["first", "order"], using=ALIAS)]
            crash(server)
        assert numbers(code) == set(told)

    @pytest.mark.parametrize("is_block", [False, True])
    def test_a_retry_of_reserved_which_may_tell_before_commit(
        self, server: CrashingServer, code: str, is_block: bool
    ) -> None:
        define(code, RESERVED)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            with suppress(DatabaseError), transaction.atomic(using=ALIAS):
                if is_block:
                    told = str(issue_many(code, documents=["order"], using=ALIAS)[0])
                else:
                    told = str(issue(code, document="order", using=ALIAS))
                crash(server)
            connections[ALIAS].close()
        assert told in numbers(code)

    @pytest.mark.parametrize("is_retry", [False, True])
    def test_reserved_tells_before_commit(
        self, server: CrashingServer, code: str, is_retry: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        define(code, RESERVED)
        with server.only_flushed_when_waited_for():
            if is_retry:
                with monkeypatch.context() as patched:
                    patched.setattr(sql, "END_EARLY", "; COMMIT")
                    with transaction.atomic(using=ALIAS):
                        issue(code, document="order", using=ALIAS)
                        transaction.set_rollback(True, using=ALIAS)
            with suppress(DatabaseError), transaction.atomic(using=ALIAS):
                told = str(issue(code, document="order", using=ALIAS))
                crash(server)
            connections[ALIAS].close()
        assert sell(code, "another") != told
        assert sell(code) == told

    def test_a_report(self, server: CrashingServer, code: str) -> None:
        define(code, SERIAL)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            with suppress(DatabaseError), continuity_report(series=code, using=ALIAS) as report:
                told = report.header.position.entries
                crash(server)
            connections[ALIAS].close()
        assert len(numbers(code)) == told == 2

    def test_a_report_has_nothing_of_what_came_while_it_waited(
        self, server: CrashingServer, code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        define(code, SERIAL)

        def wait(alias: str) -> None:
            with clients(server) as start:
                start(code, "meanwhile").result(PATIENCE)

        monkeypatch.setattr("ledger.reports.snapshot.wait_for_flush", wait)
        with continuity_report(series=code, using=ALIAS) as report:
            assert report.header.position.entries == 1
        assert len(numbers(code)) == 2

    def test_a_seal(self, server: CrashingServer, code: str) -> None:
        define(code, SERIAL)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            run_sql("SET synchronous_commit = off")
            assert seal_all(Failures(), using=ALIAS)["sealed"] > 0
            crash(server)
        assert len(numbers(code)) == 2

    def test_a_push(self, server: CrashingServer, code: str) -> None:
        define(code, SERIAL)
        queue = PushQueue(System(code, "odoo", Credentials(code, {}), series=(code,), push=True), ALIAS)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            assert queue.look() == (2, 0)
            told = {push.number for push in [queue.claim(timezone.now()) for _ in range(2)] if push is not None}
            crash(server)
        assert numbers(code) == told

    def test_a_confirmation(self, server: CrashingServer, code: str) -> None:
        """A page or the admin that reports that something was done before."""
        define(code, SERIAL)
        with server.only_flushed_when_waited_for():
            sell_and_be_cut_off(code)
            all_or_none([code], lambda one: None, ALIAS, turn=code)
            crash(server)
        assert len(numbers(code)) == 2

    def test_a_draft_that_is_cancelled_there(
        self, server: CrashingServer, code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        series = remote_series(code, using=ALIAS)
        period = stock(series, [f"{code}/1"], using=ALIAS)

        class Books:
            def find(self, **wanted: Any) -> list[RemoteInvoice]:
                return [
                    RemoteInvoice(
                        one.draft.remote_id, one.draft.number, State.DRAFT, period.starts_on, one.draft.reference, None
                    )
                    for one in remote.unused("books", series=code, using=ALIAS)
                    if wanted.get("reference") == one.draft.reference
                ]

            def cancel(self, remote_id: str) -> RemoteInvoice:
                cancelled.append(remote_id)
                crash(server)
                raise DatabaseError("the server is gone")

            def close(self) -> None: ...

        cancelled: list[str] = []
        monkeypatch.setattr("workers.accounting.systems.connect", lambda *_: Books())
        with server.only_flushed_when_waited_for():
            with transaction.atomic(using=ALIAS):
                run_sql("SET LOCAL synchronous_commit = off")
                close_period(period, early=True, using=ALIAS)
            with pytest.raises(DatabaseError):
                list(unused.cancel_unused("books", series=code, using=ALIAS))
        assert cancelled == [f"id of {code}/1"]
        assert Period.objects.using(ALIAS).get(pk=period.pk).closed_at is not None


@contextmanager
def clients(server: CrashingServer) -> Iterator[Callable[..., Future[Any]]]:
    """Starts a checkout in a thread of its own, at a level; the future has the number."""
    with ThreadPoolExecutor(8) as threads:

        def start(code: str, document: str, level: str = "on") -> Future[Any]:
            def checkout() -> str:
                try:
                    with transaction.atomic(using=ALIAS):
                        run_sql(f"SET LOCAL synchronous_commit = {level}")
                        entry = issue(code, document=document, using=ALIAS)
                    return str(entry)
                finally:
                    connections[ALIAS].close()

            return threads.submit(checkout)

        try:
            yield start
        finally:
            # A checkout that still waits for a standby would wait for ever.
            server.set(synchronous_standby_names="")


class TestStandbys:
    @pytest.mark.parametrize("allocation", STRICT)
    def test_who_waits_for_one_holds_nobody_up(self, server: CrashingServer, code: str, allocation: str) -> None:
        """Only the flush waits: the counter is free, and the next checkout succeeds."""
        define(code, allocation)
        server.set(synchronous_standby_names="nowhere")
        with clients(server) as start:
            waiting = start(code, f"{code}-waits")
            _wait_for_standby(server, waiting)
            assert start(code, "next", "local").result(PATIENCE).endswith("-3")
            assert not waiting.done()
            server.set(synchronous_standby_names="")
            assert waiting.result(PATIENCE).endswith("-2")

    @pytest.mark.parametrize("level", ["on", "remote_write", "remote_apply"])
    @pytest.mark.parametrize("allocation", STRICT)
    def test_levels_that_wait_for_one(self, server: CrashingServer, code: str, allocation: str, level: str) -> None:
        define(code, allocation)
        server.set(synchronous_standby_names="nowhere")
        with clients(server) as start:
            waiting = start(code, f"{code}-waits", level)
            _wait_for_standby(server, waiting)
            server.set(synchronous_standby_names="")
            assert waiting.result(PATIENCE).endswith("-2")

    @pytest.mark.parametrize("level", ["local", "off"])
    @pytest.mark.parametrize("allocation", STRICT)
    def test_levels_that_do_not(self, server: CrashingServer, code: str, allocation: str, level: str) -> None:
        define(code, allocation)
        server.set(synchronous_standby_names="nowhere")
        with clients(server) as start:
            assert start(code, "order", level).result(PATIENCE).endswith("-2")

    def test_reserved_waits_before_it_tells(self, server: CrashingServer, code: str) -> None:
        define(code, RESERVED)
        server.set(synchronous_standby_names="nowhere")
        with clients(server) as start:
            waiting = start(code, f"{code}-waits", "local")
            # Its second connection has the server's level, not the checkout's.
            _wait_for_standby(server, waiting)
            assert not waiting.done()
            assert server.ask(f"SELECT max(last_value) FROM ledger_period WHERE prefix LIKE '{code}%'") == 2
            server.set(synchronous_standby_names="")
            assert waiting.result(PATIENCE).endswith("-2")

    @pytest.mark.parametrize("allocation", STRICT)
    def test_a_real_one(self, server: CrashingServer, code: str, allocation: str) -> None:
        define(code, allocation)
        with server.standby("second") as standby:
            server.set(synchronous_standby_names="second")
            server.wait_for("SELECT bool_or(sync_state = 'sync') FROM pg_stat_replication")
            with clients(server) as start:
                for count in range(20):
                    told = start(code, f"applied:{count}", "remote_apply").result(PATIENCE)
                    assert standby.ask(f"SELECT count(*) FROM ledger_entry WHERE number = '{told}'") == 1
                standby.ask("SELECT pg_wal_replay_pause()")
                waiting = start(code, f"{code}-waits", "remote_apply")
                _wait_for_standby(server, waiting)
                # Written there is not applied there; and nobody waits for the counter.
                for level in ("remote_write", "on", "local"):
                    start(code, level, level).result(PATIENCE)
                assert not waiting.done()
                standby.ask("SELECT pg_wal_replay_resume()")
                waiting.result(PATIENCE)
            server.set(synchronous_standby_names="")
        assert len(numbers(code)) == 25


def _wait_for_standby(server: CrashingServer, waiting: Future[Any]) -> None:
    """Return when somebody waits for a standby."""
    server.wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')")
    assert not waiting.done(), waiting.result()


def test_two_databases_each_by_its_own_setting(django_db_blocker: Any) -> None:
    with (
        migrated_database("folio_one") as one,
        migrated_database("folio_two") as two,
        database_alias("one", one),
        database_alias("two", two),
        django_db_blocker.unblock(),
    ):
        levels = {}
        for alias in ("one", "two"):
            define("invoice", SERIAL, early_release=alias == "two", using=alias)
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "CREATE TABLE host (level text);"
                    "CREATE FUNCTION host_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                    " UPDATE host SET level = current_setting('synchronous_commit'); RETURN NULL; END $$;"
                    "CREATE CONSTRAINT TRIGGER host_note AFTER INSERT ON host DEFERRABLE INITIALLY DEFERRED"
                    " FOR EACH ROW EXECUTE FUNCTION host_note()"
                )
        with transaction.atomic(using="one"), transaction.atomic(using="two"):
            for alias in ("one", "two"):
                issue("invoice", document="order", using=alias)
                with connections[alias].cursor() as cursor:
                    cursor.execute("INSERT INTO host VALUES ('')")
        for alias in ("one", "two"):
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT level FROM host")
                levels[alias] = cursor.fetchone()[0]
        assert levels == {"one": "on", "two": "off"}
