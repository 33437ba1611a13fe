"""Which files of tests come first where two processes share the work.

pytest-xdist gives whole files to its processes, one after the other. A long file that comes last keeps one process busy
while the other has nothing left to do, so the long ones begin, and the many short ones fill the gaps at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: The files that take longest, the longest first; the others come in any order behind them.
LONG_ONES = (
    "tests/broker/test_processes.py",
    "tests/broker/test_messages.py",
    "tests/accounting/test_tryton_postgres.py",
    "tests/accounting/test_tryton.py",
    "tests/stateful/test_ledger.py",
    "tests/docs/test_examples.py",
    "tests/browser/test_pages.py",
    "tests/integration/test_report_retail.py",
    "tests/integration/test_migrations.py",
    "tests/integration/test_naive_moments.py",
    "tests/integration/test_verification_command.py",
    "tests/compat/test_django_sequences.py",
    "tests/docs/test_tutorial.py",
    "tests/oscar/test_checkout.py",
    "tests/accounting/test_writing_back.py",
    "tests/integration/test_demo.py",
    "tests/integration/test_up.py",
    "tests/integration/test_wheel.py",
    "tests/concurrency/test_every_allocation.py",
    "tests/concurrency/test_second_connection.py",
    "tests/accounting/test_reconciliation_interrupted.py",
    "tests/integration/test_reconciliation_changes.py",
    "tests/stateful/test_pool.py",
)


def long_ones_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """These tests, with those of the long files before all others; else their order stays."""
    ranks = {str(ROOT / name): rank for rank, name in enumerate(LONG_ONES)}
    return sorted(items, key=lambda item: ranks.get(str(item.path), len(ranks)))
