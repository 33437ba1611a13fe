"""A second connection, on which values are committed ahead of the checkout, in short transactions of their own.

One for each of Django's connections at most, hence one for each thread, opened when it is first needed. It is closed
along with the one that it belongs to. It takes no connection from Django's pool, where a thread that holds one and
waits for another could wait for ever. Each statement is a transaction, so PgBouncer may hand out servers as it likes;
but where checkouts in flight may use up its pool, the second connections need a pool of their own, or all would wait
for a server that none gives back: ``LEDGER["SECOND_CONNECTIONS"]``.

In Django's ``TestCase`` nothing is ever committed, and what was committed beside it would outlive the test: there the
statements run in the test's own transaction.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import InterfaceError, OperationalError, connections, models
from psycopg.pq import TransactionStatus

from ledger import sql
from ledger.allocation.hooks import before
from ledger.conf import ledger_settings
from ledger.errors import SecondConnectionFailed

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: How often a statement is sent again when its transaction was refused, or its connection had been lost.
_TRIES = 5

#: serialization_failure, deadlock_detected.
_AGAIN = ("40001", "40P01")

_ATTRIBUTE = "_ledger_ahead"
_FINALIZER = "_ledger_ahead_finalizer"

#: Second connections that a fork has copied: the parent goes on using them, so the child neither does nor closes them.
_inherited: list[Any] = []


def ask_ahead(
    connection: BaseDatabaseWrapper,
    statement: str,
    arguments: Sequence[Any],
    *,
    lock_timeout: str | None = None,
    early: bool = False,
) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction that is committed when this returns, and return its rows.

    ``early`` gives up its locks before the disk has it, and then waits for the disk. Sent again when it is not known
    whether it was committed, so it must be one that may run twice. Raises SecondConnectionFailed where there is no
    second connection to be had.
    """
    if in_test_case(connection):
        return _ask(connection, statement, arguments)
    for tries in range(1, _TRIES + 1):
        side = _side(connection)
        try:
            if early:
                return _ask_early(side, statement, arguments)
            if lock_timeout is None:
                return _ask(side, statement, arguments)
            with side.wrap_database_errors, side.connection.transaction():
                side.connection.execute("SELECT set_config('lock_timeout', %s, true)", [lock_timeout])
                return _ask(side, statement, arguments)
        except (OperationalError, InterfaceError) as error:
            lost = side.connection is None or side.connection.closed
            state = getattr(error.__cause__, "sqlstate", None)
            # A lost connection is replaced once: a pooler without a free server takes minutes to say so.
            if lost and tries > 1:
                raise _none_to_be_had(connection, error) from error
            if tries == _TRIES or not (lost or state in _AGAIN):
                raise
    raise AssertionError("the last try returns or raises")


def seen_ahead(connection: BaseDatabaseWrapper, row: models.Model) -> bool:
    """Whether ``row`` is committed; false for what the checkout's own transaction has made."""
    statement = f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s"  # noqa: S608  (the name of our own model)
    return bool(ask_ahead(connection, statement, [row.pk]))


def sees_new_rows(connection: BaseDatabaseWrapper) -> bool:
    """Whether the checkout's transaction sees what is committed ahead for it: under READ COMMITTED alone."""
    return bool(_ask(connection, sql.SEES_NEW_ROWS, ())[0][0])


def in_test_case(connection: BaseDatabaseWrapper) -> bool:
    """Whether the transaction is that of a Django TestCase, by the mark that Django's own ``durable`` goes by."""
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def _ask(connection: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _ask_early(side: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    driver: Any = side.connection
    try:
        # In one message, which no other kind of cursor sends whatever the settings say of binding.
        with side.wrap_database_errors, psycopg.ClientCursor(driver) as cursor:
            cursor.execute(f"{sql.BEGIN_EARLY}{statement}{sql.END_EARLY}", arguments)
            cursor.nextset()
            cursor.nextset()
            return cursor.fetchall()
    finally:
        if driver.info.transaction_status == TransactionStatus.INERROR:
            driver.rollback()


def _side(connection: BaseDatabaseWrapper) -> Any:
    """The second connection of ``connection``, open."""
    process, side = connection.__dict__.get(_ATTRIBUTE, (None, None))
    if side is not None and process != os.getpid():
        _inherited.append(side)
        side = None
    if side is None:
        side = _twin(connection)
        connection.__dict__[_ATTRIBUTE] = (os.getpid(), side)
    if side.connection is not None and side.connection.closed:
        side.close()
    if side.connection is None:
        try:
            side.ensure_connection()
        except OperationalError as error:
            raise _none_to_be_had(connection, error) from error
        _close_along_with(connection, side.connection)
    return side


def _none_to_be_had(connection: BaseDatabaseWrapper, error: Exception) -> SecondConnectionFailed:
    return SecondConnectionFailed(
        f"A second connection to the database {connection.alias!r} could not be opened: {error}",
        rule="The allocations reserved and pooled commit values ahead of the checkout, on another connection, on which "
        "a report waits for the disk.",
        remedy="Let the server and its pooler accept two connections for each thread, name another way there "
        "in LEDGER['SECOND_CONNECTIONS'], or choose the allocation at_commit or serial.",
    )


def _twin(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    alias = ledger_settings().second_connections.get(connection.alias, connection.alias)
    model = connection if alias == connection.alias else connections[alias]
    settings = {**model.settings_dict, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True}
    settings["OPTIONS"] = {
        name: value for name, value in settings["OPTIONS"].items() if name not in ("pool", "isolation_level")
    }
    return type(model)(settings, connection.alias)


def _close_along_with(connection: BaseDatabaseWrapper, driver_connection: Any) -> None:
    """Close the second connection when Django closes ``connection``, or when its thread has ended."""
    process = os.getpid()
    before(connection, "_close", lambda: _close(driver_connection, process))
    if (earlier := connection.__dict__.get(_FINALIZER)) is not None:
        earlier.detach()
    connection.__dict__[_FINALIZER] = weakref.finalize(connection.connection, _close, driver_connection, process)


def _close(driver_connection: Any, process: int) -> None:
    # After a fork the child shares the socket: only the process that opened it may say goodbye.
    if os.getpid() == process:
        driver_connection.close()
