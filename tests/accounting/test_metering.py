"""The counting for a vendor's limits: never more requests than allowed, and never a needless wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from workers.accounting import quota
from workers.accounting.http_options import Limits, Wait
from workers.models import Quota

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@given(per_minute=st.integers(1, 60), gaps=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=200))
def test_no_minute_sees_more_than_it_may(per_minute: int, gaps: list[float]) -> None:
    counts, now, went = Quota(), NOON, []
    for gap in gaps:
        now += seconds(gap)
        answer = quota.take(counts, Limits(per_minute=per_minute), now)
        if isinstance(answer, str):
            went.append(now)
    for begin in went:
        assert sum(1 for each in went if begin <= each < begin + seconds(60)) <= per_minute


@pytest.mark.parametrize("per_minute", [1, 2, 10, 60, 500])
def test_whoever_asks_without_a_pause_gets_the_allowance_and_no_more(per_minute: int) -> None:
    counts, now, went, limits = Quota(), NOON, [], Limits(per_minute=per_minute)
    while now < NOON + seconds(150):
        answer = quota.take(counts, limits, now)
        if isinstance(answer, str):
            went.append(now)
        else:
            now += seconds(answer.seconds)
    most = max(sum(1 for each in went if begin <= each < begin + seconds(60)) for begin in went)
    assert most <= per_minute
    assert most >= 0.8 * per_minute - 1


@given(per_minute=st.integers(1, 600), asked=st.integers(1, 100))
def test_whoever_waits_as_told_gets_through(per_minute: int, asked: int) -> None:
    counts, now, limits = Quota(), NOON, Limits(per_minute=per_minute)
    for _ in range(asked):
        answer = quota.take(counts, limits, now)
        if isinstance(answer, Wait):
            now += seconds(answer.seconds + 0.001)
            answer = quota.take(counts, limits, now)
        assert isinstance(answer, str)
    # Never slower than what the allowance without its burst comes to.
    assert (now - NOON).total_seconds() <= 60 * asked / max(per_minute - quota.burst(per_minute), 1) + 1


def test_a_day_has_its_count_and_ends_at_midnight() -> None:
    counts, limits = Quota(), Limits(per_day=2)
    for _ in range(2):
        answer = quota.take(counts, limits, NOON)
        assert isinstance(answer, str)
    answer = quota.take(counts, limits, NOON)
    assert answer == Wait(12 * 3600, "2 requests a day")
    answer = quota.take(counts, limits, NOON + timedelta(hours=12))
    assert isinstance(answer, str)


def test_concurrent_requests_give_their_place_back() -> None:
    limits = Limits(concurrent=1)
    counts = Quota()
    first = quota.take(counts, limits, NOON)
    assert isinstance(first, str)
    second = quota.take(counts, limits, NOON)
    assert isinstance(second, Wait)
    counts.tickets.pop(first)
    third = quota.take(counts, limits, NOON)
    assert isinstance(third, str)


def test_the_place_of_a_killed_process_comes_free_by_itself() -> None:
    limits = Limits(concurrent=1)
    counts = Quota()
    quota.take(counts, limits, NOON)
    assert isinstance(quota.take(counts, limits, NOON + quota.TICKET_LIFE - seconds(1)), Wait)
    assert isinstance(quota.take(counts, limits, NOON + quota.TICKET_LIFE), str)


def test_a_pause_holds_for_all_and_a_shorter_one_does_not_end_it() -> None:
    counts = Quota()
    quota.pause(counts, NOON + seconds(30))
    quota.pause(counts, NOON + seconds(10))
    assert quota.take(counts, Limits(), NOON) == Wait(30, "the system asked for a pause")
    assert isinstance(quota.take(counts, Limits(), NOON + seconds(30)), str)


def test_a_clock_that_lags_gains_nothing() -> None:
    """Worker machines' clocks differ a little: counted time doesn't go back."""
    limits = Limits(per_minute=1)
    counts = Quota()
    quota.take(counts, limits, NOON)
    answer = quota.take(counts, limits, NOON - seconds(10))
    assert isinstance(answer, Wait)
    answer = quota.take(counts, limits, NOON + seconds(59))
    assert isinstance(answer, Wait)
