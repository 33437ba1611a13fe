"""Checkouts at once over the end of an authorised range: the next one in the same call, and never a value outside."""

from __future__ import annotations

from datetime import date
from itertools import count
from multiprocessing import get_context
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings, strategies as st

from ledger import authorise, define_series, errors as e, issue
from ledger.gaps.sweeping import sweep
from ledger.models import AuthorisedRange, Entry, Period
from ledger.verification import verify
from tests.allocations import AT_COMMIT, DAY, POOLED, RESERVED, SERIAL, expect_all_accounted_for
from tests.concurrency.checkouts import checkouts, in_threads, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

CHECKOUTS = 16
fork = get_context("fork")
_tenants = count()


class Payment(Exception):
    """A checkout that fails after its number was given."""


def granted(allocation: str, sizes: list[int], *, tenant: str = "") -> list[AuthorisedRange]:
    """A series with ranges of these sizes, with holes between them."""
    define_series(
        "invoice", org=tenant, template="{label}-{counter}", calendar="explicit", time_zone="UTC", allocation=allocation
    )
    dates = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
    ranges, first = [], 5
    for place, size in enumerate(sizes):
        facts: dict[str, Any] = {"prefix": "A", "authority": "UY DGI", "reference": f"CAE {place}", **dates}
        ranges.append(authorise("invoice", org=tenant, first=first, last=first + size - 1, **facts))
        first += size + 7
    return ranges


def checkout(tenant: str, document: str, *, fails: bool) -> str | None:
    """The number of a document; None if its ranges are used up, or its payment failed."""
    try:
        with transaction.atomic():
            entry = issue("invoice", org=tenant, document=document, on=DAY)
            if fails:
                raise Payment
    except (Payment, e.RangesExhausted):
        return None
    return str(entry)


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=4),
    failing=st.sets(st.integers(0, CHECKOUTS * 4 - 1), max_size=20),
)
def test_no_value_outside_a_range_ever(allocation: str, sizes: list[int], failing: set[int]) -> None:
    tenant = f"t{next(_tenants)}"
    ranges = granted(allocation, sizes, tenant=tenant)

    def work(thread: int) -> list[str | None]:
        places = range(thread * 4, thread * 4 + 4)
        return [checkout(tenant, f"order:{place}", fails=place in failing) for place in places]

    numbers = [number for numbers in in_threads(CHECKOUTS, work) for number in numbers if number]
    allowed = {f"A-{value}" for one in ranges for value in range(one.first_value, (one.last_value or 0) + 1)}
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= allowed
    entries = Entry.objects.filter(tenant=tenant)
    for one in ranges:
        of_range = entries.filter(period=one.period)
        assert not of_range.exclude(value__range=(one.first_value, one.last_value)).exists()
    if allocation in (SERIAL, AT_COMMIT):
        wanted = min(sum(sizes), CHECKOUTS * 4 - len(failing))
        assert len(numbers) >= wanted, "nobody was turned away while a value was left"
        assert entries.count() == len(numbers), "and none is missing"
    # In order: nothing of a later range while an earlier one had a value.
    used = [period.last_value for period in Period.objects.filter(tenant=tenant).order_by("ordinal")]
    full = [last == one.last_value for last, one in zip(used, ranges, strict=True)]
    begun = [last >= one.first_value for last, one in zip(used, ranges, strict=True)]
    assert all(before or not after for before, after in zip(full, begun[1:], strict=False))
    sweep(tenant=tenant)
    expect_all_accounted_for()
    assert not list(verify(tenant=tenant))


def test_sixteen_processes_over_a_switch(allocation: str) -> None:
    ranges = granted(allocation, [20, 15, 40])
    connections.close_all()
    children = [fork.Process(target=_check_out, args=(range(n, 64, CHECKOUTS),)) for n in range(CHECKOUTS)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert {child.exitcode for child in children} == {0}
    numbers = set(Entry.objects.filter(kind="issued").values_list("number", flat=True))
    assert len(numbers) == 64
    assert numbers <= {f"A-{value}" for one in ranges for value in range(one.first_value, (one.last_value or 0) + 1)}
    assert [period.last_value == period.max_value for period in Period.objects.order_by("ordinal")][:2] == [True, True]
    assert not list(verify())


def _check_out(places: range) -> None:
    for place in places:
        assert checkout("", f"order:{place}", fails=False)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_the_last_value_in_two_checkouts(end: str) -> None:
    granted(SERIAL, [1, 5])
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: str(issue("invoice", on=DAY))) == "A-5"
        second.begin()
        waiting = second.do(lambda: str(issue("invoice", on=DAY)))
        wait_until_blocked(second, waiting)
        first.end(end)
        assert waiting.result(30) == ("A-13" if end == "commit" else "A-5")
        second.commit()


@pytest.mark.parametrize("allocation", [POOLED])
def test_a_slot_that_is_given_back_is_taken_before_the_next_range(allocation: str) -> None:
    granted(allocation, [1, 5])
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: str(issue("invoice", on=DAY))) == "A-5"
        second.begin()
        assert second.run(lambda: str(issue("invoice", on=DAY))) == "A-13", "past the one that is held"
        second.commit()
        first.rollback()
        second.begin()
        assert second.run(lambda: str(issue("invoice", on=DAY))) == "A-5"
        second.commit()


def test_a_range_that_is_added_meanwhile_is_seen_by_the_next_try() -> None:
    granted(AT_COMMIT, [1])
    other: dict[str, Any] = {"valid_from": date(2026, 1, 1), "authority": "UY DGI", "reference": "CAE 2", "prefix": "A"}
    with checkouts(2) as (first, second):
        for one in (first, second):
            one.begin()
            one.run(lambda: issue("invoice", on=DAY))
        first.commit()
        second.run(lambda: authorise("invoice", first=100, last=120, **other))
        second.commit()
    assert list(Entry.objects.order_by("value").values_list("number", flat=True)) == ["A-5", "A-100"]


def test_at_commit_names_the_last_range() -> None:
    granted(AT_COMMIT, [1])
    with checkouts(2) as (first, second):
        for one in (first, second):
            one.begin()
            one.run(lambda: issue("invoice", on=DAY))
        first.commit()
        with pytest.raises(e.RangesExhausted, match="the last one is UY DGI CAE 0"):
            second.commit()


def test_a_retry_shows_the_reservation_of_the_range_before() -> None:
    granted(RESERVED, [1, 5])
    assert checkout("", "order:1", fails=True) is None
    assert checkout("", "order:2", fails=False) == "A-13"
    assert checkout("", "order:1", fails=False) == "A-5"
