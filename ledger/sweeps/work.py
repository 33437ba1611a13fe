"""What each sweep does: a call of the part of Folio that knows how. Each takes a database alias and returns counts.

Those that may have much to do are two functions: one finds the ids, set by set, and one does the work of some ids. The
second looks again at what there is to do, since it may run late, twice, or at the same time as another.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import OperationalError, connections

from ledger import gaps, periods, verification
from ledger.allocation.ahead import ask_ahead
from ledger.batches import id_batches
from ledger.cursors import open_cursor
from ledger.database_errors import told_in_our_words
from ledger.errors import LedgerError, SecondConnectionFailed
from ledger.models import Period
from ledger.sql import MINT
from ledger.sweeps import sql

_log = logging.getLogger(__name__)

#: How long a sweep waits for checkouts that hold values of a period, before it leaves that to the next run.
_PATIENCE = "2s"


def series_to_open(alias: str, size: int) -> Iterator[Sequence[int]]:
    """The series that need a period within the next days."""
    return periods.series_without_period(size, using=alias)


def open_periods(alias: str, ids: Sequence[Any]) -> dict[str, int]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    done = periods.open_next_periods(series=ids, using=alias)
    for failure in done["failed"]:
        _log.error("Series %s: %s", failure["series"], failure["error"])
    return {"opened": done["opened"], "failed": len(done["failed"])}


def flag_slots(alias: str) -> dict[str, int]:
    """Report free slots below the highest number, flag those that are not given back, and look for lost values."""
    swept = gaps.sweep_slots(using=alias)
    if swept.lost:
        _log.error("%s values are lost or were tampered with: see manage.py ledger_gaps", swept.lost)
    return swept.as_dict()


def reservations(alias: str, size: int) -> Iterator[Sequence[int]]:
    """Every reservation."""
    return gaps.reservation_ids(size, using=alias)


def flag_reservations(alias: str, ids: Sequence[Any]) -> dict[str, int]:
    """Flag the reservations that no checkout will take."""
    swept = gaps.sweep_reservations(ids, using=alias)
    return {"flagged": swept.flagged, "in_flight": swept.in_flight, "settled": swept.settled}


def heal(alias: str) -> dict[str, int]:
    """Note of reported holes that a checkout has filled them."""
    with open_cursor(alias) as cursor:
        cursor.execute(sql.HEAL)
        return {"healed": cursor.rowcount}


def periods_to_close(alias: str, size: int) -> Iterator[Sequence[int]]:
    """Periods that ended so many days ago as their series says."""
    return id_batches(alias, sql.PERIODS_TO_CLOSE, size, ids=None)


def close_periods(alias: str, ids: Sequence[Any]) -> dict[str, int]:
    """Close these periods, unless a checkout holds a value of them."""
    closed, held = 0, 0
    due = [row[0] for row in _rows(alias, sql.PERIODS_TO_CLOSE, ids=ids)]
    for period in Period.objects.using(alias).select_related("series").filter(pk__in=due).order_by("pk"):
        try:
            with told_in_our_words(period.series.code), periods.impatient(alias, _PATIENCE):
                # Another sweep may have closed it meanwhile, and counted it.
                if Period.objects.using(alias).select_for_update().filter(pk=period.pk, closed_at=None).exists():
                    periods.close_period(period, by="sweep", using=alias)
                    closed += 1
        except LedgerError as error:
            held += 1
            _log.warning("The period %s stays open for now: %s", period, error)
    return {"closed": closed, "held": held}


def low_pools(alias: str, size: int) -> Iterator[Sequence[int]]:
    """Periods whose pool would be empty soon."""
    return id_batches(alias, sql.LOW_POOLS, size, ids=None)


def refill(alias: str, ids: Sequence[Any]) -> dict[str, int]:
    """Mint for those of these periods whose pool is still low, at the rate of its last batch."""
    minted, held = 0, 0
    for period, tenant, counter in _rows(alias, sql.LOW_POOLS, ids=ids):
        try:
            answer = ask_ahead(connections[alias], MINT, (tenant, period, counter, 1), lock_timeout=_PATIENCE)
            minted += answer[0][0] == "minted"
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != "55P03" or isinstance(error, SecondConnectionFailed):
                raise
            held += 1
            _log.warning("The pool of period %s is not refilled for now, a checkout holds its counter.", period)
    return {"minted": minted, "held": held}


def verify(alias: str) -> dict[str, int]:
    """Check every rule of the ledger; each offending row goes to the log, as an error."""
    findings = 0
    for finding in verification.verify(using=alias):
        findings += 1
        _log.error("%s", finding)
    return {"findings": findings}


def _rows(alias: str, statement: str, *, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    with open_cursor(alias) as cursor:
        cursor.execute(statement, {"after": 0, "size": None, "ids": list(ids)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
