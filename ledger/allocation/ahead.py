"""A second connection, on which values are committed ahead of the checkout, in short transactions of their own.

One for each of Django's connections at most, hence one for each thread, opened when it is first needed. It is closed
along with the one that it belongs to. It takes no connection from Django's pool, where a thread that holds one and
waits for another could wait for ever. Each statement is a transaction, so PgBouncer may hand out servers as it likes;
but where checkouts in flight may use up its pool, the second connections need a pool of their own, or all would wait
for a server that none gives back: ``LEDGER["SECOND_CONNECTIONS"]``.

It works where the first one does. That one says which schema its ledger is in, and the statements name that schema, so
that no search_path has to be set; a role that it took by SET ROLE holds here for the one transaction. A second
connection to another server or database, or of another login, is refused before it is asked to write.

In Django's ``TestCase`` nothing is ever committed, and what was committed beside it would outlive the test: there the
statements run in the test's own transaction.
"""

import os
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from threading import Event, Timer
from typing import Any, NamedTuple

import psycopg
from django.db import InterfaceError, OperationalError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from ledger import sql
from ledger.allocation.hooks import before
from ledger.conf import ledger_settings
from ledger.errors import LockTimeout, SecondConnectionElsewhere, SecondConnectionFailed

#: How often a statement is sent again when its transaction was refused, or its connection had been lost.
_TRIES = 5

#: serialization_failure, deadlock_detected.
_AGAIN = ("40001", "40P01")

_ATTRIBUTE = "_ledger_ahead"
_FINALIZER = "_ledger_ahead_finalizer"
_OWN_SESSION = "_ledger_own_session"
_DISTRIBUTES = "_ledger_distributes"

#: Where a lock_timeout may not reach the node that waits, a statement is given up after so many seconds.
_BOUND = 30.0
_CANCELED = "57014"

#: A name of ours in a statement.
_OURS = re.compile(r"\bledger_")

#: Second connections that a fork has copied: the parent goes on using them, so the child neither does nor closes them.
_inherited: list[Any] = []


class Session(NamedTuple):
    """What decides which tables a connection sees, and what it may do there.

    ``server`` is when that was started, in seconds since 1970, ``schema`` where the ledger is, as SQL writes it.
    """

    server: str
    database: str
    login: str
    role: str
    schema: str = ""


def ask_ahead(
    connection: BaseDatabaseWrapper,
    statement: str,
    arguments: Sequence[Any],
    *,
    lock_timeout: str | None = None,
    session: Session | None = None,
    early: bool = False,
) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction that is committed when this returns, and return its rows.

    Sent again when it is not known whether it was committed, so it must be one that may run twice. ``session`` is that
    of ``connection``, if it is known already; else it is asked, which is a round trip. ``early`` gives up its locks
    before the disk has it, and then waits for the disk. Raises SecondConnectionFailed where there is no second
    connection to be had, and SecondConnectionElsewhere where it would see other tables.
    """
    if in_test_case(connection):
        return _ask(connection, statement, arguments)
    if session is None:
        session = Session(*_ask(connection, sql.SESSION, ())[0][0])
    statement = in_schema(session.schema, statement)
    for tries in range(1, _TRIES + 1):
        side = _side(connection)
        try:
            settings = _carried_over(connection, side, session)
            with bounded(side, _BOUND) if side.__dict__[_DISTRIBUTES] else nullcontext():
                if early and not settings:
                    return _ask_early(side, statement, arguments)
                if lock_timeout is not None:
                    settings["lock_timeout"] = lock_timeout
                return _ask_under(side, settings, statement, arguments)
        except (OperationalError, InterfaceError) as error:
            lost = side.connection is None or side.connection.closed
            state = getattr(error.__cause__, "sqlstate", None)
            # A lost connection is replaced once: a pooler without a free server takes minutes to say so.
            if lost and tries > 1:
                raise _none_to_be_had(connection, error) from error
            if tries == _TRIES or not (lost or state in _AGAIN):
                raise
    raise AssertionError("the last try returns or raises")


@contextmanager
def bounded(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Raise LockTimeout where the block's statement isn't done after so many seconds: it is cancelled from here."""
    fired = Event()

    def cancel() -> None:
        fired.set()
        connection.connection.cancel_safe()

    bound = Timer(seconds, cancel)
    bound.start()
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _CANCELED or not fired.is_set():
            raise
        raise LockTimeout(
            f"Another transaction held what a statement waits for, longer than {seconds:g} seconds.",
            rule="Nobody waits for ever, also where PostgreSQL's lock_timeout doesn't reach the node that waits.",
            remedy="Run the whole transaction again.",
        ) from error
    finally:
        bound.cancel()
        bound.join()  # else what it cancels might be the next statement


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


def in_schema(schema: str, statement: str) -> str:
    """The statement with the ledger's names in that schema, whatever the search_path of who runs it."""
    prefix = schema.replace("%", "%%")
    return _OURS.sub(lambda name: f"{prefix}.{name[0]}", statement)


def _carried_over(connection: BaseDatabaseWrapper, side: Any, session: Session) -> dict[str, str]:
    """What has to be set on the second connection, so that it sees what the first one does and may do as much."""
    own: Session | None = side.__dict__.get(_OWN_SESSION)
    if own is None or own[:3] != session[:3]:
        # Not known yet; or a pooler has found the server again after that was restarted.
        [(facts, side.__dict__[_DISTRIBUTES])] = _ask(side, sql.OWN_SESSION, ())
        own = side.__dict__[_OWN_SESSION] = Session(*facts)
    if own[:3] != session[:3]:
        # A server that was restarted meanwhile looks like another one; then the first connection is gone, and says so.
        session = Session(*_ask(connection, sql.SESSION, ())[0][0])
        if own[:3] != session[:3]:
            raise _elsewhere(connection, own, session)
    return {} if own.role == session.role else {"role": session.role}


def _ask_under(
    side: Any, settings: Mapping[str, str], statement: str, arguments: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """As ``_ask``, in a transaction with these settings: behind PgBouncer they must not outlive it."""
    if not settings:
        return _ask(side, statement, arguments)
    with side.wrap_database_errors, side.connection.transaction():
        for name, value in settings.items():
            side.connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        return _ask(side, statement, arguments)


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
        side.__dict__.pop(_OWN_SESSION, None)
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


def _elsewhere(connection: BaseDatabaseWrapper, own: Session, session: Session) -> SecondConnectionElsewhere:
    where = "on another server" if own.server != session.server else "on the same server"
    return SecondConnectionElsewhere(
        f"The connection {connection.alias!r} works in the database {session.database!r} with the login "
        f"{session.login!r}; its second connection leads to the database {own.database!r} {where}, with the login "
        f"{own.login!r}. Nothing was written there.",
        rule="What is committed ahead of a checkout belongs to its database, and is done with the rights of its login.",
        remedy=f"Let LEDGER['SECOND_CONNECTIONS'][{connection.alias!r}] name an alias of the same database and login, "
        "or leave it out; and let a session take another role by SET ROLE, not by SET SESSION AUTHORIZATION.",
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
