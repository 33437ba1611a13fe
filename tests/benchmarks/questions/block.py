"""``issue_many`` of a block against a bare ``INSERT … SELECT generate_series`` into the same table."""

from __future__ import annotations

import time
from itertools import count

from django.db import connection, transaction

from ledger import issue, issue_many
from ledger.models import Period
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.sample import Sample

_OURS, _BARE = "block-ours", "block-bare"
_blocks = count(1)

# The counter goes up in the same transaction, because the table's trigger refuses values that it never gave out.
_RAISE = "UPDATE ledger_period SET last_value = last_value + %s WHERE id = %s"
_INSERT = """
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p.tenant, p.series_id, p.id, n, 'issued', ledger_number(p.prefix, p.width, p.suffix, n, NULL),
           %s || n::text, current_date, '', '{}'
    FROM ledger_period p, generate_series(p.last_value - %s + 1, p.last_value) n
    WHERE p.id = %s
"""


def question(effort: Effort) -> tuple[Contest, Steps]:
    """A block of both in turn, each in a tenant of its own, so that both tables of numbers grow alike."""
    contest = duel(
        "block",
        f"`issue_many` of {effort.block:,}",
        "numbers per s",
        0.7,
        "a bare `INSERT … SELECT`",
        lambda: _issue_many(effort.block),
        lambda: _insert_select(effort.block),
    )

    def steps() -> Steps:
        with transaction.atomic():
            for tenant in (_OURS, _BARE):
                issue("invoice", org=tenant)
        yield from take_turns(contest, effort.block_rounds)

    return contest, steps()


def _issue_many(size: int) -> Sample:
    block = next(_blocks)
    documents = [f"order:{block}-{at}" for at in range(size)]
    began = time.perf_counter()
    with transaction.atomic():
        numbers = issue_many("invoice", org=_OURS, documents=documents)
    spent = time.perf_counter() - began
    assert len(numbers) == size
    return Sample(size / spent)


def _insert_select(size: int) -> Sample:
    period = Period.objects.get(tenant=_BARE).pk
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RAISE, [size, period])
        cursor.execute(_INSERT, ["order:", size, period])
        assert cursor.rowcount == size
    return Sample(size / (time.perf_counter() - began))
