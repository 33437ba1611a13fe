"""The work of each sweep: a call of the part of Folio that does it. Each takes a database alias and returns counts.

A sweep that may have much to do is two functions: one finds the ids, batch by batch, and one does the work for some
ids. The second checks again what there is to do, since it may run late, twice, or at the same time as another.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import OperationalError, connections

from ledger import gaps, missing_documents, periods, verification
from ledger.allocation.second_connection import ask_ahead
from ledger.cursors import fetch, fetch_value, id_batches
from ledger.database_errors import translate_database_errors
from ledger.databases import impatient
from ledger.errors import InvalidArgument, LedgerError, SecondConnectionFailed
from ledger.failures import Failures
from ledger.models import Period, Series
from ledger.ranges import levels
from ledger.reports import rules
from ledger.seals.sealing import seal_all
from ledger.signals import ask_for_seal
from ledger.sql import CLOSE_DUE, MINT
from ledger.sweeps import sql
from ledger.zones import today_in, todays_json

_log = logging.getLogger(__name__)

#: How long a sweep waits for checkouts that hold values of a period, before it leaves that to the next run.
_PATIENCE = "2s"


class Done(dict[str, int]):
    """The counts, with the number of failures of single series, if any; the run's error names these."""

    def __init__(self, counts: Mapping[str, int], failures: Failures) -> None:
        super().__init__({**counts, **({"failed": len(failures)} if failures else {})})
        self.failures = failures


def open_periods(alias: str, ids: Sequence[Any]) -> Done:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    opened, failures = 0, Failures()
    for series in Series.objects.using(alias).filter(pk__in=list(ids)).order_by("pk"):
        with failures.noted(str(series), alias, _log):
            done = periods.open_next_periods(series=[series.pk], using=alias)
            opened += done["opened"]
            for failure in done["failed"]:
                _log.error("Series %s: %s", failure["series"], failure["error"])
                failures.told.append(f"{failure['series']}: {failure['error']}")
    return Done({"opened": opened, "failed": 0}, failures)


def flag_slots(alias: str) -> Done:
    """Report free slots below the highest number, flag those that are not given back, and look for lost values."""
    swept = gaps.sweep_slots(using=alias)
    if swept.lost:
        _log.error("%s values are lost or were tampered with: see manage.py ledger_verify", swept.lost)
    return Done(swept.as_dict(), swept.failures)


def flag_reservations(alias: str, ids: Sequence[Any]) -> Done:
    """Flag the reservations that no checkout will take."""
    swept = gaps.sweep_reservations(ids, using=alias)
    counts = {"flagged": swept.flagged, "in_flight": swept.in_flight, "settled": swept.settled}
    return Done(counts, swept.failures)


def heal(alias: str) -> dict[str, int]:
    """Note which of the reported holes a checkout has filled."""
    return {"healed": fetch_value(alias, sql.HEAL)}


def periods_to_close(alias: str, size: int) -> Iterator[Sequence[int]]:
    """Periods that ended so many days ago as their series says."""
    return id_batches(alias, sql.PERIODS_TO_CLOSE, size, ids=None, todays=todays_json(alias))


def close_periods(alias: str, ids: Sequence[Any]) -> Done:
    """Close these periods, unless a checkout holds a value of them."""
    closed, held, failures = 0, 0, Failures()
    due = dict(_rows(alias, sql.PERIODS_TO_CLOSE, ids=ids))
    for period in Period.objects.using(alias).select_related("series").filter(pk__in=list(due)).order_by("pk"):
        with failures.noted(str(period), alias, _log):
            if not due[period.pk]:
                today_in(period.series.time_zone, alias)  # raises the error that explains it
            try:
                with translate_database_errors(period.series.code), impatient(alias, _PATIENCE):
                    outcome = fetch_value(alias, CLOSE_DUE, [period.tenant, period.pk, "sweep"])
                closed += outcome == "closed"  # else another sweep did, and counted it
            except InvalidArgument:
                raise  # a setting that can't be read: waiting changes nothing
            except LedgerError as error:
                held += 1
                _log.warning("The period %s stays open for now: %s", period, error)
    if closed:
        ask_for_seal(alias)
    return Done({"closed": closed, "held": held}, failures)


def low_pools(alias: str, size: int) -> Iterator[Sequence[int]]:
    """Periods whose pool would be empty soon."""
    return id_batches(alias, sql.LOW_POOLS, size, ids=None, todays=todays_json(alias))


def refill(alias: str, ids: Sequence[Any]) -> Done:
    """Mint for those of these periods whose pool is still low, at the rate of its last batch."""
    minted, held, failures = 0, 0, Failures()
    low = _rows(alias, sql.LOW_POOLS, ids=ids)
    named = Period.objects.using(alias).select_related("series").in_bulk([pk for pk, *_ in low])
    for period, tenant, counter, zone_is_known in low:
        with failures.noted(str(named.get(period, period)), alias, _log):
            if not zone_is_known:
                today_in(named[period].series.time_zone, alias)  # raises the error that explains it
            try:
                [(answer,)] = ask_ahead(connections[alias], MINT, (tenant, period, counter, 1), lock_timeout=_PATIENCE)
                minted += answer == "minted"
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != "55P03" or isinstance(error, SecondConnectionFailed):
                    raise
                held += 1
                _log.warning("The pool of period %s is not refilled for now, a checkout holds its counter.", period)
    return Done({"minted": minted, "held": held}, failures)


def look_for_documents(alias: str, ids: Sequence[Any]) -> Done:
    """Raise a finding for each of these numbers whose document is gone, and resolve those whose is there again."""
    return Done(*missing_documents.look(alias, ids))


def seal(alias: str) -> Done:
    """Seal what is new, for every tenant."""
    failures = Failures()
    return Done(seal_all(failures, using=alias), failures)


def verify(alias: str) -> dict[str, int]:
    """Check every row of the ledger by its rules and those of countries. Findings are kept as alarms, and logged.

    This is the full check: whatever looks at less relies on this sweep's last success for the rest. Notes go to the log
    as warnings, and so do authorised ranges of which little is left.
    """
    alarms = 0
    refused: list[str] = []
    looked = verification.watch(using=alias, note=lambda note: _log.warning("%s", note), refused=refused.append)
    for alarm in chain(looked, rules.watch(using=alias, refused=refused.append)):
        alarms += not alarm.reason
        _log.log(logging.INFO if alarm.reason else logging.ERROR, "%s", alarm)
    for told in refused:
        _log.error("%s", told)
    low = [level for level in levels(alias, lambda series: today_in(series.time_zone, alias)) if level.problems]
    for level in low:
        _log.warning("Little is left of authorised ranges: %s", level)
    found = {"not_kept": bool(refused), "low_ranges": len(low)}
    return {"alarms": alarms, **{name: int(count) for name, count in found.items() if count}}


def _rows(alias: str, statement: str, *, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    return fetch(alias, statement, {"after": 0, "size": None, "ids": list(ids), "todays": todays_json(alias)})
