"""Running a sweep, in one go or spread over batches, and keeping its row, which many processes may write at once."""

import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain, islice

import psycopg
from django.db import Error, connections, router, transaction
from django.db.models.functions import Now
from psycopg.pq import TransactionStatus

from ledger import homes
from ledger.failures import NOT_DONE, Failures
from ledger.models import SweepBatch, SweepRun
from ledger.models.columns import ClockTimestamp
from ledger.sweeps.registry import Ids, find_sweep
from ledger.sweeps.work import Done

_log = logging.getLogger(__name__)

#: How long a run is remembered.
KEPT = timedelta(days=30)

#: Has another process do a batch of a run: takes the run's row, the number of the batch, and its ids.
Spread = Callable[[SweepRun, int, Ids], None]


def run(name: str, *, using: str | None = None, spread: Spread | None = None) -> SweepRun:
    """Run the sweep ``name`` now and return its row. An error is noted in the row, and raised.

    Failures of single series (``ledger.failures``) are only noted: the row's error names them, and all others are done.

    If there is more than one batch, ``spread`` is called with each of them, for ``run_batch``; without it everything is
    done here. A batch that is never done is no loss: the next run finds its work again. Raises UnknownSweep. Call it
    outside a transaction, since a sweep commits its work bit by bit.
    """
    sweep = find_sweep(name)
    alias = using or router.db_for_write(SweepRun)
    renew(alias)
    runs = SweepRun.objects.using(alias)
    row = runs.create(sweep=name, process=this_process())
    counts: Counter[str] = Counter()
    failures = Failures()
    sent: int | None = None
    try:
        with homes.entered(alias):
            if sweep.work is not None:
                _add(counts, failures, sweep.work(alias))
            if sweep.batches is not None:
                counts.update(dict.fromkeys(sweep.batches.counted, 0))
                found = sweep.batches.find(alias, sweep.batch_size)
                first = list(islice(found, 2))
                if spread is None or len(first) < 2:
                    for ids in chain(first, found):
                        _add(counts, failures, sweep.batches.do(alias, ids))
                else:
                    for sent, ids in enumerate(chain(first, found), 1):
                        spread(row, sent, ids)
    except BaseException as error:
        with _noting_a_failure(alias):
            note_run(alias, row.pk, counts=counts, error=told(error), batches=sent)
        raise
    row = note_run(alias, row.pk, counts=counts, error=str(failures), batches=sent)
    runs.filter(sweep=name, started_at__lt=Now() - KEPT).delete()
    return row


def run_batch(run: int, number: int, ids: Ids, *, using: str | None = None) -> dict[str, int]:
    """Do one batch of a run, and return what it counted. Safe to call twice, at once, or never.

    A batch that has ended is not done again: the next run finds what is still to do. An error is noted in the rows of
    batch and run, and raised.
    """
    alias = using or router.db_for_write(SweepRun)
    renew(alias)
    row = SweepRun.objects.using(alias).filter(pk=run).first()
    if row is None:
        _log.warning("Batch %s belongs to the unknown run %s: it is left to the next run.", number, run)
        return {}
    batches = find_sweep(row.sweep).batches
    if batches is None:
        raise TypeError(f"The sweep {row.sweep!r} has no batches; another version of it sent this one.")
    parts = SweepBatch.objects.using(alias)
    parts.bulk_create([SweepBatch(run=row, number=number, process=this_process())], ignore_conflicts=True)
    part = parts.get(run=row, number=number)
    if part.finished_at is not None:
        return dict(part.counts)
    counts: Counter[str] = Counter()
    failures = Failures()
    try:
        with homes.entered(alias):
            _add(counts, failures, batches.do(alias, ids))
    except BaseException as error:
        with _noting_a_failure(alias):
            note_batch(alias, run, number, counts={}, error=told(error))
        raise
    note_batch(alias, run, number, counts=counts, error=str(failures))
    return dict(counts)


def _add(counts: Counter[str], failures: Failures, done: Mapping[str, int]) -> None:
    counts.update(done)
    if isinstance(done, Done):
        failures.told += done.failures.told


@contextmanager
def _noting_a_failure(alias: str) -> Iterator[None]:
    try:
        rescue(alias)
        yield
    except Error:
        # The database is what failed: the row stays unfinished, and the error is on its way to the caller.
        connections[alias].close()


def this_process() -> str:
    """Host and process id."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


def told(error: BaseException) -> str:
    """An error with its type."""
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

    Each run of a batch adds what it did, also the second one. The run's row is locked, so of two batches that end at
    the same time one sees the other.
    """
    with transaction.atomic(using=alias):
        row = SweepRun.objects.using(alias).select_for_update().get(pk=run)
        batch = SweepBatch.objects.using(alias).get(run=row, number=number)
        SweepBatch.objects.using(alias).filter(pk=batch.pk).update(
            finished_at=ClockTimestamp(), counts=added(batch.counts, counts), error=error
        )
        # Failures of single series keep their beginning, so that the run doesn't count as one that broke off.
        problem = error if error.startswith(NOT_DONE) else f"batch {number}: {error}" if error else ""
        is_over = row.finished_at is None and row.batches is not None and _all_ended(alias, row)
        _finish(alias, row, counts, problem, is_over=is_over)


def renew(alias: str) -> None:
    """Drop a connection that was cut since the last run: it would not come back by itself."""
    connection = connections[alias]
    if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
        connection.close()


def rescue(alias: str) -> None:
    """Get a working connection, whatever failed: a time limit, for example, ends a run in the middle of a statement.

    A statement that still runs on the server is cancelled, as nobody waits for its answer.
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
