"""Waiting until what was read is durable, before anybody outside is told.

With a series' ``early_release``, others see a commit a moment before it is on disk, and a crash in that moment undoes
it. So whoever reports the ledger to the outside first reads, then waits, then reports. The wait is a tiny commit at the
connection's own ``synchronous_commit``, flushed together with all others that wait.
"""

import time

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import sql
from ledger.allocation.second_connection import ask_ahead

#: How many commits are timed.
_COMMITS = 10


def flush_at_commit(connection: BaseDatabaseWrapper) -> None:
    """Let this transaction's COMMIT wait until everything that it has seen is durable, even if it wrote nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FLUSH)


def wait_for_flush(alias: str) -> None:
    """Return once everything that is visible now is durable; inside a transaction by the second connection."""
    connection = connections[alias]
    if connection.in_atomic_block or not connection.get_autocommit():
        ask_ahead(connection, sql.FLUSH, ())
    else:
        flush_at_commit(connection)


def commit_seconds(alias: str) -> float:
    """The shortest time of a commit here, in seconds, including the wait for the disk or a standby.

    The best of a few: other work on the machine slows down some, a slow disk slows down all.
    """
    taken = []
    for _ in range(_COMMITS):
        began = time.perf_counter()
        wait_for_flush(alias)
        taken.append(time.perf_counter() - began)
    return min(taken)
