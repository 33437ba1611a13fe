"""What each sweep does: a call of the part of Folio that knows how. Each takes a database alias and returns counts."""

from __future__ import annotations

import logging

from django.db import connections, transaction

from ledger import gaps, periods, verification
from ledger.allocation.ahead import ask_ahead
from ledger.errors import LedgerError
from ledger.models import Period
from ledger.sql import MINT
from ledger.sweeps import sql

_log = logging.getLogger(__name__)

#: How long closing a period waits for the checkouts that hold values of it, before it leaves them to the next run.
_PATIENCE = "2s"

_BATCH = 500


def open_next_periods(alias: str) -> dict[str, int]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    done = periods.open_next_periods(using=alias)
    for failure in done["failed"]:
        _log.error("Series %s: %s", failure["series"], failure["error"])
    return {"opened": done["opened"], "failed": len(done["failed"])}


def flag_gaps(alias: str) -> dict[str, int]:
    """Flag every value that no checkout will take, and report free slots below the highest number."""
    swept = gaps.sweep(using=alias)
    if swept.lost:
        _log.error("%s values are lost or were tampered with: see manage.py ledger_gaps", swept.lost)
    return swept.as_dict()


def heal(alias: str) -> dict[str, int]:
    """Note of reported holes that a checkout has filled them."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql.HEAL)
        return {"healed": cursor.rowcount}


def close_periods(alias: str) -> dict[str, int]:
    """Close periods that ended so many days ago as their series says, unless a checkout holds a value of them."""
    closed, held, last = 0, 0, 0
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute(sql.PERIODS_TO_CLOSE, [last, _BATCH])
            ids = [row[0] for row in cursor.fetchall()]
        for period in Period.objects.using(alias).select_related("series").filter(pk__in=ids).order_by("pk"):
            try:
                with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
                    periods.close_period(period, by="sweep", using=alias)
                closed += 1
            except LedgerError as error:
                held += 1
                _log.warning("The period %s stays open for now: %s", period, error)
        if len(ids) < _BATCH:
            return {"closed": closed, "held": held}
        last = ids[-1]


def refill_pools(alias: str) -> dict[str, int]:
    """Mint for every pool that would be empty soon, at the rate of its last batch."""
    minted, last = 0, 0
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute(sql.LOW_POOLS, [last, _BATCH])
            rows = cursor.fetchall()
        for tenant, period, counter in rows:
            minted += ask_ahead(connections[alias], MINT, (tenant, period, counter, 1))[0][0] == "minted"
        if len(rows) < _BATCH:
            return {"minted": minted}
        last = rows[-1][1]


def verify(alias: str) -> dict[str, int]:
    """Check every rule of the ledger; each offending row goes to the log, as an error."""
    findings = 0
    for finding in verification.verify(using=alias):
        findings += 1
        _log.error("%s", finding)
    return {"findings": findings}
