"""A sweep beside open checkouts: it doesn't wait for them, and takes nothing from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from ledger import define_series, issue, open_period
from ledger.gaps import Swept, sweep
from tests.allocations import DAY, POOLED, RESERVED, expect_all_accounted_for, values
from tests.concurrency.checkouts import checkouts

pytestmark = pytest.mark.django_db(transaction=True)


def swept() -> Swept:
    """A sweep without a grace period."""
    return sweep(grace=timedelta(0))


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("allocation", [POOLED, RESERVED])
@pytest.mark.parametrize("give_back", [True, False])
def test_it_waits_for_nobody(allocation: str, give_back: bool, end: str) -> None:
    series = define_series("invoice", template="I{year}-{counter}", allocation=allocation, give_back=give_back)
    open_period(series, DAY)
    with checkouts(3) as (slow, quick, sweeper):
        for checkout in (slow, quick):
            checkout.begin()
            checkout.run(lambda: issue("invoice", on=DAY))
        quick.commit()
        assert sweeper.run(swept).flagged == 0
        slow.end(end)
        flagged = sweeper.run(swept).flagged
        assert flagged == (1 if end == "rollback" and (allocation == RESERVED or not give_back) else 0)
        quick.begin()
        taken = quick.run(lambda: issue("invoice", on=DAY).value)
        quick.commit()
    assert taken == (1 if end == "rollback" and not flagged else 3)
    assert len(values()) == 3 if end == "commit" or flagged else 2
    expect_all_accounted_for()


@pytest.mark.parametrize("allocation", [POOLED, RESERVED])
def test_a_claim_waits_for_nobody(allocation: str) -> None:
    """A checkout may take the value just after the sweep has found it free, and then it keeps it."""
    period = open_period(define_series("invoice", template="I{year}-{counter}", allocation=allocation), DAY)

    def claim() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_claim_gap('', %s, 1, 'not committed', 'sweep', false)", [period.pk])
            told: str = cursor.fetchone()[0]
        return told

    with checkouts(2) as (checkout, sweeper):
        checkout.begin()
        checkout.run(lambda: issue("invoice", on=DAY))
        assert sweeper.run(claim) == "in_flight"
        checkout.commit()
        assert sweeper.run(claim) == "settled"
    assert values() == [1]
    expect_all_accounted_for()
