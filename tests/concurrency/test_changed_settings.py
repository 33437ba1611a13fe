"""A period that is opened at the moment of a change of settings has the new form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import define_series, issue, open_period
from ledger.errors import LockTimeout
from ledger.models import Allocation, Period, Series
from ledger.series import change_allocation
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


def never_the_first_to_see_a_deadlock() -> None:
    """So that PostgreSQL would end the other session's statement."""
    with connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '1min'")


@pytest.mark.parametrize("how", ["new form", "other allocation"])
def test_a_change_lets_a_checkout_finish_that_opens_another_period(pair: list[Checkout], how: str) -> None:
    """The checkout holds a counter that the change waits for, and needs the series, which the change holds."""
    buyer, changer = pair
    define_series("invoice", **OLD)
    open_period("invoice", date(2026, 3, 5))  # or the checkout would hold the series from the start
    changer.run(never_the_first_to_see_a_deadlock)
    buyer.begin()
    buyer.run(lambda: str(issue("invoice", document="order:1", on=date(2026, 3, 5))))
    changed = changer.do(
        lambda: (
            define_series("invoice", **NEW)
            if how == "new form"
            else change_allocation("invoice", allocation=Allocation.RESERVED)
        )
    )
    wait_until_blocked(changer, changed)
    number = buyer.run(lambda: str(issue("invoice", document="order:2", on=date(2027, 3, 5))))
    assert number == "OLD-2027-0001"
    buyer.commit()
    changed.result()
    assert Series.objects.get().allocation == ("serial" if how == "new form" else "reserved")


def test_a_change_waits_no_longer_than_its_own_patience(pair: list[Checkout]) -> None:
    buyer, changer = pair
    define_series("invoice", **OLD)
    buyer.begin()
    buyer.run(lambda: str(issue("invoice", document="order:1", on=date(2026, 3, 5))))

    def impatient() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            change_allocation("invoice", allocation=Allocation.RESERVED)

    with pytest.raises(LockTimeout):
        changer.run(impatient)
    buyer.commit()
    assert Series.objects.get().allocation == Allocation.SERIAL
