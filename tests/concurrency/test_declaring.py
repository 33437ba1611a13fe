"""Two who declare the same missing numbers at the same time: one of them does."""

from __future__ import annotations

import pytest
from django.db import connection

from ledger import define_series, open_period
from ledger.actions import declare
from ledger.errors import DeclarationError
from ledger.gaps import GapRange
from ledger.models import Entry, GapDeclared, Period
from tests.concurrency.checkouts import checkouts, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def period() -> Period:
    """Values 1 to 5, all of them gaps."""
    period = open_period(define_series("nfe", template="{counter}", calendar="never", rules="BR"))
    Period.objects.update(last_value=5)
    for value in range(1, 6):
        Entry.objects.create(
            series=period.series, period=period, value=value, kind="gap", number=f"{value}", issued_on="2026-01-01"
        )
    return period


def declarations(period: Period, first: int, last: int) -> list[GapDeclared]:
    return declare([GapRange(period, first, last)], authority="BR NF-e", reference="135")


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_the_second_waits_and_is_refused_if_the_first_commits(period: Period, how: str, isolation: str) -> None:
    def isolated() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET default_transaction_isolation = '{isolation}'")

    with checkouts(2) as (first, second):
        for each in (first, second):
            each.run(isolated)
        first.begin()
        first.run(lambda: declarations(period, 2, 4))
        step = second.do(lambda: declarations(period, 4, 5))
        wait_until_blocked(second, step)
        first.end(how)
        if how == "commit":
            with pytest.raises(DeclarationError, match="before"):
                step.result(30)
        else:
            step.result(30)
    found = GapDeclared.objects.values_list("first_value", "last_value")
    assert list(found) == [(2, 4) if how == "commit" else (4, 5)]
