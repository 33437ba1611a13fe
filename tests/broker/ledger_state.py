"""What the tests write into the ledger, and what they read from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from ledger import define_series, issue_many
from ledger.models import GapFlagged, Series, SweepRun
from tests.broker.apps import LOCK
from tests.broker.waiting import until
from tests.provision import database_url


class CardRefused(Exception):
    """Why a checkout rolls back."""


def reserved_series() -> Series:
    return define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC", allocation="reserved")


def burn(count: int) -> None:
    """Reserve that many numbers long ago, and never use them: work for flag_gaps."""
    if not Series.objects.exists():
        reserved_series()
    try:
        with transaction.atomic():
            list(issue_many("invoice", documents=[f"refused:{at}:{_next()}" for at in range(count)]))
            raise CardRefused
    except CardRefused:
        pass
    with transaction.atomic(), connection.cursor() as cursor:
        # Only the age is made up: nobody waits ten seconds for it.
        cursor.execute("ALTER TABLE ledger_reservation DISABLE TRIGGER ledger_reservation_stays")
        cursor.execute(
            "UPDATE ledger_reservation SET reserved_at = reserved_at - interval '1 hour'"
            # A sweep may be at work on older ones, and each would wait for the other.
            " WHERE reserved_at > now() - interval '30 minutes'"
        )
        cursor.execute("ALTER TABLE ledger_reservation ENABLE ALWAYS TRIGGER ledger_reservation_stays")


_burnt = 0


def _next() -> int:
    global _burnt
    _burnt += 1
    return _burnt


def flagged() -> list[int]:
    """The values that have become gaps."""
    return sorted(GapFlagged.objects.values_list("value", flat=True))


def runs(sweep: str) -> list[SweepRun]:
    """The runs of a sweep, first to last."""
    return list(SweepRun.objects.filter(sweep=sweep).order_by("pk"))


def succeeded(sweep: str) -> list[SweepRun]:
    """The runs that ended well."""
    return [run for run in runs(sweep) if run.finished_at is not None and not run.error]


def wait_until_ended(sweep: str, count: int) -> None:
    """Until that many runs ended. Of two at once, one may leave out a series that the other holds for long."""
    until(
        lambda: len([run for run in runs(sweep) if run.finished_at is not None]) >= count,
        lambda: f"{sweep}: {[(run.finished_at, run.error, run.counts) for run in runs(sweep)]}",
    )


def counted(sweep: str, what: str) -> int:
    """What all runs of a sweep counted together."""
    return sum(run.counts.get(what, 0) for run in runs(sweep))


def wait_for_runs(sweep: str, count: int) -> None:
    until(
        lambda: len(succeeded(sweep)) >= count,
        lambda: f"{sweep}: {[(run.finished_at, run.error, run.counts) for run in runs(sweep)]}",
    )


@contextmanager
def held() -> Iterator[None]:
    """Everything that waits for the test keeps waiting inside the block."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(make_conninfo(database_url(), dbname=name), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


def waiting() -> int:
    """How many connections wait for the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        count: int = cursor.fetchone()[0]
    return count
