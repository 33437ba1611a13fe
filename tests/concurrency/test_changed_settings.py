"""A period that is opened in the very moment in which the settings change has the new form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ledger import define_series, issue, open_period
from ledger.models import Allocation, Period
from tests.concurrency.checkouts import Checkout, checkouts, wait_until_blocked, wait_until_somebody_waits_for

pytestmark = pytest.mark.django_db(transaction=True)

OLD: dict[str, Any] = {"template": "OLD-{year}-{counter:04}", "calendar": "year"}
NEW: dict[str, Any] = {"template": "NEW-{year}{month}-{counter:03}", "calendar": "month"}


@pytest.fixture
def pair() -> Iterator[list[Checkout]]:
    with checkouts(2) as made:
        yield made


@pytest.mark.parametrize("how", ["by the calendar", "by its dates"])
def test_a_change_waits_for_who_opens_one(pair: list[Checkout], how: str) -> None:
    opener, changer = pair
    series = define_series("invoice", **OLD)
    day = date(2031, 1, 1)
    opener.begin()
    dates: dict[str, Any] = (
        {"day": day} if how == "by the calendar" else {"starts_on": day, "ends_on": date(2031, 12, 31)}
    )
    opener.run(lambda: open_period("invoice", **dates))
    changed = changer.do(lambda: define_series("invoice", template="NEW-{year}-{counter:03}"))
    wait_until_blocked(changer, changed)
    opener.commit()
    changed.result()
    assert [period.prefix for period in Period.objects.filter(series=series)] == ["NEW-2031-"]


@pytest.mark.parametrize("how", ["commit", "rollback"])
@pytest.mark.parametrize("allocation", [one for one in Allocation if one != Allocation.REMOTE])
def test_a_checkout_waits_for_a_change(pair: list[Checkout], allocation: str, how: str) -> None:
    buyer, changer = pair
    define_series("invoice", **OLD, allocation=allocation)
    changer.begin()
    changer.run(lambda: define_series("invoice", **NEW))
    buyer.begin()
    number = buyer.do(lambda: str(issue("invoice", document="order:1", on=date(2026, 3, 5))))
    wait_until_somebody_waits_for(changer, number)
    changer.end(how)
    assert number.result() == ("NEW-202603-001" if how == "commit" else "OLD-2026-0001")
    buyer.commit()
    assert Period.objects.count() == 1
