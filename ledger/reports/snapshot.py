"""One snapshot of the database for all parts of a report, so that they agree whatever checkouts do meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from ledger.cursors import by_name, fetch, fetch_value, open_server_cursor
from ledger.durability import wait_for_flush
from ledger.errors import ReportError

_CHUNK = 2000

_ISOLATION = "SELECT current_setting('transaction_isolation')"
# Any statement takes the snapshot.
_TAKE = "SELECT 1"

# Every row will be read. PostgreSQL expects that only a cursor's first rows are read, and might walk a whole ledger in
# the wanted order, to find the first of a few voids soon.
_ALL_ROWS = "SET LOCAL cursor_tuple_fraction = 1.0"

# The indexes give a period's values in order. Without this, a ledger that was never analyzed would be sorted on disk,
# or read completely for each gap. Before PostgreSQL 18, the cost of a forbidden plan also starts the JIT compiler.
_BY_INDEX = "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL jit = off"

_AS_BEFORE = (
    "SET LOCAL cursor_tuple_fraction = DEFAULT; SET LOCAL enable_sort = DEFAULT; SET LOCAL enable_seqscan = DEFAULT; "
    "SET LOCAL jit = DEFAULT"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Reads from one read-only transaction of the database ``alias``."""

    alias: str

    def rows(self, statement: str, wanted: Mapping[str, Any], *, by_index: bool = False) -> Iterator[Any]:
        """The rows of a statement, held by the server, so that any number of them takes no memory here."""
        with open_server_cursor(self.alias) as cursor:
            with connections[self.alias].cursor() as settings:
                settings.execute(f"{_ALL_ROWS}; {_BY_INDEX}" if by_index else _ALL_ROWS)
                cursor.execute(statement, wanted)
                # The statement has its plan.
                settings.execute(_AS_BEFORE)
            while chunk := cursor.fetchmany(_CHUNK):
                yield from by_name(cursor, chunk)

    def row(self, statement: str, wanted: Mapping[str, Any]) -> Any:
        [found] = fetch(self.alias, statement, wanted)
        return found


@contextmanager
def snapshot(alias: str) -> Iterator[Snapshot]:
    """A read-only transaction that sees the ledger as it is now until its end. Works on a standby as well.

    Raises ReportError inside a transaction of the caller's in which each statement has a snapshot of its own.
    """
    if connections[alias].in_atomic_block:
        isolation = fetch_value(alias, _ISOLATION)
        if isolation not in ("repeatable read", "serializable"):
            raise ReportError(
                f"The report was asked for inside a transaction that is {isolation}.",
                rule="All parts of a report are read from one snapshot, or they would not add up.",
                remedy="Call it outside transaction.atomic(); a view needs @transaction.non_atomic_requests.",
            )
        wait_for_flush(alias)
        yield Snapshot(alias)
        return
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Nothing in the snapshot may be shown before it is durable.
            cursor.execute(_TAKE)
        wait_for_flush(alias)
        yield Snapshot(alias)
