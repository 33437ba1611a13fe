"""The proof of a gap, against checkouts in every state that one can be in: real connections, no clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from ledger import define_series, issue, sql
from ledger.errors import LockTimeout
from ledger.gaps import State, Swept, find, sweep
from ledger.gaps.sweeping import _flag
from ledger.models import Entry, GapFlagged, Period, Reservation
from tests.allocations import expect_all_accounted_for
from tests.concurrency.checkouts import Checkout, checkouts, in_threads

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def swept() -> Swept:
    """A sweep without a grace period."""
    return sweep(grace=timedelta(0))


def states() -> list[State]:
    return [hole.state for hole in find(grace=timedelta(0))]


@pytest.fixture(autouse=True)
def invoice() -> None:
    define_series("invoice", template="INV-{counter:04}", calendar="never", allocation="reserved")
    with transaction.atomic():
        issue("invoice", document="first")


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with checkouts(1) as (only,):
        only.begin()
        only.run(lambda: issue("invoice", document="order:1"))
        yield only


def test_a_running_checkout_is_in_flight_and_not_waited_for(checkout: Checkout) -> None:
    assert states() == [State.IN_FLIGHT]
    result = swept()
    assert (result.flagged, result.in_flight) == (0, 1)
    checkout.commit()
    assert Entry.objects.get(value=2).document == "order:1"
    assert swept() == Swept()
    expect_all_accounted_for()


def test_a_committed_checkout_leaves_nothing(checkout: Checkout) -> None:
    checkout.commit()
    assert states() == []
    assert swept() == Swept()
    assert not GapFlagged.objects.exists()


def test_a_rolled_back_checkout_leaves_a_gap(checkout: Checkout) -> None:
    checkout.rollback()
    assert states() == [State.LEFT_OVER]
    assert swept().flagged == 1
    assert GapFlagged.objects.get().value == 2
    expect_all_accounted_for()


def test_a_rolled_back_savepoint_in_a_transaction_that_goes_on() -> None:
    with checkouts(1) as (outer,):
        outer.begin()

        def inner() -> None:
            with transaction.atomic():
                issue("invoice", document="order:1")
                transaction.set_rollback(True)

        outer.run(inner)
        assert swept().flagged == 1  # the transaction still runs, and its status says so
        evidence = GapFlagged.objects.get().metadata["reservation"]
        assert evidence["transaction_status"] == "in progress"
        outer.run(lambda: issue("invoice", document="order:2"))
        outer.commit()
    assert list(Entry.objects.order_by("value").values_list("value", "kind")) == [
        (1, "issued"),
        (2, "gap"),
        (3, "issued"),
    ]


def test_a_killed_connection_leaves_a_gap(checkout: Checkout) -> None:
    with connection.cursor() as cursor:
        # Waits until the backend is gone: up to a minute, in milliseconds.
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [checkout.pid])
        assert cursor.fetchone()[0]
    assert swept().flagged == 1
    checkout.run(lambda: connection.close())


def test_a_lock_timeout_that_reaches_no_node_has_a_bound(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Citus runs the function's statements elsewhere: the sweep gives up by itself, and goes on."""
    monkeypatch.setattr("ledger.gaps.sweeping._BOUND", 0.3)
    function = "ledger_claim_gap(text, bigint, bigint, text, text, boolean)"
    [hole] = find(grace=timedelta(0))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER FUNCTION {function} SET lock_timeout = '0'")
        try:
            assert _flag("default", hole, hole.value, "sweep") == "in_flight"
        finally:
            cursor.execute(f"ALTER FUNCTION {function} SET lock_timeout = '5ms'")
    assert states() == [State.IN_FLIGHT]


def test_so_has_what_is_committed_ahead(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter is held for ever: a checkout on such a server gets an error that says to try again, then its number."""
    monkeypatch.setattr(sql, "OWN_SESSION", sql.OWN_SESSION.replace("'citus'", "'plpgsql'"))  # which each server has
    monkeypatch.setattr("ledger.allocation.second_connection._BOUND", 0.3)
    function = "ledger_reserve"
    connection.close()  # so that a new second connection asks what the server is
    checkout.run(lambda: list(Period.objects.select_for_update()))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER FUNCTION {function} SET lock_timeout = '0'")
    try:
        with pytest.raises(LockTimeout, match="longer than 0.3 seconds"), transaction.atomic():
            str(issue("invoice", document="order:2"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER FUNCTION {function} SET lock_timeout = '5s'")
    checkout.commit()
    monkeypatch.setattr("ledger.allocation.second_connection._BOUND", 60.0)
    with transaction.atomic():
        assert issue("invoice", document="order:2").number == "INV-0003"
    connection.close()


def test_a_prepared_transaction_is_in_flight() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_prepared_transactions')::int")
        if not cursor.fetchone()[0]:
            pytest.skip("this PostgreSQL has max_prepared_transactions = 0")
    with checkouts(1) as (one,):
        one.begin()
        one.run(lambda: issue("invoice", document="order:1"))
        one.run(lambda: connection.connection.execute("PREPARE TRANSACTION 'folio-test'"))
        try:
            assert swept().in_flight == 1
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK PREPARED 'folio-test'")
    assert swept().flagged == 1


def test_two_sweeps_at_once_flag_each_value_once() -> None:
    for document in range(20):
        with transaction.atomic():
            issue("invoice", document=f"order:{document}")
            transaction.set_rollback(True)
    results = in_threads(4, lambda _: swept())
    # A sweep counts a value that another one is flagging at this moment as in flight or settled.
    assert sum(result.flagged for result in results) == 20
    assert GapFlagged.objects.count() == 20
    assert not Reservation.objects.exists()
    expect_all_accounted_for()


@contextmanager
def stopped_process(point: str) -> Iterator[subprocess.Popen[str]]:
    """A checkout that SIGSTOP stops at ``point``."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
    }
    command = [sys.executable, "-m", "tests.concurrency.late_checkout", point, "order:1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(point)
        pid, status = os.waitpid(process.pid, os.WUNTRACED)
        assert pid == process.pid
        assert os.WIFSTOPPED(status)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def woken(process: subprocess.Popen[str]) -> str:
    """The process's last output, once it may continue."""
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said.strip()


def test_a_late_checkout_finds_its_value_flagged_and_gets_another() -> None:
    with stopped_process("reserved") as process:
        assert swept().flagged == 1
        assert woken(process) == "INV-0003"
    assert GapFlagged.objects.get().number == "INV-0002"
    assert Entry.objects.get(document="order:1").number == "INV-0003"
    expect_all_accounted_for()


def test_a_checkout_that_stands_still_with_its_number_keeps_it() -> None:
    with stopped_process("issued") as process:
        for _ in range(3):
            assert swept().in_flight == 1
        assert woken(process) == "INV-0002"
    assert not GapFlagged.objects.exists()
    expect_all_accounted_for()


def test_a_checkout_that_is_killed_while_it_stands_still_leaves_a_gap() -> None:
    with stopped_process("issued") as process:
        process.kill()
        process.communicate(timeout=60)
    with connection.cursor() as cursor:
        # Its backend notices at its own pace; ended by us it is gone when this returns.
        cursor.execute(
            "SELECT bool_and(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
    assert swept().flagged == 1
    expect_all_accounted_for()
