"""Whether the page of a period of millions of numbers answers in 300 ms, after the first time.

The whole page as a browser gets it: number line, chart, tables; and zoomed in; and the overview, of the tenant and of
200 tenants with 30 series each. Between two rounds a number is issued and one is voided, as in a shop that is open.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections, transaction
from django.test import Client

from ledger import issue, void
from ledger.models import Period
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.sample import Sample
from tests.benchmarks.questions import report

#: Seconds that a page may take.
LIMIT = 0.3

# The columns of a table that a copied row keeps. Arguments: table, the other columns.
_COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> ALL(%s)
"""
# 200 tenants with 30 series and as many periods without a number, as copies of the first ones.
_SERIES = """
    INSERT INTO ledger_series (tenant, code, {columns})
    SELECT 'many-' || t, 'series-' || n, {columns}
    FROM (SELECT * FROM ledger_series ORDER BY id LIMIT 1) s, generate_series(1, 200) t, generate_series(1, 30) n
"""
_PERIODS = """
    INSERT INTO ledger_period (tenant, series_id, prefix, last_value, {columns})
    SELECT s.tenant, s.id, s.code || '-', p.first_value - 1, {columns}
    FROM (SELECT id, tenant, code FROM ledger_series) s, (
        SELECT {columns} FROM ledger_period ORDER BY id LIMIT 1
    ) p
    WHERE s.tenant LIKE 'many-%'
"""


def _many() -> None:
    copied = (
        ("ledger_series", _SERIES, ["id", "tenant", "code"]),
        ("ledger_period", _PERIODS, ["id", "tenant", "series_id", "prefix", "last_value"]),
    )
    with connections[report.ALIAS].cursor() as cursor:
        for table, statement, others in copied:
            cursor.execute(_COLUMNS, [table, others])
            cursor.execute(statement.format(columns=cursor.fetchone()[0]))
        cursor.execute("ANALYZE")


def question(effort: Effort) -> tuple[Contest, Steps]:
    """Pages a second, against the limit."""
    visitor = Client()
    addresses: list[tuple[str, dict[str, Any]]] = []

    def visit(at: int) -> Sample:
        with transaction.atomic():
            entry = issue("invoice", org=report.TENANT, document=f"page:{at}-{time.time_ns()}")
            void(entry, reason="returned")
        address, query = addresses[at]
        began = time.perf_counter()
        answer = visitor.get(address, query)
        spent = time.perf_counter() - began
        assert answer.status_code == 200, answer
        assert len(answer.content) > 2000
        return Sample(1 / spent, [spent])

    titles = ("the period's page", "zoomed to a tenth", "zoomed to 100,000 values", "the overview", "of 200 tenants")
    sides = [Side(title, lambda at=at: visit(at), 1.0) for at, title in enumerate(titles)]  # type: ignore[misc]
    title = f"pages of a period of {effort.rows:,} numbers, against {LIMIT * 1000:.0f} ms"
    contest = Contest("pages", title, "pages per s", sides, 1 / LIMIT)

    def steps() -> Steps:
        yield from report.fill(effort.rows)
        period = Period.objects.get(tenant=report.TENANT)
        user, _ = User.objects.get_or_create(username="bench", is_superuser=True)
        visitor.force_login(user)
        whole, third = f"/ledger/period/{period.pk}/", period.last_value // 3
        tenth, part = max(1, period.last_value // 10), min(100_000, period.last_value)
        addresses.extend(
            [
                (whole, {}),
                (whole, {"from": third, "to": third + tenth}),
                (whole, {"from": third, "to": third + part}),
                ("/ledger/", {"tenant": report.TENANT}),
                ("/ledger/", {}),
            ]
        )
        cache.clear()
        _many()
        for at, name in enumerate(titles):
            yield f"{name}, the first time: {visit(at).calls[0] * 1000:.0f} ms"
        yield from take_turns(contest, max(3, effort.rounds))
        for side in contest.sides:
            yield f"{side.title}: median {1000 / side.rate:.0f} ms, slowest {1000 / min(side.rates):.0f} ms"

    return contest, steps()
