"""What every allocation promises alike, one checkout at a time, in the transaction of a TestCase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from ledger import close_period, define_series, errors as e, issue, issue_many, open_period, preview, void
from ledger.models import Entry, NumberIssued, Series
from tests.allocations import ALL, DAY, POOLED, default_allocation, rolled_back, values

pytestmark = pytest.mark.django_db


@pytest.fixture(params=ALL)
def allocation(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each in turn, for default series too."""
    with default_allocation(str(request.param)):
        yield str(request.param)


@pytest.fixture(params=[allocation for allocation in ALL if allocation != POOLED])
def guarded(request: pytest.FixtureRequest) -> str:
    """Each that keeps an order which the chronology guard can guard."""
    return str(request.param)


def numbers(*documents: str, **arguments: Any) -> list[str]:
    return numbers_of("invoice", *documents, **arguments)


def numbers_of(series: str, *documents: str, **arguments: Any) -> list[str]:
    return [str(entry) for entry in issue_many(series, documents=documents, **{"on": DAY, **arguments})]


def number(document: str | None = None, series: str = "invoice", **arguments: Any) -> str:
    return str(issue(series, document=document, **{"on": DAY, **arguments}))


def each_refused(error: type[Exception], match: str, *calls: Callable[[], object]) -> None:
    for call in calls:
        with pytest.raises(error, match=match):
            call()


class TestNumbers:
    def test_one_after_the_other_by_year(self, allocation: str) -> None:
        assert [number(), number(), number(on=date(2027, 1, 1)), number(on=date(2026, 1, 1))] == [
            "INV-2026-000001",
            "INV-2026-000002",
            "INV-2027-000001",
            "INV-2026-000003",
        ]
        assert Series.objects.get().allocation == allocation

    def test_the_entry_is_as_it_is_stored(self, allocation: str) -> None:
        entry = issue("invoice", document="order:17", on=DAY, metadata={"channel": "web"}, by="ann")
        assert str(entry) == "INV-2026-000001"
        assert type(entry) is NumberIssued
        stored = NumberIssued.objects.get()
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname
        assert (stored.issued_on, stored.actor, stored.metadata) == (DAY, "ann", {"channel": "web"})

    def test_tenants_have_counters_of_their_own(self, allocation: str) -> None:
        assert [number(org="a"), number(org="b"), number(org="a")] == [
            "INV-2026-000001",
            "INV-2026-000001",
            "INV-2026-000002",
        ]

    def test_the_series_zone_decides_the_date(self, allocation: str) -> None:
        define_series(
            "fy",
            template="R{fy_start}-{counter:04}",
            calendar="fiscal-year",
            fiscal_start="04-01",
            time_zone="Asia/Kolkata",
            allocation=allocation,
        )
        entry = issue("fy", on=datetime(2023, 3, 31, 19, 0, tzinfo=UTC))
        assert (str(entry), entry.issued_on) == ("R2023-0001", date(2023, 4, 1))

    def test_the_counter_outgrows_its_width(self, allocation: str) -> None:
        define_series("r", template="R{counter:04}", calendar="never", start_value=9998, allocation=allocation)
        assert [number(series="r") for _ in range(4)] == ["R9998", "R9999", "R10000", "R10001"]

    def test_one_round_trip_for_each_where_one_is_enough(self, allocation: str, django_assert_num_queries: Any) -> None:
        number("a")
        with django_assert_num_queries(3 if allocation == "reserved" else 1):
            issue("invoice", document="b", on=DAY, metadata={"a": 1}, by="ann")


class TestIdempotence:
    def test_the_same_document_has_the_same_number(self, allocation: str) -> None:
        first = number("order:17")
        assert [number("order:17"), *numbers("order:17")] == [first, first]
        assert number("order:17", on=date(2026, 12, 31)) == first, "another date in its period is no other fact"
        assert str(issue("invoice", document="order:17")) == first, "nor is none"
        assert values() == [1]
        assert number() == "INV-2026-000002", "nothing was burnt"

    @pytest.mark.parametrize("asked", [True, False])
    def test_other_facts_are_refused(self, allocation: str, asked: bool) -> None:
        """Also before at_commit has decided the number."""
        assert number() == "INV-2026-000001"
        open_period(Series.objects.get(), date(2027, 1, 1))
        first = issue("invoice", document="order:17", on=DAY, metadata={"total": 1})
        if asked:
            assert str(first)
        others: list[dict[str, Any]] = [{"metadata": {"total": 2}}, {"metadata": {}}, {"on": date(2027, 1, 1)}]
        for other in others:
            with pytest.raises(e.DocumentConflict):
                number("order:17", **other)
            with pytest.raises(e.DocumentConflict):
                numbers("order:18", "order:17", **other)
        assert number("order:17", metadata={"total": 1}) == "INV-2026-000002"
        assert number() == "INV-2026-000003", "a refused block takes nothing"

    def test_a_document_has_one_number_in_each_series(self, allocation: str) -> None:
        assert [number("a"), number("a", series="receipt")] == ["INV-2026-000001", "RCP-2026-000001"]

    def test_a_retry_finds_its_number_in_a_closed_period(self, allocation: str) -> None:
        entries = issue_many("invoice", documents=["a", "b"], on=date(2025, 1, 1))
        told = [str(entry) for entry in entries]
        close_period(entries[0].period)
        assert number("a", on=date(2025, 1, 1)) == told[0]
        assert numbers("b", "a", on=date(2025, 1, 1)) == told[::-1]
        with pytest.raises(e.PeriodClosed):
            numbers("b", "c", on=date(2025, 1, 1))

    def test_a_savepoint_leaves_no_number(self, allocation: str) -> None:
        assert number("a") == "INV-2026-000001"
        with rolled_back():
            assert number("b") == "INV-2026-000002"
            assert numbers("c", "d") == ["INV-2026-000003", "INV-2026-000004"]
        assert number("b") == "INV-2026-000002"
        assert not Entry.objects.filter(document__in="cd").exists()


class TestBlocks:
    def test_keep_the_order_of_the_documents(self, allocation: str) -> None:
        assert number("b") == "INV-2026-000001"
        assert numbers("a", "b", "c", "a") == [f"INV-2026-00000{value}" for value in (2, 1, 3, 2)]
        assert numbers("c", "d", "a") == [f"INV-2026-00000{value}" for value in (3, 4, 2)]
        assert values() == [1, 2, 3, 4]

    def test_ten_thousand(self, allocation: str, django_assert_max_num_queries: Any) -> None:
        documents = [f"order:{number}" for number in range(10_000)]
        number("before")
        with django_assert_max_num_queries(30):
            entries = issue_many("invoice", documents=documents, on=DAY, metadata={"run": 7}, by="batch")
            assert [entry.value for entry in entries] == list(range(2, 10_002))
        assert [entry.document for entry in entries] == documents
        stored = Entry.objects.get(document="order:9999")
        assert (stored.value, stored.metadata, stored.actor) == (10_001, {"run": 7}, "batch")
        for field in Entry._meta.concrete_fields:
            assert getattr(entries[-1], field.attname) == getattr(stored, field.attname), field.attname

    def test_need_documents(self, allocation: str) -> None:
        assert numbers() == []
        with pytest.raises(e.InvalidDocument, match="Document 2 of 2"):
            issue_many("invoice", documents=["a", None])


class TestRefusals:
    def test_an_unknown_series(self, allocation: str) -> None:
        each_refused(
            e.UnknownSeries,
            "no series 'nope'",
            lambda: number(series="nope"),
            lambda: issue_many("nope", documents=["a"]),
            lambda: preview("nope"),
        )
        assert number() == "INV-2026-000001", "the transaction can go on"

    def test_an_inactive_one(self, allocation: str) -> None:
        define_series("off", template="OFF{year}-{counter}", is_active=False, allocation=allocation)
        each_refused(
            e.InactiveSeries,
            "switched off",
            lambda: number(series="off"),
            lambda: issue_many("off", documents=["a"]),
            lambda: preview("off"),
        )

    def test_a_closed_period(self, allocation: str) -> None:
        entry = issue("invoice", on=date(2025, 6, 1))
        assert str(entry) == "INV-2025-000001"
        close_period(entry.period)
        late = date(2025, 6, 2)
        each_refused(
            e.PeriodClosed,
            r"2025-06-02.*2025-01-01 to 2025-12-31",
            lambda: number(on=late),
            lambda: ", ".join(numbers("a", on=late)),
            lambda: preview("invoice", on=late),
        )
        assert values() == [1]

    def test_a_date_without_a_period(self, allocation: str) -> None:
        series = define_series("x", template="X{year}{month}-{counter:03}", calendar="explicit", allocation=allocation)
        open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 31))
        each_refused(
            e.NoPeriod,
            r"holds 2026-06-01; it has 2026-01-01 to 2026-01-31",
            lambda: number(series="x"),
            lambda: issue_many("x", documents=["a"], on=DAY),
        )
        assert number(series="x", on=date(2026, 1, 31)) == "X202601-001"

    def test_the_length_limit(self, allocation: str) -> None:
        define_series(
            "r", template="R{counter:02}", calendar="never", start_value=98, max_length=3, allocation=allocation
        )
        with pytest.raises((e.PeriodExhausted, e.CommitRefused), match="R100|too long"):
            numbers_of("r", "a", "b", "c")
        assert [number(series="r"), number(series="r")] == ["R98", "R99"]
        each_refused(
            e.PeriodExhausted,
            r"'R100', of 4 characters.*limit is 3",
            lambda: number(series="r"),
            lambda: ", ".join(numbers_of("r", "a")),
            lambda: preview("r"),
        )
        assert values("r") == [98, 99]

    def test_the_chronology_guard(self, guarded: str) -> None:
        define_series("invoice", template="INV-{year}-{counter:06}", chronological=True, allocation=guarded)
        assert number(on=date(2026, 6, 10)) == "INV-2026-000001"
        early = date(2026, 6, 9)
        each_refused(
            e.OutOfOrder,
            "2026-06-09 is before 2026-06-10",
            lambda: number(on=early),
            lambda: ", ".join(numbers("a", "b", on=early)),
            lambda: preview("invoice", on=early),
        )
        assert number(on=date(2026, 6, 10)) == "INV-2026-000002", "the same day is in order"

    def test_the_guard_and_a_pool_do_not_go_together(self) -> None:
        with pytest.raises(e.InvalidSeries, match="pooled series can't have the chronology guard"):
            define_series("p", template="P{year}-{counter}", chronological=True, allocation=POOLED)

    @pytest.mark.parametrize("block", [False, True])
    def test_a_number_that_another_series_gave_out(self, allocation: str, block: bool) -> None:
        old = define_series("old", template="OLD-{counter}", calendar="never", allocation=allocation)
        period = open_period(old, DAY)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_period SET last_value = 1 WHERE id = %s", [period.pk])
            cursor.execute(
                "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on,"
                " actor, metadata) VALUES ('', %s, %s, 1, 'adopted', 'inv-2026-000001', '', '2026-01-01', '', '{}')",
                [old.pk, period.pk],
            )
        with rolled_back(), pytest.raises(e.NumberTaken, match="would repeat a number of the same tenant"):
            numbers("a", "b") if block else number()


class TestPreview:
    def test_names_the_next_and_changes_nothing(self, allocation: str) -> None:
        assert preview("invoice", on=DAY) == "INV-2026-000001"
        assert not Series.objects.exists()
        number()
        for _ in range(2):
            assert preview("invoice", on=DAY) == "INV-2026-000002"
        assert preview("invoice", on=date(2027, 1, 1)) == "INV-2027-000001"
        assert number() == "INV-2026-000002"


def test_a_void_number_is_never_given_again(allocation: str) -> None:
    entry = issue("invoice", document="order:17", on=DAY)
    void(entry, reason="payment reversed")
    assert number() == "INV-2026-000002"
    with pytest.raises(e.DocumentVoided, match=entry.number):
        issue("invoice", document="order:17", on=DAY)
