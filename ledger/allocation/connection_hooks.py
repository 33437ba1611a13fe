"""What Django's connections don't offer: hooks for when one closes, rolls back or commits, and BEGIN without a wait.

A hook is set on the one object that needs it, never on a class, so other connections and other code are not affected.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus


def before(connection: BaseDatabaseWrapper, method: str, call: Callable[[], None]) -> None:
    """Call ``call`` before ``method`` of this connection; a later hook on the same method replaces it."""
    kind, itself = type(connection), weakref.ref(connection)

    def hooked(*arguments: Any) -> Any:
        call()
        still_there = itself()
        return None if still_there is None else getattr(kind, method)(still_there, *arguments)

    connection.__dict__[method] = hooked


def in_place_of(connection: BaseDatabaseWrapper, method: str, call: Callable[[BaseDatabaseWrapper], bool]) -> None:
    """Call ``call`` in place of ``method`` of this connection; if it returns False, ``method`` is called too."""
    kind, itself = type(connection), weakref.ref(connection)

    def hooked() -> Any:
        still_there = itself()
        return None if still_there is None or call(still_there) else getattr(kind, method)(still_there)

    connection.__dict__[method] = hooked


def first_row(connection: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> Any:
    """Run one statement in Django's transaction. BEGIN goes in the same message, which saves a round trip.

    That works only if the transaction has not begun, BEGIN needs no options, and the cursor binds on the client: a
    cursor that binds on the server sends one statement at a time. Otherwise psycopg sends BEGIN and waits for its
    answer first.
    """
    with connection.cursor() as cursor:
        driver: Any = connection.connection
        begins = (
            driver.pgconn.transaction_status == TransactionStatus.IDLE
            and not driver.autocommit
            and driver.isolation_level is driver.read_only is driver.deferrable is None
            and isinstance(cursor.cursor, ClientCursor)
        )
        if not begins:
            cursor.execute(statement, arguments)
            return cursor.fetchone()
        # So psycopg doesn't send BEGIN itself. If psycopg renames the attribute one day, BEGIN is sent twice, and
        # PostgreSQL accepts that with a warning.
        driver._autocommit = True
        try:
            cursor.execute(f"BEGIN; {statement}", arguments)
        finally:
            driver._autocommit = False
        cursor.nextset()
        return cursor.fetchone()
