"""Which files of tests come first where two processes share the work.

pytest-xdist gives whole files to its processes, one after the other. A long file that comes last keeps one process busy
while the other has nothing left to do, so the long ones begin, and the many short ones fill the gaps at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: The files that take longest, the longest first; the others follow in any order.
LONG_ONES = (
    "tests/browser/test_pages.py",
    "tests/accounting/test_tryton.py",
    "tests/broker/test_processes.py",
    "tests/docs/test_tutorial.py",
    "tests/docs/test_examples.py",
    "tests/integration/test_poison_pages.py",
    "tests/integration/test_seals.py",
    "tests/integration/test_migrations.py",
    "tests/integration/test_demo.py",
    "tests/integration/test_verification.py",
    "tests/integration/test_odd_requests.py",
    "tests/browser/test_docs_site.py",
    "tests/stateful/test_ledger.py",
    "tests/accounting/test_odoo.py",
    "tests/accounting/test_tryton_postgres.py",
    "tests/integration/test_compose_roles.py",
    "tests/broker/test_messages.py",
    "tests/browser/test_admin.py",
    "tests/integration/test_poison_settings.py",
    "tests/concurrency/test_isolation.py",
    "tests/oscar/test_checkout.py",
    "tests/roles/test_advisory_locks.py",
    "tests/integration/test_wheel.py",
    "tests/integration/test_verification_guards.py",
    "tests/integration/test_report_retail.py",
    "tests/integration/test_poison_commands.py",
    "tests/integration/test_adoption_command.py",
    "tests/integration/test_adoption.py",
)


def long_ones_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """These tests, with the long files first; otherwise their order stays."""
    ranks = {str(ROOT / name): rank for rank, name in enumerate(LONG_ONES)}
    return sorted(items, key=lambda item: ranks.get(str(item.path), len(ranks)))
