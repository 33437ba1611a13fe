"""BEGIN goes along with the first statement of a transaction, which spares a round trip."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus


def first_row(connection: BaseDatabaseWrapper, statement: str, arguments: Sequence[Any]) -> Any:
    """Run one statement in Django's transaction, which begins in the same message if it has not begun yet.

    Only where BEGIN would be just that, and the cursor binds on the client: one that binds on the server sends one
    statement at a time. Otherwise psycopg begins, and waits for the answer before it sends the statement.
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
        # What keeps psycopg from beginning by itself; were it called otherwise one day, BEGIN would come twice, which
        # PostgreSQL lets pass with a warning.
        driver._autocommit = True
        try:
            cursor.execute(f"BEGIN; {statement}", arguments)
        finally:
            driver._autocommit = False
        cursor.nextset()
        return cursor.fetchone()
