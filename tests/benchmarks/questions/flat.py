"""Whether one issue costs the same in a ledger of millions of entries as in an empty one.

Each call takes a tenant at random, so that all four unique indexes are met in places that no earlier call has warmed.
"""

from __future__ import annotations

import random

from django.db import transaction

from ledger import issue
from tests.benchmarks import full_ledger
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.full_ledger import EMPTY, FULL, TENANTS, tenant
from tests.benchmarks.measuring.crowd import measure
from tests.benchmarks.measuring.sample import Sample

_random = random.Random(20260331)


def question(effort: Effort) -> tuple[Contest, Steps]:
    """Fill one database, then issue from both in turn."""
    contest = duel(
        "flat",
        f"one issue in a ledger of {effort.rows:,}",
        "per s",
        1 / 1.2,  # within 20 %: a call may take 1.2 times as long
        "in an empty ledger",
        lambda: _issue_from(FULL, effort.seconds),
        lambda: _issue_from(EMPTY, effort.seconds),
    )

    def steps() -> Steps:
        yield from full_ledger.fill(effort.rows)
        for alias in (EMPTY, FULL):
            _issue_from(alias, effort.seconds * 3)
        yield from take_turns(contest, effort.rounds)

    return contest, steps()


def _issue_from(alias: str, seconds: float) -> Sample:
    def job(key: str) -> None:
        document = f"{_random.getrandbits(64):016x}-{key}"
        with transaction.atomic(using=alias):
            issue("invoice", org=tenant(_random.randrange(TENANTS)), document=document, using=alias)

    return measure(job, seconds=seconds)
