"""What seals cost: a checkout nothing; and how fast rows are sealed, against reading and hashing them bare."""

from __future__ import annotations

import hashlib
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from django.db import connections, transaction

from ledger import issue
from ledger.failures import Failures
from ledger.seals.sealing import seal_all
from ledger.verification.seals import verify_seals
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure
from tests.benchmarks.measuring.sample import Sample
from tests.benchmarks.questions.one_number import with_ledger

ALIAS = "seals"
_BARE = "SELECT e::text FROM ledger_entry e"
_LINES = "SELECT l.line FROM ledger_lines_v1() l WHERE l.source = 'ledger_entry'"
_RAISE = "UPDATE ledger_period SET last_value = last_value + %s"
_INSERT = """
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, 'issued', ledger_number(p.prefix, p.width, p.suffix, n, NULL),
           gen_random_uuid()::text, p.starts_on, 'auth.user:7', '{"channel": "shop"}'
    FROM ledger_period p, generate_series(p.last_value - %s + 1, p.last_value) n
"""


def checkout(effort: Effort) -> tuple[Contest, Steps]:
    """One number, while a worker seals every second, and while none does."""
    without = Side("nobody seals", lambda: _issued(effort, sealing=False))
    sides = [without, Side("a worker seals every second", lambda: _issued(effort, sealing=True), 0.97)]
    contest = Contest("seals-checkout", "one number while seals are made, 1 thread", "per s", sides, without)
    return contest, take_turns(contest, effort.rounds)


def _issued(effort: Effort, *, sealing: bool) -> Sample:
    with _sealing() if sealing else nullcontext():
        return measure(with_ledger, seconds=max(effort.seconds, 1.0))


@contextmanager
def _sealing() -> Iterator[None]:
    over = threading.Event()

    def work() -> None:
        try:
            while not over.wait(1.0):
                seal_all(Failures(), using="default")
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def speed(effort: Effort) -> tuple[Contest, Steps]:
    """Rows a second: read and hashed bare; sealed for the first time; some more; all of them verified."""
    bare = Side("rows read as text and hashed", lambda: _bare(_BARE))
    sides = [
        bare,
        Side("their lines read and hashed", lambda: _bare(_LINES)),
        Side(f"{effort.sealed:,} sealed for the first time", _first, 1 / 3),
        Side(f"the next {effort.sealed_next:,} sealed", lambda: _next(effort.sealed_next), 1 / 6),
        Side("all verified", _verified),
    ]
    contest = Contest("seals-speed", f"seals of {effort.sealed:,} entries of one tenant", "rows per s", sides, bare)

    def steps() -> Steps:
        with transaction.atomic(using=ALIAS):
            issue("invoice", using=ALIAS)
        _add(effort.sealed)
        yield f"{effort.sealed:,} entries"
        yield from take_turns(contest, effort.scans)
        tracemalloc.start()
        list(verify_seals(ALIAS))
        yield f"verify: at most {tracemalloc.get_traced_memory()[1] / 1_000_000:.1f} MB of Python objects"
        tracemalloc.stop()

    return contest, steps()


def _add(rows: int) -> None:
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute(_RAISE, [rows])
        cursor.execute(_INSERT, [rows])
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE ledger_entry")


def _timed(work: Callable[[], int]) -> Sample:
    began = time.perf_counter()
    rows = work()
    spent = time.perf_counter() - began
    return Sample(rows / spent, [spent])


def _bare(statement: str) -> Sample:
    def read() -> int:
        rows = 0
        with transaction.atomic(using=ALIAS), connections[ALIAS].chunked_cursor() as cursor:
            cursor.execute(statement)
            while chunk := cursor.fetchmany(2000):
                for (text,) in chunk:
                    hashlib.sha256(text.encode()).digest()
                rows += len(chunk)
        return rows

    return _timed(read)


def _first() -> Sample:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_seal DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_seal")
    return _timed(lambda: seal_all(Failures(), using=ALIAS)["rows"])


def _next(rows: int) -> Sample:
    seal_all(Failures(), using=ALIAS, database=True)  # as each night: from there the next news are looked for
    _add(rows)
    return _timed(lambda: seal_all(Failures(), using=ALIAS)["rows"])


def _verified() -> Sample:
    def verify() -> int:
        assert list(verify_seals(ALIAS)) == []
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ledger_entry")
            return int(cursor.fetchone()[0])

    return _timed(verify)
