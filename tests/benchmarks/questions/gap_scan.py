"""Whether a scan for gaps costs as much as there are new rows, and not as much as there are rows."""

from __future__ import annotations

import time

from django.db import transaction

from ledger import issue
from ledger.gaps import find
from tests.benchmarks import full_ledger
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.full_ledger import FULL, TENANTS, tenant
from tests.benchmarks.measuring.sample import Sample


def question(effort: Effort) -> tuple[Contest, Steps]:
    """A full scan and one of what is new, in turn."""
    rounds = iter(range(effort.scans))

    def only_new() -> Sample:
        _add(effort.new_rows, next(rounds))
        return _scan(full=False)

    whole = Side("full", lambda: _scan(full=True))
    new = Side(f"of {effort.new_rows:,} new entries", only_new, 100)
    contest = Contest("gap-scan", f"a scan for gaps in a ledger of {effort.rows:,}", "scans per s", [whole, new], whole)

    def steps() -> Steps:
        yield from full_ledger.fill(effort.rows)
        yield from take_turns(contest, effort.scans)

    return contest, steps()


def _scan(*, full: bool) -> Sample:
    began = time.perf_counter()
    found = list(find(full=full, using=FULL))
    spent = time.perf_counter() - began
    assert not found, f"a ledger without gaps has some: {found[:3]}"
    return Sample(1 / spent, [spent])


def _add(rows: int, round_: int) -> None:
    for at in range(rows):
        with transaction.atomic(using=FULL):
            issue("invoice", org=tenant(at % TENANTS), document=f"new:{round_}-{at}", using=FULL)
