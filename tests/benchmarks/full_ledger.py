"""The ledger of millions of entries, and the empty one beside it: two databases of one server, the same tenants."""

from __future__ import annotations

import threading

from django.db import connections, transaction

from ledger import issue
from tests.benchmarks.contest import Steps

EMPTY, FULL = "empty", "full"
TENANTS = 500
_CONNECTIONS = 2
_filled = 0

_RAISE = "UPDATE ledger_period SET last_value = last_value + %s WHERE tenant = %s"
# By statement and not by issue_many, which would take twice as long; every trigger and index is at work. Documents are
# keys without any order, like UUIDs.
_INSERT = """
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, 'issued', ledger_number(p.prefix, p.width, p.suffix, n, NULL),
           gen_random_uuid()::text, current_date, '', '{}'
    FROM ledger_period p, generate_series(p.last_value - %s + 1, p.last_value) n
    WHERE p.tenant = %s
"""


def tenant(at: int) -> str:
    """The name of a tenant."""
    return f"tenant-{at}"


def fill(rows: int) -> Steps:
    """Make both ledgers, once for all benchmarks that need them; the full one gets so many entries."""
    global _filled
    if _filled:
        assert rows == _filled
        return
    for alias in (EMPTY, FULL):
        for at in range(TENANTS):
            with transaction.atomic(using=alias):
                issue("invoice", org=tenant(at), document="the first", using=alias)
        yield f"{TENANTS} tenants in the {alias} ledger"
    failures: list[BaseException] = []
    crew = [threading.Thread(target=_fill, args=(at, rows // TENANTS, failures)) for at in range(_CONNECTIONS)]
    for thread in crew:
        thread.start()
    for thread in crew:
        while thread.is_alive():
            thread.join(5)
            yield f"filling the ledger with {rows:,} entries"
    if failures:
        raise failures[0]
    for alias in (EMPTY, FULL):
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
    _filled = rows


def _fill(first: int, each: int, failures: list[BaseException]) -> None:
    try:
        for at in range(first, TENANTS, _CONNECTIONS):
            with transaction.atomic(using=FULL), connections[FULL].cursor() as cursor:
                cursor.execute(_RAISE, [each, tenant(at)])
                cursor.execute(_INSERT, [each, tenant(at)])
    except BaseException as failure:
        failures.append(failure)
        raise
    finally:
        connections[FULL].close()
