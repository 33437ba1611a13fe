"""Ranges that an authority grants: a series takes its numbers from them, and from nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from ledger import authorise, close_period, define_series, errors as e, issue, issue_many, open_period, preview, void
from ledger.models import AuthorisedRange, Entry, Period, RangeLapsed, Series
from ledger.periods import open_next_periods
from ledger.ranges import levels
from ledger.sweeps.running import run
from ledger.verification import verify
from tests.allocations import ALL, AT_COMMIT, POOLED, RESERVED, SERIAL, expect_all_accounted_for, rolled_back

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_HALF: dict[str, Any] = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 6, 30)}
YEAR: dict[str, Any] = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
DAY = date(2026, 6, 1)


def series(allocation: str = SERIAL, **settings: Any) -> Series:
    chosen = {"template": "{label}{counter}", "calendar": "explicit", "time_zone": "UTC", "allocation": allocation}
    return define_series("invoice", **chosen | settings)


def grant(first: int, last: int | None, reference: str = "", **more: Any) -> AuthorisedRange:
    facts: dict[str, Any] = {"authority": "CO DIAN", "reference": reference or f"R-{first}", "prefix": "SETP", **YEAR}
    return authorise("invoice", first=first, last=last, **facts | more)


def number(document: str | None = None, on: date = DAY, **more: Any) -> str:
    with transaction.atomic():
        entry = issue("invoice", document=document, on=on, **more)
    return str(entry)


@pytest.mark.parametrize("allocation", ALL)
class TestEveryAllocation:
    def test_goes_on_in_the_next_range_in_the_same_call(self, allocation: str) -> None:
        series(allocation)
        grant(8, 10)
        grant(990, 991)
        assert [number() for _ in range(5)] == ["SETP8", "SETP9", "SETP10", "SETP990", "SETP991"]
        with pytest.raises(e.RangesExhausted, match="CO DIAN R-990, SETP990 to SETP991, is used up"):
            number()
        expect_all_accounted_for()
        assert not list(verify())

    def test_leaves_a_range_that_has_expired(self, allocation: str) -> None:
        series(allocation)
        grant(1, 100, **FIRST_HALF)
        grant(101, 200)
        assert number(on=date(2026, 6, 30)) == "SETP1"
        assert number(on=date(2026, 7, 1)) == "SETP101"
        assert number(on=date(2026, 6, 30)) == "SETP2", "still valid for documents of its days"
        with pytest.raises(e.RangesExhausted, match="expired on 2026-12-31"):
            number(on=date(2027, 1, 1))
        assert not list(verify())

    def test_gives_a_block_over_two_ranges(self, allocation: str) -> None:
        series(allocation)
        grant(1, 3)
        grant(50, 60)
        with transaction.atomic():
            entries = issue_many("invoice", documents=[f"d{n}" for n in range(6)], on=DAY)
        assert sorted(str(one) for one in entries) == ["SETP1", "SETP2", "SETP3", "SETP50", "SETP51", "SETP52"]
        with transaction.atomic():
            again = issue_many("invoice", documents=[f"d{n}" for n in range(6)], on=DAY)
        assert [str(one) for one in again] == [str(one) for one in entries]
        assert Entry.objects.count() == 6
        assert not list(verify())

    def test_a_block_that_all_ranges_together_cannot_hold_writes_nothing(self, allocation: str) -> None:
        series(allocation)
        grant(1, 2)
        grant(50, 50)
        with pytest.raises(e.PeriodExhausted), transaction.atomic():
            issue_many("invoice", documents=["a", "b", "c", "d"], on=DAY)
        assert not Entry.objects.filter(kind="issued").exists()

    def test_one_document_keeps_its_number_after_a_switch(self, allocation: str) -> None:
        series(allocation)
        grant(1, 1)
        grant(5, 9)
        assert number("order:1") == "SETP1"
        assert number("order:2") == "SETP5"
        assert number("order:1") == "SETP1"

    def test_previews_the_number_of_the_next_range(self, allocation: str) -> None:
        series(allocation)
        grant(1, 1)
        grant(5, 5)
        assert preview("invoice", on=DAY) == "SETP1" == number()
        assert preview("invoice", on=DAY) == "SETP5" == number()
        with pytest.raises(e.RangesExhausted):
            preview("invoice", on=DAY)

    def test_a_rollback_leaves_no_value_outside(self, allocation: str) -> None:
        series(allocation)
        grant(1, 2)
        grant(5, 9)
        with rolled_back():
            issue("invoice", document="order:1", on=DAY).number  # noqa: B018  (at_commit numbers it when it is asked for)
        numbers = [number(f"order:{n}") for n in range(1, 5)]
        if allocation == RESERVED:
            assert numbers[0] == "SETP1", "a retry goes on with its reservation"
        assert numbers == ["SETP1", "SETP2", "SETP5", "SETP6"]


class TestAdding:
    def test_tells_what_the_authority_said(self) -> None:
        series()
        event = grant(1, 5000, "18760000001", key_reference="vault:dian", document="files/18760000001.pdf", by="ada")
        assert (event.first_value, event.last_value, event.prefix, event.reference) == (1, 5000, "SETP", "18760000001")
        assert (event.key_reference, event.document, event.actor) == ("vault:dian", "files/18760000001.pdf", "ada")
        assert str(event) == "CO DIAN 18760000001, SETP1 to SETP5000"
        assert (event.period.starts_on, event.period.ends_on) == (YEAR["valid_from"], YEAR["valid_to"])
        number()
        assert Entry.objects.get().authorised_range == event

    def test_the_same_again_is_the_first_event(self) -> None:
        series()
        first = grant(1, 10)
        again = grant(1, 10)
        assert (again, again.repeated, first.repeated) == (first, True, False)
        with pytest.raises(e.RangeRefused, match="known with another"):
            grant(1, 11)

    def test_a_series_has_one_type_of_documents(self) -> None:
        series()
        grant(1, 10, document_type="33")
        for other in ("34", ""):
            with pytest.raises(e.RangeRefused, match="are for documents of type '33'"):
                grant(11, 20, document_type=other)
        grant(11, 20, document_type="33")

    def test_never_changes(self) -> None:
        series()
        grant(1, 10)
        for change in (
            lambda: AuthorisedRange.objects.update(last_value=99),
            lambda: AuthorisedRange.objects.all().delete(),
            lambda: Period.objects.update(max_value=99),
            lambda: Period.objects.update(ends_on=date(2030, 1, 1)),
            lambda: Period.objects.update(ordinal=0),
            lambda: Period.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()

    def test_a_changed_length_limit_leaves_its_end_where_it_is(self) -> None:
        series()
        grant(1, 10)
        define_series("invoice", max_length=20)
        assert Period.objects.get().max_value == 10

    def test_belongs_to_its_period_whoever_writes_it(self) -> None:
        series()
        event = grant(1, 10)
        other = {"first_value": 11, "last_value": 12}
        with pytest.raises(DatabaseError, match="do not match what"), transaction.atomic():
            AuthorisedRange.objects.create(
                tenant="", series=event.series, period=event.period, authority="X", reference="y", **YEAR, **other
            )

    def test_an_open_range_has_no_last_value_and_no_last_day(self) -> None:
        series(template="{counter}", calendar="never")
        event = grant(7, None, prefix="", valid_to=None)
        assert str(event) == "CO DIAN R-7, 7 onwards"
        assert number(on=timezone.now().date()) == "7"

    @pytest.mark.parametrize(
        ("settings", "arguments", "told"),
        [
            ({}, {"first": 10, "last": 9}, "is impossible"),
            ({}, {"first": -1, "last": 9}, "is impossible"),
            ({}, {"valid_to": date(2025, 1, 1)}, "valid from"),
            ({"template": "X{counter}", "calendar": "never"}, {}, "doesn't begin with the prefix"),
            ({"max_length": 6}, {}, "highest value is 99"),
            ({}, {"prefix": ""}, "no such label"),
            ({}, {"reference": ""}, "reference"),
            ({}, {"prefix": "P" * 21}, "prefix"),
        ],
    )
    def test_refuses_what_cannot_be(self, settings: Any, arguments: Any, told: str) -> None:
        series(**settings)
        facts = {"first": 1, "last": 500, "reference": "r", "authority": "a", "prefix": "SETP", **YEAR}
        with pytest.raises(e.LedgerError, match=told):
            authorise("invoice", **facts | arguments)
        assert not Period.objects.exists()

    def test_refuses_numbers_that_another_range_has(self) -> None:
        series()
        grant(1, 10)
        with pytest.raises(e.RangeRefused, match="another period has numbers"):
            grant(10, 20)
        grant(11, 20)

    def test_an_empty_period_gives_way_and_one_with_numbers_is_closed_first(self) -> None:
        series(template="SETP{counter}", calendar="never")
        open_period("invoice", DAY)
        grant(100, 200)
        assert Period.objects.get().ordinal == 1
        define_series("other", template="X{counter}", calendar="never")
        with transaction.atomic():
            issue("other", on=DAY)
        facts: dict[str, Any] = {"first": 100, "last": 200, "authority": "a", "reference": "r", "prefix": "X", **YEAR}
        with pytest.raises(e.RangeRefused, match="ledger_period close other"):
            authorise("other", **facts)
        close_period(Period.objects.get(series__code="other"), early=True)
        authorise("other", **facts)
        with transaction.atomic():
            assert str(issue("other", on=DAY)) == "X100"

    def test_no_other_period_is_opened_beside_ranges(self) -> None:
        found = series(template="SETP{counter}", calendar="never")
        today = timezone.now().date()
        grant(1, 10, valid_from=today, valid_to=today)
        assert open_next_periods(ahead_days=400)["opened"] == 0
        with pytest.raises(e.RangesExhausted):
            open_period("invoice", today + timedelta(days=1))
        with pytest.raises(e.RangesExhausted):
            open_period("invoice", starts_on=today + timedelta(days=1), ends_on=today + timedelta(days=2))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ledger_open_explicit('', 'invoice', %s, %s, 500, '')",
                [today + timedelta(days=1), today + timedelta(days=9)],
            )
            assert "authorised ranges alone" in cursor.fetchone()[0]
        assert Period.objects.get(series=found).ordinal == 1


class TestOrder:
    def test_the_chronology_guard_holds_over_all_ranges(self) -> None:
        series(chronological=True)
        grant(1, 1)
        grant(5, 9)
        number(on=date(2026, 6, 2))
        with pytest.raises(e.OutOfOrder):
            number(on=date(2026, 6, 1))
        assert number(on=date(2026, 6, 3)) == "SETP5"

    def test_the_date_of_a_void_number_does_not_count(self) -> None:
        series(chronological=True)
        grant(1, 9)
        number(on=date(2026, 6, 2))
        with transaction.atomic():
            void(Entry.objects.get(), reason="wrong date")
        assert number(on=date(2026, 6, 1)) == "SETP2"


class TestLapsing:
    def test_the_unused_end_of_an_expired_range_is_one_event(self) -> None:
        series(POOLED)
        today = timezone.now().date()
        dates: dict[str, Any] = {"valid_from": today - timedelta(days=20), "valid_to": today - timedelta(days=2)}
        event = grant(1, 100, **dates)
        grant(200, 300, valid_from=today, valid_to=today)
        number(on=today - timedelta(days=5))
        run("close_periods")
        assert Period.objects.get(ordinal=1).closed_at is not None
        lapsed = RangeLapsed.objects.get()
        assert (lapsed.authorised, lapsed.first_value, lapsed.last_value) == (event, 2, 100)
        with pytest.raises(e.RangesExhausted):
            number(on=today - timedelta(days=5))
        assert not list(verify())

    def test_what_expired_yesterday_is_kept_for_checkouts_in_flight(self) -> None:
        series()
        today = timezone.now().date()
        grant(1, 100, valid_from=today - timedelta(days=20), valid_to=today - timedelta(days=1))
        run("close_periods")
        assert not RangeLapsed.objects.exists()

    def test_a_range_that_is_used_up_leaves_nothing(self) -> None:
        series()
        grant(1, 1, **FIRST_HALF)
        number()
        run("close_periods")
        assert Period.objects.get().closed_at is not None
        assert not RangeLapsed.objects.exists()

    def test_nobody_says_more_lapsed_than_was_left(self) -> None:
        series()
        event = grant(1, 10)
        with pytest.raises(DatabaseError, match="do not match what"), transaction.atomic():
            RangeLapsed.objects.create(tenant="", authorised=event, first_value=5, last_value=10)


class TestLevels:
    def level(self, today: date = date(2026, 3, 1)) -> list[str]:
        (found,) = levels("default", lambda _: today)
        return found.problems

    def test_warns_by_number(self) -> None:
        series()
        grant(1, 10)
        for _ in range(7):
            number(on=date(2026, 1, 1))
        assert self.level() == []
        number(on=date(2026, 1, 1))
        assert self.level() == ["2 of 10 values are left"]
        grant(11, 20)
        assert self.level() == []

    def test_warns_by_days(self) -> None:
        series()
        grant(1, 10)
        assert self.level(date(2026, 12, 1)) == []
        assert self.level(date(2026, 12, 2)) == ["the last day is 2026-12-31"]

    def test_warns_by_pace(self) -> None:
        series()
        grant(1, 100)
        with transaction.atomic():
            issue_many("invoice", documents=[f"d{n}" for n in range(50)], on=date(2026, 2, 20))
        assert self.level(date(2026, 3, 1)) == ["at this month's pace 10 days are left"]
        assert self.level(date(2026, 5, 1)) == []

    def test_warns_where_no_range_is_valid(self) -> None:
        series(AT_COMMIT)
        grant(1, 10)
        assert self.level(date(2027, 1, 1)) == ["no range has a value left for today"]

    def test_a_free_slot_is_left(self) -> None:
        series(POOLED)
        grant(1, 10)
        number(on=date(2026, 1, 1))
        assert self.level() == []
