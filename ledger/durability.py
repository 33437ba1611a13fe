"""Waiting until what was read is durable, before anybody outside is told.

With a series' ``early_release``, others see what a checkout committed a moment before the disk has it, and a crash in
that moment takes it back. So who tells the outside what the ledger holds first reads, then waits, then tells. The wait
is a tiny commit at the connection's own ``synchronous_commit``, flushed together with all others that wait.
"""

import time

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import sql
from ledger.allocation.ahead import ask_ahead

#: So many commits are timed.
_COMMITS = 10


def flush_at_commit(connection: BaseDatabaseWrapper) -> None:
    """Have this transaction's COMMIT wait until all that it has seen is durable, also if it wrote nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FLUSH)


def wait_for_flush(alias: str) -> None:
    """Return once all that anybody can see now is durable; inside a transaction by the second connection."""
    connection = connections[alias]
    if connection.in_atomic_block or not connection.get_autocommit():
        ask_ahead(connection, sql.FLUSH, ())
    else:
        flush_at_commit(connection)


def commit_seconds(alias: str) -> float:
    """How long a commit takes here at least, in seconds, the wait for the disk or a standby included.

    The best of a few: what else the machine does makes some slower, and a slow disk makes all.
    """
    taken = []
    for _ in range(_COMMITS):
        began = time.perf_counter()
        wait_for_flush(alias)
        taken.append(time.perf_counter() - began)
    return min(taken)
