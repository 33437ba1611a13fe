"""Rows with a NumberField on several connections: which one waits for which, and what a rollback leaves."""

from __future__ import annotations

import pytest

from tests.allocations import default_allocation, expect_all_accounted_for, values
from tests.concurrency.checkouts import checkouts, in_threads, wait_until_blocked
from tests.shop.numbered import Paper

pytestmark = pytest.mark.django_db(transaction=True)


def save(title: str) -> str:
    paper = Paper(title=title)
    paper.save()
    return str(paper.number)


@pytest.mark.parametrize("how", ["commit", "rollback"])
@pytest.mark.parametrize("allocation", ["serial", "at_commit"])
def test_the_second_waits_for_the_first(allocation: str, how: str) -> None:
    """With at_commit too: the column needs the number at once."""
    with default_allocation(allocation), checkouts(2) as (first, second):
        save("there")
        first.begin()
        assert first.run(lambda: save("a")).endswith("2")
        step = second.do(lambda: save("b"))
        wait_until_blocked(second, step)
        first.end(how)
        assert step.result(30).endswith("3" if how == "commit" else "2")
    expect_all_accounted_for()


@pytest.mark.parametrize("allocation", ["pooled", "reserved"])
def test_nobody_waits(allocation: str) -> None:
    with default_allocation(allocation), checkouts(2) as (first, second):
        save("there")
        first.begin()
        assert first.run(lambda: save("a")).endswith("2")
        assert second.run(lambda: save("b")).endswith("3")
        first.rollback()
        assert save("c").endswith("2" if allocation == "pooled" else "4")
    expect_all_accounted_for()


def test_many_at_once(allocation: str) -> None:
    with default_allocation(allocation):
        numbers = in_threads(4, lambda worker: [save(f"{worker}.{turn}") for turn in range(5)])
    given = [number for each in numbers for number in each]
    assert sorted(given) == sorted(Paper.objects.values_list("number", flat=True))
    assert len(values("order")) == 20
    expect_all_accounted_for()
