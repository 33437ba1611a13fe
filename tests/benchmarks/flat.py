"""Whether one issue costs the same in a ledger of millions of entries as in an empty one.

Two databases of the same server, measured in turn. Both have the same tenants, and each call takes one of them at
random, so that all four unique indexes are met in places that no earlier call has warmed.
"""

from __future__ import annotations

import random

from django.db import connections, transaction

from ledger import issue
from tests.benchmarks.contest import Effort, Result, Steps, take_turns, throughput

TENANTS = 500
_random = random.Random(20260331)

# With the function behind issue_many: every trigger and index is at work. Keys without any order, like UUIDs.
_FILL = """
    SELECT count(*) FROM ledger_issue_serial_many(
        %s, 'invoice', NULL, NULL,
        (SELECT array_agg(gen_random_uuid()::text) FROM generate_series(1, %s)), '', NULL, false
    )
"""


def run(effort: Effort, result: Result) -> Steps:
    """Fill one database, then issue from both in turn."""
    for alias in ("empty", "full"):
        for tenant in range(TENANTS):
            with transaction.atomic(using=alias):
                issue("invoice", org=_tenant(tenant), document="the first", using=alias)
        yield f"{result.title}: {TENANTS} tenants in the {alias} ledger"
    yield from _fill(effort.rows, result.title)
    for alias in ("empty", "full"):
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
    for alias in ("empty", "full"):
        throughput(lambda key, alias=alias: _issue(alias, key), seconds=effort.seconds * 3, alias=alias)  # type: ignore[misc]
    yield from take_turns(
        result,
        lambda: throughput(lambda key: _issue("full", key), seconds=effort.seconds, alias="full"),
        lambda: throughput(lambda key: _issue("empty", key), seconds=effort.seconds, alias="empty"),
        effort.rounds,
    )


def _fill(rows: int, title: str) -> Steps:
    each = rows // TENANTS
    for tenant in range(TENANTS):
        with transaction.atomic(using="full"), connections["full"].cursor() as cursor:
            cursor.execute(_FILL, [_tenant(tenant), each])
        if tenant % 10 == 9:
            yield f"{title}: {(tenant + 1) * each:,} entries"


def _issue(alias: str, key: str) -> None:
    document = f"{_random.getrandbits(64):016x}-{key}"
    with transaction.atomic(using=alias):
        issue("invoice", org=_tenant(_random.randrange(TENANTS)), document=document, using=alias)


def _tenant(at: int) -> str:
    return f"tenant-{at}"
