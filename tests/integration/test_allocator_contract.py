"""The contract of `ledger.allocation.interface.Allocator`, tried with every allocation that there is.

A new one is tried as soon as it is a member of ``Allocation``; ``series`` supplies numbers that come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection, transaction

from ledger import close_period, define_series, errors as e, issue, issue_many, preview, void
from ledger.allocation import ALLOCATORS
from ledger.allocation.interface import Outcome
from ledger.arguments import make_request
from ledger.models import Allocation, Entry, NumberIssued, Period, Series
from tests.allocations import DAY, expect_all_accounted_for, rolled_back
from tests.drafts import remote_series, stock

pytestmark = pytest.mark.django_db

NUMBERS = [f"N-2026-{value}" for value in range(1, 7)]


@pytest.fixture(params=Allocation.values)
def series(request: pytest.FixtureRequest) -> Series:
    """A series whose first numbers are ``NUMBERS``."""
    if request.param == Allocation.REMOTE:
        found = remote_series()
        stock(found, NUMBERS)
        return found
    return define_series("invoice", template="N-{year}-{counter}", allocation=request.param, time_zone="UTC")


def number(document: str | None = None, **arguments: object) -> str:
    return str(issue("invoice", document=document, on=DAY, **arguments))  # type: ignore[arg-type]


def block(*documents: str, **arguments: object) -> list[str]:
    entries = issue_many("invoice", documents=documents, on=DAY, **arguments)  # type: ignore[arg-type]
    return [str(entry) for entry in entries]


def refused(error: type[e.LedgerError], *calls: Callable[[], object]) -> None:
    for call in calls:
        with pytest.raises(error), transaction.atomic():
            call()


def test_every_allocation_has_its_module() -> None:
    assert list(ALLOCATORS) == Allocation.values
    for allocator in ALLOCATORS.values():
        assert all(callable(getattr(allocator, name)) for name in ("take", "take_many", "upcoming"))


def test_numbers_come_in_their_order(series: Series) -> None:
    assert [number(), number("a"), *block("c", "b")] == NUMBERS[:4]
    expect_all_accounted_for()


def test_the_entry_is_as_it_is_stored(series: Series) -> None:
    entries = [issue("invoice", document="a", on=DAY, metadata={"channel": "web"}, by="ann")]
    entries += issue_many("invoice", documents=["b"], on=DAY, metadata={"run": 7}, by="batch")
    for entry, number_ in zip(entries, NUMBERS, strict=False):
        assert (type(entry), str(entry)) == (NumberIssued, number_)
        stored = NumberIssued.objects.get(document=entry.document)
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname


def test_a_document_keeps_its_number(series: Series) -> None:
    assert number("a") == number("a") == NUMBERS[0]
    assert block("b", "a", "b", "c") == [NUMBERS[1], NUMBERS[0], NUMBERS[1], NUMBERS[2]]
    assert number() == NUMBERS[3], "nothing was burnt"


def test_other_facts_are_refused(series: Series) -> None:
    assert number("a", metadata={"total": 1}) == NUMBERS[0]
    other = {"total": 2}
    refused(e.DocumentConflict, lambda: number("a", metadata=other), lambda: block("b", "a", metadata=other))
    assert number() == NUMBERS[1], "nothing was burnt"


def test_a_savepoint_leaves_no_number(series: Series) -> None:
    with rolled_back():
        assert [number("a"), *block("b", "c")] == NUMBERS[:3]
    assert not Entry.objects.filter(document__in="abc").exists()
    # A reservation is committed at once: it stays its document's.
    assert number("a") == NUMBERS[0]


def test_a_void_number_is_never_given_again(series: Series) -> None:
    entry = issue("invoice", document="a", on=DAY)
    void(entry, reason="payment reversed")
    assert number() == NUMBERS[1]
    refused(e.DocumentVoided, lambda: number("a"), lambda: block("a"))
    assert number("a", replaces=entry) == NUMBERS[2]


def test_a_closed_period_gives_none_but_knows_its_own(series: Series) -> None:
    told = block("a", "b")
    close_period(Period.objects.get(series=series), early=True)
    assert [number("b"), *block("b", "a")] == [told[1], told[1], told[0]]
    refused(e.PeriodClosed, number, lambda: block("a", "c"), lambda: preview("invoice", on=DAY))


def test_a_series_with_another_allocation_gives_none(series: Series) -> None:
    """A process may ask the allocation that the series had before."""
    request = make_request("invoice", org=None, document="a", on=DAY, metadata=None, by=None)
    for name, allocator in ALLOCATORS.items():
        if name != series.allocation:
            assert allocator.take(connection, request).outcome == Outcome.ALLOCATION
            assert allocator.take_many(connection, request, ["a"]).outcome == Outcome.ALLOCATION
    assert number() == NUMBERS[0]


def test_a_refusal_writes_nothing_and_the_transaction_continues(series: Series) -> None:
    far = date(9000, 1, 1)
    define_series("invoice", max_days_ahead=400)
    with transaction.atomic():
        for call in (lambda: issue("invoice", on=far), lambda: issue_many("invoice", documents=["a"], on=far)):
            with pytest.raises(e.InvalidDate):
                call()
        assert number() == NUMBERS[0]
    expect_all_accounted_for()


def test_an_inactive_series_gives_none(series: Series) -> None:
    define_series("invoice", is_active=False)
    refused(e.InactiveSeries, number, lambda: block("a"), lambda: preview("invoice", on=DAY))


def test_upcoming_promises_nothing(series: Series) -> None:
    assert [preview("invoice", on=DAY) for _ in range(2)] == NUMBERS[:1] * 2
    assert not Entry.objects.exists()
    assert [number(), preview("invoice", on=DAY)] == NUMBERS[:2]
