"""What is noted of a run, and of its batches, in a way that many processes may write at once."""

import logging
import os
import socket
from collections import Counter
from collections.abc import Mapping

import psycopg
from django.db import connections, transaction
from psycopg.pq import TransactionStatus

from ledger.failures import NOT_DONE
from ledger.models import SweepBatch, SweepRun
from ledger.models.columns import ClockTimestamp

_log = logging.getLogger(__name__)


def this_process() -> str:
    """Who is at work: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def told(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}"


def added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Both counts together, zeros too."""
    total = Counter(first)
    total.update(second)
    return dict(total)


def note_run(
    alias: str, run: int, *, counts: Mapping[str, int], error: str = "", batches: int | None = None
) -> SweepRun:
    """Note that a run has done its own part, and over how many batches it has spread the rest; return its row."""
    with transaction.atomic(using=alias):
        row = SweepRun.objects.using(alias).select_for_update().get(pk=run)
        row.batches = batches
        stopped = bool(error) and not error.startswith(NOT_DONE)
        _finish(alias, row, counts, error, is_over=not batches or stopped or _all_ended(alias, row))
    row.refresh_from_db(using=alias)
    return row


def note_batch(alias: str, run: int, number: int, *, counts: Mapping[str, int], error: str = "") -> None:
    """Note that a batch has ended; the run is over with the last of them.

    Each run of a batch adds what it did, also the second one. The run's row is locked, so that of two batches that end
    at the same time one sees the other.
    """
    with transaction.atomic(using=alias):
        row = SweepRun.objects.using(alias).select_for_update().get(pk=run)
        batch = SweepBatch.objects.using(alias).get(run=row, number=number)
        SweepBatch.objects.using(alias).filter(pk=batch.pk).update(
            finished_at=ClockTimestamp(), counts=added(batch.counts, counts), error=error
        )
        # What is not done for single series begins as such, so that the run is not taken for one that broke off.
        problem = error if error.startswith(NOT_DONE) else f"batch {number}: {error}" if error else ""
        is_over = row.finished_at is None and row.batches is not None and _all_ended(alias, row)
        _finish(alias, row, counts, problem, is_over=is_over)


def renew(alias: str) -> None:
    """Have a connection that works: one that was cut since the last run would never come back by itself."""
    connection = connections[alias]
    if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
        connection.close()


def rescue(alias: str) -> None:
    """Have a connection that works, whatever failed: a time limit, for one, strikes in the middle of a statement.

    What the server is still asked for is cancelled, as nobody waits for the answer any more.
    """
    connection = connections[alias]
    if connection.in_atomic_block:
        return  # the caller's transaction is the caller's business
    driver = connection.connection
    if driver is not None and driver.pgconn.transaction_status == TransactionStatus.ACTIVE:
        try:
            driver.cancel_safe(timeout=5)
        except psycopg.Error as error:
            _log.warning("A statement that nobody waits for could not be cancelled, and goes on: %s", error)
    connection.close()


def _all_ended(alias: str, row: SweepRun) -> bool:
    ended = SweepBatch.objects.using(alias).filter(run=row, finished_at__isnull=False)
    return ended.count() >= (row.batches or 0)


def _finish(alias: str, row: SweepRun, counts: Mapping[str, int], error: str, *, is_over: bool) -> None:
    changed: dict[str, object] = {
        "counts": added(row.counts, counts),
        "error": row.error or error,
        "batches": row.batches,
    }
    if is_over:
        changed["finished_at"] = ClockTimestamp()
    SweepRun.objects.using(alias).filter(pk=row.pk).update(**changed)
