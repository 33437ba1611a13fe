"""What comparing a million numbers costs, against the least that any comparison in SQL must do; and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from ledger import issue
from ledger.models import Period
from ledger.reconciliation import BookSettings, compare
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.sample import Sample

#: What a process may take, in MB.
_ALLOWED = 150

_TENANT, _SYSTEM = "reconciled", "books"
_BOOKS = BookSettings(_SYSTEM, tenant=_TENANT, grace=timedelta(0))
_POLICY = ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7))
#: Missing on either side.
_DISCREPANCIES = 100

_RAISE = "UPDATE ledger_period SET last_value = last_value + %s WHERE id = %s"
_INSERT = """
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, 'issued', ledger_number(p.prefix, p.width, p.suffix, n, NULL),
           'order:' || n, current_date, '', '{}'
    FROM ledger_period p, generate_series(p.last_value - %s + 1, p.last_value) n
    WHERE p.id = %s
"""
_MIRROR = """
    INSERT INTO ledger_remotedocument (tenant, system, remote_id, number, state, issued_on, reference, seen_in)
    SELECT e.tenant, %s, 'id-' || e.value, CASE WHEN e.value <= %s THEN 'X-' || e.value ELSE e.number END, 'posted',
           e.issued_on, CASE WHEN e.value <= %s THEN '' ELSE e.document END, 1
    FROM ledger_entry e
    WHERE e.tenant = %s AND e.value > %s
"""
_NOTE = """
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT e.tenant, %s, upper(e.number) FROM ledger_entry e WHERE e.tenant = %s AND e.value > %s
"""
_ANTI_JOINS = """
    SELECT (SELECT count(*) FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND NOT EXISTS (
                SELECT FROM ledger_remotedocument d
                WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = upper(e.number))),
           (SELECT count(*) FROM ledger_remotedocument d
            WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND NOT EXISTS (
                SELECT FROM ledger_entry e
                WHERE e.tenant = %(tenant)s AND upper(e.number) = upper(d.number)))
"""


def speed(effort: Effort) -> tuple[Contest, Steps]:
    """Two anti-joins, a full comparison, and one of what is new, in turn."""
    bare = Side("two bare anti-joins", _bare)
    full = Side("Folio, in full", lambda: _compare(full=True), 0.5)
    new = Side(f"Folio, {effort.changed:,} changed", lambda: _compare_new(effort), 5)
    contest = Contest("reconcile", f"a comparison of {effort.reconciled:,} numbers", "per s", [bare, full, new], bare)

    def steps() -> Steps:
        yield from _fill(effort.reconciled)
        yield from _mirror()
        yield from take_turns(contest, effort.comparisons)

    return contest, steps()


def memory(effort: Effort) -> tuple[Contest, Steps]:
    """One process that reads, mirrors and compares everything."""
    reading = Side("reading and comparing everything", lambda: _read(effort.reconciled), 1)
    contest = Contest(
        "reconcile-memory",
        f"the memory of reconciling {effort.reconciled:,} documents",
        "documents per MB",
        [reading],
        effort.reconciled / _ALLOWED,
    )

    def steps() -> Steps:
        yield from _fill(effort.reconciled)
        yield f"reading {effort.reconciled:,} documents"
        yield from take_turns(contest, 1)

    return contest, steps()


def _period() -> Period:
    return Period.objects.get(tenant=_TENANT)


def _fill(rows: int) -> Steps:
    """Give out so many numbers, once for both questions."""
    if Period.objects.filter(tenant=_TENANT).exists():
        return
    with transaction.atomic():
        issue("invoice", org=_TENANT, document="order:1")
    yield f"issuing {rows:,} numbers"
    _add(rows - 1)
    _settle()


def _mirror() -> Steps:
    """Tell the mirror of them, by statement."""
    yield "filling the mirror"
    reading = begin(_BOOKS, _POLICY, full=True)
    with connection.cursor() as cursor:
        cursor.execute(_MIRROR, [_SYSTEM, _DISCREPANCIES, _DISCREPANCIES, _TENANT, 0])
    save_page(_BOOKS, reading, [], next_cursor=None)
    _settle()
    yield "the first comparison"
    done = compare(_BOOKS)
    assert done.raised == {"missing": _DISCREPANCIES, "unknown": _DISCREPANCIES}, done


def _add(rows: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RAISE, [rows, _period().pk])
        cursor.execute(_INSERT, [rows, _period().pk])


def _settle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _bare() -> Sample:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_ANTI_JOINS, {"tenant": _TENANT, "system": _SYSTEM})
        assert cursor.fetchone() == (_DISCREPANCIES, _DISCREPANCIES)
    spent = time.perf_counter() - began
    return Sample(1 / spent, [spent])


def _compare(*, full: bool) -> Sample:
    began = time.perf_counter()
    done = compare(_BOOKS, full=full)
    spent = time.perf_counter() - began
    assert (done.full, done.raised, done.resolved) == (full, {}, {}), done
    return Sample(1 / spent, [spent])


def _compare_new(effort: Effort) -> Sample:
    """So many more numbers here and there, as a page of changes brings them."""
    last = _period().last_value
    _add(effort.changed)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MIRROR, [_SYSTEM, 0, 0, _TENANT, last])
        cursor.execute(_NOTE, [_SYSTEM, _TENANT, last])
    save_page(_BOOKS, begin(_BOOKS, _POLICY), [], next_cursor=None)
    return _compare(full=False)


def _read(rows: int) -> Sample:
    books: dict[str, Any] = {
        "adapter": "tests.benchmarks.generated:Generated",
        "tenant": _TENANT,
        "grace": 0,
        "options": {"prefix": _period().prefix, "count": rows, "day": f"{_period().starts_on}"},
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.generated"],
        env={**os.environ, "FOLIO_BENCHMARKS_BOOKS": json.dumps(books)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    # What was given out after them, for the other question, is not there.
    assert told["documents"] == rows
    assert told["raised"] == _period().last_value - rows, told
    return Sample(rows / told["peak"])
