"""One organisation's limits, kept by several processes together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from tests.accounting.processes import together
from workers.accounting.http_options import Limits, Wait
from workers.accounting.quota import SharedLimiter

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

ASK = """
from datetime import UTC, datetime
from workers.accounting.http_options import Limits
from workers.accounting.quota import SharedLimiter
limiter = SharedLimiter("xero:org-1", Limits(per_day=30))
noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
print(sum(isinstance(limiter.take(noon), str) for _ in range(25)))
"""


def test_processes_share_one_count() -> None:
    assert sum(int(said) for said in together(ASK, count=3)) == 30


def test_what_one_process_is_told_holds_for_all() -> None:
    SharedLimiter("xero:org-1", Limits()).pause(NOON + timedelta(seconds=30))
    answer = SharedLimiter("xero:org-1", Limits()).take(NOON)
    assert isinstance(answer, Wait)
    assert answer.seconds == 30
    assert isinstance(SharedLimiter("xero:org-2", Limits()).take(NOON), str)


def test_places_come_back() -> None:
    limiter = SharedLimiter("xero:org-1", Limits(concurrent=1, per_minute=600))
    first = limiter.take(NOON)
    assert isinstance(first, str)
    assert isinstance(limiter.take(NOON), Wait)
    limiter.give_back(first)
    assert isinstance(limiter.take(NOON + timedelta(seconds=1)), str)


def test_no_system_is_asked_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        SharedLimiter("xero:org-1", Limits()).take(NOON)
