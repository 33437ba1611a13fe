"""What a sweep costs that finds nothing to do, over 10,000 tenants with three series each."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

from django.db import connections

from ledger.models import Series
from ledger.sweeps import registered, run
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.sample import Sample

ALIAS = "sweeps"

#: A sweep that takes longer than so many seconds is too slow; ``verify``, which checks everything, may take its time.
AT_MOST = 5.0
_NO_TARGET = ("verify",)

# Three series a tenant, of three allocations, each with ten numbers in the period of this month; some of them without
# the next period, which is left to the sweep.
_SERIES = """
    INSERT INTO ledger_series (tenant, code, template, calendar, fiscal_start, time_zone, allocation, start_value,
                               max_length, chronological, is_active, close_after_days)
    SELECT 'tenant-' || t, a, a || '-{year}-{month}-{counter}', 'month', '01-01',
           CASE WHEN t %% 2 = 0 THEN 'UTC' ELSE 'Asia/Kolkata' END, a, 1, 60, false, true, 40
    FROM generate_series(1, %s) t, unnest(ARRAY['serial', 'pooled', 'reserved']) a
"""
_PERIODS = """
    INSERT INTO ledger_period (tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, last_value,
                               max_value)
    SELECT s.tenant, s.id, m, m + interval '1 month - 1 day', s.code || to_char(m, '-YYYY-MM-'), 1, '', 1, 0,
           10^18::bigint
    FROM ledger_series s, generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month') m
    WHERE m <= now() OR s.id > 900
"""
_COUNT = "UPDATE ledger_period SET last_value = 10 WHERE starts_on <= now()"
_ENTRIES = """
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, 'issued', ledger_number(p.prefix, p.width, p.suffix, n, NULL), 'order:' || n,
           p.starts_on, '', '{}'
    FROM ledger_period p, generate_series(1, 10) n
    WHERE p.last_value = 10
"""
_YARDSTICK = """
    SELECT count(*) FROM ledger_series s JOIN ledger_period p ON p.tenant = s.tenant AND p.series_id = s.id
    WHERE (clock_timestamp() AT TIME ZONE s.time_zone)::date BETWEEN p.starts_on AND p.ends_on
"""


def question(effort: Effort) -> tuple[Contest, Steps]:
    """Every sweep in turn; the yardstick is a run of five seconds. Beside it stands one plain look at every series."""
    sides = [
        Side(sweep.name, partial(_sweep, sweep.name), None if sweep.name in _NO_TARGET else 1.0)
        for sweep in registered()
    ]
    sides.append(Side("one look at every series", _look))
    title = f"sweeps with nothing to do, {effort.sweep_tenants:,} tenants × 3 series"
    contest = Contest("sweeps", title, "runs per s", sides, 1 / AT_MOST)

    def steps() -> Steps:
        yield from fill(effort.sweep_tenants)
        yield from take_turns(contest, effort.scans)
        yield from _memory()

    return contest, steps()


def fill(tenants: int) -> Steps:
    """Make the series, and let each sweep do what there is to do."""
    if Series.objects.using(ALIAS).exists():
        return
    with connections[ALIAS].cursor() as cursor:
        for statement, arguments in ((_SERIES, [tenants]), (_PERIODS, None), (_COUNT, None), (_ENTRIES, None)):
            cursor.execute(statement, arguments)
            yield f"{cursor.rowcount:,} rows"
        cursor.execute("VACUUM ANALYZE")
        # Thousands of small transactions, of which nothing is measured.
        cursor.execute(f"ALTER DATABASE folio_benchmarks_{ALIAS} SET synchronous_commit = off")
    connections[ALIAS].close()
    for sweep in registered():
        if sweep.name not in _NO_TARGET:
            began = time.perf_counter()
            counts = run(sweep.name, using=ALIAS).counts
            yield f"{sweep.name} with much to do: {counts} in {time.perf_counter() - began:.1f} s"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(f"ALTER DATABASE folio_benchmarks_{ALIAS} RESET synchronous_commit")
    connections[ALIAS].close()


def _sweep(name: str) -> Sample:
    return _timed(lambda: run(name, using=ALIAS))


def _look() -> Sample:
    def look() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_YARDSTICK)

    return _timed(look)


def _timed(work: Callable[[], object]) -> Sample:
    began = time.perf_counter()
    work()
    spent = time.perf_counter() - began
    return Sample(1 / spent, [spent])


def _memory() -> Steps:
    for sweep in registered():
        tracemalloc.start()
        run(sweep.name, using=ALIAS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        yield f"{sweep.name}: at most {peak / 1_000_000:.1f} MB of Python objects"
