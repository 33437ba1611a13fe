"""Running a sweep, and keeping a row of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import Error, connections, router
from django.db.models.functions import Now

from ledger.models import SweepRun
from ledger.models.events import ClockTimestamp
from ledger.sweeps.registry import find_sweep

#: How long a run is remembered.
KEPT = timedelta(days=30)


def run(name: str, *, using: str | None = None, work: Callable[[str], Mapping[str, int]] | None = None) -> SweepRun:
    """Run the sweep ``name`` now and return its row. What goes wrong is noted in the row, and raised.

    ``work`` is the part of the sweep that this run does, if not all of it.

    Raises UnknownSweep. Call it outside a transaction, since a sweep commits its work bit by bit.
    """
    sweep = find_sweep(name)
    alias = using or router.db_for_write(SweepRun)
    runs = SweepRun.objects.using(alias)
    row = runs.create(sweep=name, process=f"{socket.gethostname()}:{os.getpid()}")
    try:
        row.counts = dict((work or sweep.work)(alias))
    except BaseException as error:
        _note(row, alias, error)
        raise
    row.finished_at = None
    runs.filter(pk=row.pk).update(finished_at=ClockTimestamp(), counts=row.counts)
    row.refresh_from_db()
    runs.filter(sweep=name, started_at__lt=Now() - KEPT).delete()
    return row


def _note(row: SweepRun, alias: str, error: BaseException) -> None:
    try:
        row.error = f"{type(error).__name__}: {error}"
        SweepRun.objects.using(alias).filter(pk=row.pk).update(finished_at=ClockTimestamp(), error=row.error)
    except Error:
        # The database is what failed: the row stays unfinished, and the error is on its way to the caller.
        connections[alias].close()
