"""Whether report and register of millions of numbers are half as fast as bare SQL for the same, in constant memory.

The bare SQL is what somebody would write who wants the same facts and nothing else: the sums of a period, its voids,
and its gaps with their neighbours. Each side reads from one snapshot, by server-side cursors. The report writes JSON,
the register CSV.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable

import psutil
from django.db import connections, transaction

from ledger import issue
from ledger.judging import State
from ledger.models import Period
from ledger.reports.formats import formats
from ledger.reports.report import continuity_report
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.sample import Sample

ALIAS = "default"
TENANT = "reported"
#: One value in so many is a gap, and one number in so many is void.
GAPS, VOIDS = 1000, 500

_BATCH = 250_000

_INSERT = """
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, CASE WHEN n %% %(gaps)s = 7 THEN 'gap' ELSE 'issued' END,
           ledger_number(p.prefix, p.width, p.suffix, n, NULL),
           CASE WHEN n %% %(gaps)s = 7 THEN '' ELSE 'order:' || n END, current_date, '',
           CASE WHEN n %% %(gaps)s = 7 THEN '{"cause": "not committed"}' ELSE '{}' END::jsonb
    FROM ledger_period p, generate_series(p.last_value - %(each)s + 1, p.last_value) n
    WHERE p.id = %(period)s
"""
_VOID = """
    INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)
    SELECT e.tenant, e.id, 'payment reversed', '', 'bench' FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s AND e.value > %(after)s AND e.value %% %(voids)s = 3
"""

_SUMS = """
    SELECT min(r.value), max(r.value), count(*) FILTER (WHERE r.kind <> 'gap'), count(*) FILTER (WHERE r.kind = 'gap'),
           coalesce(sum(r.following - r.value - 1), 0), count(*) FILTER (WHERE r.following = r.value),
           count(*) FILTER (WHERE r.issued_on < r.before)
    FROM (SELECT value, kind, issued_on, lead(value) OVER (ORDER BY value) AS following,
                 lag(issued_on) OVER (ORDER BY value) AS before
          FROM ledger_entry WHERE tenant = %(tenant)s AND period_id = %(period)s) r
"""
_LIST_VOIDS = """
    SELECT e.number, e.document, e.issued_on, e.issued_at, v.voided_at, v.actor, v.reason, v.replacement
    FROM ledger_numbervoided v JOIN ledger_entry e ON e.id = v.entry_id
    WHERE v.tenant = %(tenant)s AND e.period_id = %(period)s
    ORDER BY e.value
"""
_LIST_GAPS = """
    SELECT g.value, g.number, g.metadata, g.before, b.number, b.issued_on, g.after, a.number, a.issued_on
    FROM (SELECT value, number, kind, metadata, lag(value) OVER (ORDER BY value) AS before,
                 lead(value) OVER (ORDER BY value) AS after
          FROM ledger_entry WHERE tenant = %(tenant)s AND period_id = %(period)s) g
    LEFT JOIN ledger_entry b ON (b.tenant, b.period_id, b.value) = (%(tenant)s, %(period)s, g.before)
    LEFT JOIN ledger_entry a ON (a.tenant, a.period_id, a.value) = (%(tenant)s, %(period)s, g.after)
    WHERE g.kind = 'gap'
    ORDER BY g.value
"""
_LIST_NUMBERS = """
    SELECT e.value, e.number, e.kind, e.document, e.issued_on, e.issued_at, e.actor, v.voided_at, v.actor, v.reason,
           v.replacement
    FROM ledger_entry e LEFT JOIN ledger_numbervoided v ON v.tenant = e.tenant AND v.entry_id = e.id
    WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s
    ORDER BY e.value
"""


def question(effort: Effort) -> tuple[Contest, Steps]:
    """The report and the bare SQL, in turn; after that how much memory the report took, at a tenth and in full."""
    contest = duel(
        "report",
        f"the continuity report of {effort.rows:,} numbers",
        "reports per s",
        0.5,
        "bare SQL",
        lambda: _timed(_report),
        lambda: _timed(lambda: _bare(_SUMS, _LIST_VOIDS, _LIST_GAPS)),
    )

    def steps() -> Steps:
        yield from fill(effort.rows // 10)
        few = _memory()
        yield f"memory that a report of {effort.rows // 10:,} adds: {few / 2**20:.1f} MiB"
        yield from fill(effort.rows)
        yield from take_turns(contest, effort.scans)
        many = _memory()
        yield f"memory that a report of {effort.rows:,} adds: {many / 2**20:.1f} MiB"
        assert many < few + 16 * 2**20, "the report's memory grows with the ledger"

    return contest, steps()


def register(effort: Effort) -> tuple[Contest, Steps]:
    """The register and the bare SQL, in turn."""
    contest = duel(
        "register",
        f"the register of {effort.rows:,} numbers",
        "registers per s",
        0.5,
        "bare SQL",
        lambda: _timed(write_register),
        lambda: _timed(lambda: _bare(_LIST_NUMBERS)),
    )

    def steps() -> Steps:
        yield from fill(effort.rows)
        yield from take_turns(contest, effort.scans)

    return contest, steps()


def fill(rows: int) -> Steps:
    """Let the ledger have so many values."""
    if not Period.objects.filter(tenant=TENANT).exists():
        with transaction.atomic():
            issue("invoice", org=TENANT, document="the first")
    period = Period.objects.get(tenant=TENANT)
    left = max(0, rows - period.last_value)
    while left > 0:
        each = min(_BATCH, left)
        with transaction.atomic(), connections[ALIAS].cursor() as cursor:
            cursor.execute("UPDATE ledger_period SET last_value = last_value + %s WHERE id = %s", [each, period.pk])
            cursor.execute(_INSERT, {"gaps": GAPS, "each": each, "period": period.pk})
            after = Period.objects.get(pk=period.pk).last_value - each
            cursor.execute(_VOID, {"tenant": TENANT, "period": period.pk, "after": after, "voids": VOIDS})
        left -= each
        yield f"filling the reported ledger: {rows - left:,} of {rows:,}"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _timed(work: Callable[[], int]) -> Sample:
    began = time.perf_counter()
    rows = work()
    spent = time.perf_counter() - began
    assert rows > 0
    return Sample(1 / spent, [spent])


class _Nowhere(io.RawIOBase):
    """Takes what is written, and counts it."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        assert isinstance(data, bytes)
        self.size += len(data)
        return len(data)


def _report() -> int:
    out = _Nowhere()
    with continuity_report(tenant=TENANT, using=ALIAS) as report:
        # A thousandth of the values is missing, and nobody has explained them: people's work, and nothing is lost.
        assert report.verdict.state is State.UNEXPLAINED, report.problems
        formats()["json"].write(report, out, print)  # type: ignore[arg-type]
    return out.size


def write_register() -> int:
    """Bytes of the register as CSV."""
    out = _Nowhere()
    with continuity_report(tenant=TENANT, using=ALIAS) as report:
        formats()["csv"].write(report.only("register"), out, print)  # type: ignore[arg-type]
    return out.size


def _bare(*statements: str) -> int:
    found = 0
    wanted: dict[str, str | int] = {"tenant": TENANT, "period": Period.objects.get(tenant=TENANT).pk}
    with transaction.atomic(using=ALIAS):
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for statement in statements:
            with connections[ALIAS].chunked_cursor() as cursor:
                cursor.execute(statement, wanted)
                while chunk := cursor.fetchmany(2000):
                    found += len(chunk)
    return found


def _memory() -> int:
    """By how many bytes a report raises the most that this process ever had, in a process of its own."""
    reading, writing = os.pipe()
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            before = psutil.Process().memory_info().rss
            _report()
            after = max(psutil.Process().memory_info().rss, _peak())
            os.write(writing, str(after - before).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        grown = told.read()
    os.waitpid(child, 0)
    return int(grown)


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
