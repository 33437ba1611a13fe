"""Running a sweep, in one go or spread over batches, and keeping a row of it."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain, islice

from django.db import Error, connections, router
from django.db.models.functions import Now

from ledger import homes
from ledger.failures import Failures
from ledger.models import SweepBatch, SweepRun
from ledger.sweeps.notes import note_batch, note_run, renew, rescue, this_process, told
from ledger.sweeps.registry import Ids, find_sweep
from ledger.sweeps.work import Done

_log = logging.getLogger(__name__)

#: How long a run is remembered.
KEPT = timedelta(days=30)

#: Has a batch of a run done by somebody, sometime: takes the run's row, the number of the batch, and its ids.
Spread = Callable[[SweepRun, int, Ids], None]


def run(name: str, *, using: str | None = None, spread: Spread | None = None) -> SweepRun:
    """Run the sweep ``name`` now and return its row. What goes wrong is noted in the row, and raised.

    What goes wrong with single series (``ledger.failures``) is noted alone: the row's error names them, and all others
    have got their due.

    Where there is more to do than one batch, ``spread`` is given each of them, for ``run_batch``; without it all is
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

    One that has ended is not done again: what there is still to do, the next run finds. What goes wrong is noted in the
    rows of batch and run, and raised.
    """
    alias = using or router.db_for_write(SweepRun)
    renew(alias)
    row = SweepRun.objects.using(alias).filter(pk=run).first()
    if row is None:
        _log.warning("Batch %s is of a run that nobody remembers, %s: it is left to the next run.", number, run)
        return {}
    batches = find_sweep(row.sweep).batches
    if batches is None:
        raise TypeError(f"The sweep {row.sweep!r} has no batches; this one was sent by another version of it.")
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
