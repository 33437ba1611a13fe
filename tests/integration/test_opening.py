"""The first call of a transaction sends BEGIN along, and the transaction is like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus

from ledger import define_series, issue
from ledger.allocation.connection_hooks import first_row
from ledger.models import Entry
from tests.allocations import AT_COMMIT, POOLED, SERIAL, rolled_back

pytestmark = pytest.mark.django_db(transaction=True)


def sent(call: Callable[[], Any]) -> list[str]:
    """The statements that go through Django's cursors while ``call`` runs."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        statements.append(statement)
        return execute(statement, *arguments)

    with connection.execute_wrapper(note):
        call()
    return statements


@pytest.mark.parametrize("allocation", [SERIAL, AT_COMMIT, POOLED])
def test_begin_goes_along_once_and_a_rollback_takes_all_back(allocation: str) -> None:
    define_series("invoice", template="INV-{year}-{counter}", allocation=allocation)
    with transaction.atomic():
        issue("invoice", document="first")  # which opens the period
    with rolled_back():
        begun = sent(lambda: issue("invoice", document="lost"))
        assert connection.connection.info.transaction_status == TransactionStatus.INTRANS
        later = sent(lambda: issue("invoice", document="lost too"))
    assert [each.startswith("BEGIN; ") for each in begun[:1] + later[:1]] == [True, False]
    assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    assert list(Entry.objects.values_list("document", flat=True)) == ["first"]


def test_an_error_leaves_a_transaction_to_roll_back() -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        first_row(connection, "SELECT no_such_function(%s)", (1,))
    with transaction.atomic():
        assert first_row(connection, "SELECT %s", ("next",)) == ("next",)
        assert not connection.connection.autocommit
    assert connection.connection.autocommit


def test_psycopg_begins_transactions_with_another_isolation_level() -> None:
    connection.ensure_connection()
    connection.connection.isolation_level = IsolationLevel.SERIALIZABLE
    try:
        with transaction.atomic():
            assert first_row(connection, "SHOW transaction_isolation", ()) == ("serializable",)
    finally:
        connection.connection.isolation_level = None


def test_a_cursor_that_binds_on_the_server_gets_one_statement_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "cursor_factory", ServerBindingCursor)
    with transaction.atomic():
        assert first_row(connection, "SELECT %s::text", ("bound",)) == ("bound",)
