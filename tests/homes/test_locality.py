"""A request for one tenant reads no rows of others, however many there are.

The plans of all statements show it, also inside functions and triggers: each scan of a table of the ledger is bound by
the tenant, or by the key of a row that was found that way. So does the number of rows that were read, by the server's
own statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import Client

from ledger import close_period, define_series, issue, issue_many, open_period, preview, void
from ledger.gaps import sweep
from ledger.judging import judge
from ledger.models import Entry, Period
from ledger.reports.report import continuity_report
from tests.homes.plans import printed, scans

HOME = "first:north"
#: The number of other tenants, and of rows of a table that one action may read.
OTHERS, FEW = 3000, 300

FILL = """
    WITH s AS (
        INSERT INTO ledger_series (tenant, code, template, calendar, fiscal_start, time_zone, allocation, give_back,
                                   start_value, max_length, chronological, early_release, rules, is_active)
        SELECT 't' || n, 'bill', 'B-{counter}', 'never', '01-01', 'UTC', %(allocation)s, true, 1, 60,
               false, false, '', true
        FROM generate_series(1, %(others)s) n RETURNING id, tenant
    ), p AS (
        INSERT INTO ledger_period (tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value,
                                   last_value, max_value)
        SELECT tenant, id, '0001-01-01', '9999-12-31', 'B-', 1, '', 1, 3, 999999 FROM s RETURNING id, tenant, series_id
    )
    SELECT count(*) FROM p
"""
ENTRIES = """
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, v, 'issued', 'B-' || v, 'order:' || v, '2026-01-01', '', '{}'
    FROM ledger_period p, generate_series(1, 2) v;
    INSERT INTO ledger_slot (tenant, period_id, value) SELECT p.tenant, p.id, 3 FROM ledger_period p;
    ANALYZE
"""

#: What binds a scan: the tenant, or the key of a row that is known to be its own.
KEYS = {"tenant", "id", "alarm_id", "replaces_id", "transaction_id"}
#: The login's own tenants; the first 201 tenants that a page offers; and the last alarm and its end, a row of each,
#: which show whether a cached verdict is old.
OF_ALL = {
    "ledger_tenantbinding by login",
    *("ledger_series by nothing", "ledger_alarmraised by nothing", "ledger_alarmresolved by nothing"),
}
COLUMNS = """
    SELECT a.attrelid::bigint, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'ledger\\_%' AND a.attnum > 0
      AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant') GROUP BY 1, 2
"""
# Alarms of all tenants, so that it shows if anybody reads all of them.
ALARMS = """
    INSERT INTO ledger_alarmraised (tenant, series, kind, number, table_name, problem, remedy, subject, occurrence,
                                    ordinal)
    SELECT p.tenant, '', 'counter', '', '', '', '', lpad(p.id::text, 64, '0'), 1, 0 FROM ledger_period p;
    INSERT INTO ledger_alarmresolved (tenant, alarm_id) SELECT a.tenant, a.id FROM ledger_alarmraised a;
    ANALYZE;
    -- Else autovacuum does it some time, and it counts as rows that were read.
    SELECT brin_summarize_new_values('ledger_entry_written')
"""

READ = """
    SELECT s.relname, s.seq_tup_read + coalesce((SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i
                                                 WHERE i.relid = s.relid), 0)::bigint
    FROM pg_stat_user_tables s WHERE s.schemaname = current_schema() AND s.relname LIKE 'ledger\\_%'
"""


@pytest.fixture(params=["serial", "at_commit", "pooled", "reserved"])
def allocation(four: Any, request: pytest.FixtureRequest) -> str:
    """One tenant and many others, all with series of that allocation."""
    with connections[HOME].cursor() as cursor:
        cursor.execute(FILL, {"allocation": request.param, "others": OTHERS})
        cursor.execute(ENTRIES)
        cursor.execute(ALARMS)
    define_series("bill", org="ada", template="B-{counter}", calendar="never", allocation=request.param)
    open_period("bill", org="ada")
    return str(request.param)


def read(do: Callable[[], object]) -> dict[str, int]:
    """How many rows of each table and entries of its indexes the action read, if more than a few."""

    def counted() -> dict[str, int]:
        with connections[HOME].cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(READ)
            return dict(cursor.fetchall())

    before = counted()
    do()
    return {table: rows for table, found in counted().items() if (rows := found - before[table]) > FEW}


def astray(do: Callable[[], object]) -> dict[str, Any]:
    """The result of ``read``, and the scans that are bound by neither the tenant nor a key, with their columns."""
    with connections[HOME].cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(COLUMNS)
        tables = {table: (name, tuple(columns)) for table, name, columns in cursor.fetchall()}
    with printed(HOME) as plans:
        found: dict[str, Any] = dict(read(do))
    seen = {(*tables[scan.table], scan.columns) for plan in plans for scan in scans(plan) if scan.table in tables}
    assert seen, "nothing was scanned"
    for name, columns, bound in seen:
        by = {columns[column - 1] for column in bound if column > 0}
        if not by & KEYS and (unbound := f"{name} by {', '.join(sorted(by)) or 'nothing'}") not in OF_ALL:
            found.setdefault("unbound", []).append(unbound)
    return found


def checkout(do: Callable[[], object]) -> None:
    """In a transaction like a TestCase's, in which nothing is committed ahead on another connection."""
    block = transaction.atomic(using=HOME)
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        do()


def report() -> None:
    with continuity_report(tenant="ada") as made:
        for part in made.parts:
            list(part.rows())


def test_one_tenants_acts_read_its_rows_alone(allocation: str) -> None:
    acts: dict[str, Callable[[], object]] = {
        "issue": lambda: checkout(lambda: issue("bill", org="ada", document="order:1")),
        "again": lambda: checkout(lambda: issue("bill", org="ada", document="order:1")),
        "block": lambda: checkout(lambda: issue_many("bill", org="ada", documents=["order:2", "order:3"])),
        "preview": lambda: preview("bill", org="ada"),
        "void": lambda: void("B-1", org="ada", reason="returned"),
        "replace": lambda: checkout(lambda: issue("bill", org="ada", document="order:1", replaces="B-1")),
        "sweep": lambda: sweep(org="ada", using=HOME),
        "report": report,
        "judge": lambda: judge(org="ada", sweeps=[]),
        "close": lambda: close_period(Period.objects.using(HOME).get(tenant="ada"), early=True),
    }
    assert {name: found for name, act in acts.items() if (found := astray(act))} == {}


def test_so_do_its_pages(four: Any, root: User, client: Client) -> None:
    with connections[HOME].cursor() as cursor:
        cursor.execute(FILL, {"allocation": "serial", "others": OTHERS})
        cursor.execute(ENTRIES)
        cursor.execute(ALARMS)
    define_series("bill", org="ada", template="B-{counter}", calendar="never")
    with transaction.atomic(using=HOME):
        issue("bill", org="ada", document="order:1")
    client.force_login(root)
    period = Period.objects.using(HOME).get(tenant="ada")
    paths = [f"/ledger/period/{period.pk}/", f"/ledger/series/{period.series_id}/", f"/ledger/period/{period.pk}/1/"]
    acts: dict[str, Callable[[], object]] = {
        path: lambda path=path: client.get(path)  # type: ignore[misc]
        for path in ["/ledger/gaps/?tenant=ada", *paths]
    }
    assert {name: found for name, act in acts.items() if (found := astray(act))} == {}


def test_a_look_at_all_tenants_is_seen(allocation: str) -> None:
    assert read(lambda: list(Entry.objects.using(HOME).filter(number="B-1"))) == {"ledger_entry": 2 * OTHERS}
