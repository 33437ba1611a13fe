"""A second connection, on which values are committed ahead of the checkout, in short transactions of their own.

Each of Django's connections has at most one, so each thread does. It is opened when it is first needed, and closed with
the connection that it belongs to. It takes no connection from Django's pool: a thread that holds one and waits for
another could wait for ever. Each statement is a transaction, so PgBouncer may give each a different server. But if
running checkouts can use up PgBouncer's pool, the second connections need a pool of their own
(``LEDGER["SECOND_CONNECTIONS"]``), or every checkout would wait for a server that no other gives back.

It works in the same place as the first connection. The first one says which schema its ledger is in, and the statements
name that schema, so no search_path has to be set. A role from SET ROLE is set here too, for one transaction. A second
connection to another server or database, or with another login, is refused before it writes anything.

In Django's ``TestCase`` nothing is ever committed, and rows committed on a second connection would outlive the test. So
there the statements run in the test's own transaction.
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
from ledger.allocation.connection_hooks import before
from ledger.conf import ledger_settings
from ledger.cursors import by_name
from ledger.errors import LockTimeout, SecondConnectionElsewhere, SecondConnectionFailed

#: How often a statement is sent again when its transaction was refused, or its connection had been lost.
_TRIES = 5

#: serialization_failure, deadlock_detected.
_AGAIN = ("40001", "40P01")

_ATTRIBUTE = "_ledger_ahead"
_FINALIZER = "_ledger_ahead_finalizer"
_OWN_SESSION = "_ledger_own_session"
_DISTRIBUTES = "_ledger_distributes"

#: A lock_timeout may not reach another node that waits (Citus), so a statement is cancelled after so many seconds.
_BOUND = 30.0
_CANCELED = "57014"

#: A name of ours in a statement.
_OURS = re.compile(r"\bledger_")

#: Second connections that a fork has copied. The parent still uses them, so the child neither uses nor closes them.
_inherited: list[Any] = []


class Session(NamedTuple):
    """What decides which tables a connection sees, and what it may do there.

    ``server`` is when the server was started, in seconds since 1970. ``schema`` is the ledger's, quoted for SQL.
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
) -> list[Any]:
    """Run one statement in a transaction that is committed when this returns; its rows have columns as attributes.

    If the answer is lost, the statement is sent again, so it must be safe to run twice. ``session`` is that of
    ``connection`` if the caller knows it; else it takes one more round trip. With ``early`` the locks are released
    before the commit is on disk, and the call then waits for the disk. Raises SecondConnectionFailed if no second
    connection can be opened, and SecondConnectionElsewhere if it would see other tables.
    """
    if in_test_case(connection):
        return _ask(connection, statement, arguments)
    if session is None:
        session = _session_of(connection)
    statement = in_schema(session.schema, statement)
    for tries in range(1, _TRIES + 1):
        side = _side(connection)
        try:
            settings = _carried_over(connection, side, session)
            with time_limit(side, _BOUND) if side.__dict__[_DISTRIBUTES] else nullcontext():
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
                raise _cannot_connect(connection, error) from error
            if tries == _TRIES or not (lost or state in _AGAIN):
                raise
    raise AssertionError("the last try returns or raises")


@contextmanager
def time_limit(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Cancel the block's statement after so many seconds, and raise LockTimeout."""
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
            f"A statement waited longer than {seconds:g} seconds for a lock that another transaction holds.",
            rule="Nobody waits for ever, even if PostgreSQL's lock_timeout doesn't reach the node that waits.",
            remedy="Run the whole transaction again.",
        ) from error
    finally:
        bound.cancel()
        bound.join()  # else it might cancel the next statement


def seen_ahead(connection: BaseDatabaseWrapper, row: models.Model) -> bool:
    """Whether ``row`` is committed; false for a row that the checkout's own transaction has inserted."""
    statement = f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s"  # noqa: S608  (the name of our own model)
    return bool(ask_ahead(connection, statement, [row.pk]))


def sees_new_rows(connection: BaseDatabaseWrapper) -> bool:
    """Whether the checkout's transaction sees rows that are committed after it began: only under READ COMMITTED."""
    [(sees,)] = _ask(connection, sql.SEES_NEW_ROWS, ())
    return bool(sees)


def in_test_case(connection: BaseDatabaseWrapper) -> bool:
    """Whether the transaction is that of a Django TestCase; Django's own ``durable`` asks the same mark."""
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def in_schema(schema: str, statement: str) -> str:
    """The statement with the ledger's names in that schema, so that the search_path doesn't matter."""
    prefix = schema.replace("%", "%%")
    return _OURS.sub(lambda name: f"{prefix}.{name[0]}", statement)


def _carried_over(connection: BaseDatabaseWrapper, side: Any, session: Session) -> dict[str, str]:
    """The settings that give the second connection the rights of the first one."""
    own: Session | None = side.__dict__.get(_OWN_SESSION)
    if own is None or own[:3] != session[:3]:
        # Not known yet; or the server was restarted, and a pooler has connected to it again.
        [(facts, side.__dict__[_DISTRIBUTES])] = _ask(side, sql.OWN_SESSION, ())
        own = side.__dict__[_OWN_SESSION] = Session(*facts)
    if own[:3] != session[:3]:
        # A server that was restarted in between looks like another one. Then the first connection fails here.
        session = _session_of(connection)
        if own[:3] != session[:3]:
            raise _elsewhere(connection, own, session)
    return {} if own.role == session.role else {"role": session.role}


def _session_of(connection: BaseDatabaseWrapper) -> Session:
    [(facts,)] = _ask(connection, sql.SESSION, ())
    return Session(*facts)


def _ask_under(side: Any, settings: Mapping[str, str], statement: str, arguments: Sequence[Any]) -> list[Any]:
    """As ``_ask``, in a transaction with these settings: behind PgBouncer they must not outlive it."""
    if not settings:
        return _ask(side, statement, arguments)
    with side.wrap_database_errors, side.connection.transaction():
        for name, value in settings.items():
            side.connection.execute(sql.SET, [name, value])
        return _ask(side, statement, arguments)


def _ask(connection: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return by_name(cursor, cursor.fetchall())


def _ask_early(side: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> list[Any]:
    driver: Any = side.connection
    try:
        # In one message: only this kind of cursor sends several statements whatever the settings say about binding.
        with side.wrap_database_errors, psycopg.ClientCursor(driver) as cursor:
            cursor.execute(f"{sql.BEGIN_EARLY}{statement}{sql.END_EARLY}", arguments)
            cursor.nextset()
            cursor.nextset()
            return by_name(cursor, cursor.fetchall())
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
            raise _cannot_connect(connection, error) from error
        _close_along_with(connection, side.connection)
    return side


def _cannot_connect(connection: BaseDatabaseWrapper, error: Exception) -> SecondConnectionFailed:
    return SecondConnectionFailed(
        f"A second connection to the database {connection.alias!r} could not be opened: {error}",
        rule="The allocations reserved and pooled commit values ahead of the checkout, on another connection; a report "
        "waits for the disk on one.",
        remedy="Let the server and its pooler accept two connections for each thread, name another alias of the same "
        "database in LEDGER['SECOND_CONNECTIONS'], or choose the allocation at_commit or serial.",
    )


def _elsewhere(connection: BaseDatabaseWrapper, own: Session, session: Session) -> SecondConnectionElsewhere:
    where = "on another server" if own.server != session.server else "on the same server"
    return SecondConnectionElsewhere(
        f"The connection {connection.alias!r} works in the database {session.database!r} with the login "
        f"{session.login!r}; its second connection leads to the database {own.database!r} {where}, with the login "
        f"{own.login!r}. Nothing was written there.",
        rule="Values are committed ahead of a checkout in its own database, with the rights of its login.",
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
    # After a fork the child shares the socket: only the process that opened it may close it.
    if os.getpid() == process:
        driver_connection.close()
