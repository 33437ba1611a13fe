"""The contract of django-sequences: each test runs on the original and on Folio, and must not see a difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, wait
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
import sequences
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils.connection import ConnectionDoesNotExist

from ledger import define_series, issue
from ledger.compat import django_sequences
from ledger.errors import (
    InactiveSeries,
    InvalidArgument,
    InvalidSeries,
    LockTimeout,
    NotGranted,
    OutOfOrder,
    PeriodClosed,
    PeriodExhausted,
)
from ledger.models import Entry, Period, Series
from ledger.periods import close_period, open_period
from ledger.series import change_allocation
from ledger.verification import verify
from tests.concurrency.checkouts import checkouts, in_threads, wait_until_blocked

BOTH = pytest.mark.parametrize("api", [sequences, django_sequences], ids=["original", "folio"])


@pytest.fixture(autouse=True)
def sound(request: pytest.FixtureRequest, transactional_db: None) -> Any:
    yield
    asked = getattr(request.node, "callspec", None)
    if asked is None or asked.params.get("api") is not sequences:  # the original leaves nothing in the ledger
        assert list(verify()) == []


def quick_to_see_deadlocks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL deadlock_timeout = '50ms'")


@BOTH
class TestContract:
    def test_values_count_from_one(self, api: ModuleType) -> None:
        assert [api.get_next_value() for _ in range(3)] == [1, 2, 3]
        assert api.get_last_value() == 3

    def test_sequences_are_independent(self, api: ModuleType) -> None:
        assert [api.get_next_value(name) for name in ("cases", "Cases", "cases-1", "cases", "cases#2")] == [
            1,
            1,
            1,
            2,
            1,
        ]

    @pytest.mark.parametrize("name", ["", " cases ", '"quoted"', "a#2", "{counter}", "naïve/№ 7", "x" * 100, "a\nb"])
    def test_any_name_of_the_old_table(self, api: ModuleType, name: str) -> None:
        assert [api.get_next_value(name), api.get_next_value(name)] == [1, 2]
        assert api.get_next_value(name + "!" if len(name) < 100 else "x" * 99) == 1
        assert api.get_last_value(name) == 2

    @pytest.mark.parametrize("name", [2026, date(2026, 11, 29), UUID(int=7), Decimal("7.50")])
    def test_names_that_are_no_texts(self, api: ModuleType, name: Any) -> None:
        assert [api.get_next_value(name), api.get_next_value(name)] == [1, 2]
        assert list(api.get_next_values(2, name)) == [3, 4]
        assert api.get_last_value(str(name)) == 4
        if api is django_sequences:  # where the original fails
            assert api.get_last_value(name) == 4
            assert api.delete(name)

    @pytest.mark.parametrize("first", ["5", Decimal(5), 5.0])
    def test_a_first_value_that_is_no_int(self, api: ModuleType, first: Any) -> None:
        assert [api.get_next_value("a", first), api.get_next_value("a", initial_value=first)] == [5, 6]

    def test_initial_value(self, api: ModuleType) -> None:
        assert [api.get_next_value("customers", initial_value=1000) for _ in range(2)] == [1000, 1001]
        assert api.get_next_value("customers", 5) == 1002
        assert api.get_next_value("from nought", 0) == 0

    def test_reset_value(self, api: ModuleType) -> None:
        got = [api.get_next_value("tickets", initial_value=1, reset_value=4) for _ in range(8)]
        assert got == [1, 2, 3, 1, 2, 3, 1, 2]
        assert api.get_last_value("tickets") == 2
        assert [api.get_next_value("tickets"), api.get_next_value("tickets")] == [3, 4]
        assert api.get_next_value("tickets", reset_value=4) == 1

    def test_reset_begins_at_the_initial_value_of_that_call(self, api: ModuleType) -> None:
        assert api.get_next_value("seasons", 5, reset_value=7) == 5
        assert api.get_next_value("seasons", 2, reset_value=6) == 2
        assert api.get_next_value("seasons", 2, reset_value=6) == 3

    @pytest.mark.parametrize(("initial", "reset"), [(1, 1), (5, 3)])
    def test_a_reset_value_that_is_too_low(self, api: ModuleType, initial: int, reset: int) -> None:
        with pytest.raises(ValueError, match="reset_value must be greater than initial_value"):
            api.get_next_value("years", initial, reset)
        with pytest.raises(ValueError, match="reset_value must be greater than initial_value"):
            api.Sequence("years", initial, reset)
        assert api.get_last_value("years") is None

    def test_batches(self, api: ModuleType) -> None:
        assert api.get_next_values(10, "lots") == range(1, 11)
        assert api.get_next_value("lots") == 11
        assert api.get_next_values(2, "lots", initial_value=70) == range(12, 14)
        assert api.get_next_values(3, "others", initial_value=70) == range(70, 73)
        assert api.get_next_values(1, "lots", nowait=True) == range(14, 15)
        assert list(api.get_next_values(0, "lots")) == []
        assert api.get_next_value("lots") == 15

    def test_a_batch_of_none_makes_the_sequence(self, api: ModuleType) -> None:
        assert api.get_next_values(0, "lots", initial_value=10) == range(10, 10)
        assert api.get_next_values(0, "lots", initial_value=70) == range(10, 10)
        assert api.get_next_value("lots", initial_value=70) == 10
        assert api.get_next_values(0, "lots") == range(11, 11)

    def test_get_last_value(self, api: ModuleType) -> None:
        assert api.get_last_value("invoices") is None
        api.get_next_value("invoices", 7)
        assert api.get_last_value("invoices") == 7
        assert api.get_last_value("invoices", using="default") == 7

    def test_delete(self, api: ModuleType) -> None:
        assert api.delete("invoices") is False
        assert [api.get_next_value("invoices") for _ in range(2)] == [1, 2]
        assert api.delete("invoices") is True
        assert api.get_last_value("invoices") is None
        assert api.delete("invoices") is False
        assert api.get_next_value("invoices", 10) == 10
        assert api.delete("invoices", using="default") is True
        assert api.get_next_value("invoices") == 1

    def test_sequence_objects(self, api: ModuleType) -> None:
        invoices = api.Sequence("invoices", initial_value=3, reset_value=6)
        assert invoices.get_last_value() is None
        assert [next(invoices), invoices.get_next_value(), invoices.get_next_value(nowait=True)] == [3, 4, 5]
        assert next(iter(invoices)) == 3
        assert invoices.get_next_values(4) == range(4, 8)
        assert invoices.get_last_value() == 7
        assert invoices.delete() is True
        assert api.Sequence("plain").get_next_value() == 1
        assert next(api.Sequence(using="default")) == 1

    def test_nothing_positional_that_is_not_in_the_original(self, api: ModuleType) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: api.get_next_value("a", 1, None, True),
            lambda: api.get_next_values(1, "a", 1, True),
            lambda: api.get_last_value("a", "default"),
            lambda: api.delete("a", "default"),
        ]
        for call in calls:
            with pytest.raises(TypeError):
                call()

    def test_outside_a_transaction_each_call_is_one(self, api: ModuleType) -> None:
        assert connection.in_atomic_block is False
        assert [api.get_next_value("a"), api.get_next_value("a", 1, 9), api.get_next_value("a", nowait=True)] == [
            1,
            2,
            3,
        ]
        with checkouts(1) as (other,):
            assert other.run(lambda: api.get_last_value("a")) == 3
            assert other.run(lambda: api.get_next_value("a", nowait=True)) == 4

    def test_without_autocommit_it_is_the_callers_transaction(self, api: ModuleType) -> None:
        assert api.get_next_value("a") == 1
        transaction.set_autocommit(False)
        try:
            got = [api.get_next_value("a"), api.get_next_value("new"), api.get_next_value("a", nowait=True)]
            transaction.rollback()
        finally:
            transaction.set_autocommit(True)
        assert (got, api.get_last_value("a"), api.get_last_value("new")) == ([2, 1, 3], 1, None)

    def test_from_async_code(self, api: ModuleType) -> None:
        async def ask() -> list[int]:
            with pytest.raises(SynchronousOnlyOperation):
                api.get_next_value("a")
            return [await sync_to_async(api.get_next_value)("a") for _ in range(2)]

        assert async_to_sync(ask)() == [1, 2]

    def test_a_database_that_is_not_there(self, api: ModuleType) -> None:
        for call in (api.get_next_value, api.get_last_value, api.delete, partial(api.get_next_values, 2)):
            for name in ("nowhere", ""):
                with pytest.raises(ConnectionDoesNotExist):
                    call("a", using=name)

    def test_a_transaction_that_must_be_rolled_back(self, api: ModuleType) -> None:
        with transaction.atomic():
            transaction.set_rollback(True)
            for call in (api.get_next_value, api.get_last_value, api.delete, partial(api.get_next_values, 2)):
                with pytest.raises(TransactionManagementError):
                    call("a")

    def test_two_sequences_in_opposite_orders(self, api: ModuleType) -> None:
        for name in ("a", "b"):
            api.get_next_value(name)
        with checkouts(2) as both:
            for checkout, name in zip(both, "ab", strict=True):
                checkout.begin()
                checkout.run(quick_to_see_deadlocks)
                checkout.run(partial(api.get_next_value, name))
            steps = [checkout.do(partial(api.get_next_value, name)) for checkout, name in zip(both, "ba", strict=True)]
            done, _ = wait(steps, timeout=30, return_when=FIRST_EXCEPTION)
            [failed] = [step for step in done if step.exception()]
            assert isinstance(failed.exception(), OperationalError)
            both[steps.index(failed)].rollback()
            other = 1 - steps.index(failed)
            assert steps[other].result(30) == 2
            both[other].commit()

    def test_a_rollback_gives_the_value_again(self, api: ModuleType) -> None:
        for first in (1, 2):  # the very first one too, whose sequence is made by the call
            with transaction.atomic():
                assert api.get_next_value("invoices") == first
                transaction.set_rollback(True)
            assert api.get_last_value("invoices") == (None if first == 1 else first - 1)
            assert api.get_next_value("invoices") == first

    def test_a_savepoint_gives_the_value_again(self, api: ModuleType) -> None:
        with transaction.atomic():
            assert api.get_next_value("invoices") == 1
            with transaction.atomic():
                assert api.get_next_values(5, "invoices") == range(2, 7)
                transaction.set_rollback(True)
            assert api.get_next_value("invoices") == 2

    def test_a_rolled_back_reset_and_delete_never_were(self, api: ModuleType) -> None:
        assert api.get_next_value("tickets") == 1
        ends: list[Callable[[], Any]] = [
            lambda: api.delete("tickets"),
            lambda: api.get_next_value("tickets", reset_value=2),
        ]
        for end in ends:
            with transaction.atomic():
                assert end()
                assert api.get_next_value("tickets") in (1, 2)
                transaction.set_rollback(True)
            assert api.get_last_value("tickets") == 1
        assert api.get_next_value("tickets") == 2

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    @pytest.mark.parametrize("existing", [True, False], ids=["counting", "new"])
    def test_a_second_caller_waits(self, api: ModuleType, how: str, existing: bool) -> None:
        before = api.get_next_value("invoices") if existing else 0
        with checkouts(2) as (first, second):
            for checkout in (first, second):
                checkout.begin()
            assert first.run(lambda: api.get_next_value("invoices")) == before + 1
            step = second.do(lambda: api.get_next_value("invoices"))
            wait_until_blocked(second, step)
            first.end(how)
            assert step.result(30) == before + (2 if how == "commit" else 1)
            second.commit()

    def test_nobody_waits_for_another_sequence(self, api: ModuleType) -> None:
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: api.get_next_value("invoices")) == 1
            assert second.run(lambda: api.get_next_value("orders")) == 1

    @pytest.mark.parametrize("reset", [None, 100])
    def test_nowait(self, api: ModuleType, reset: int | None) -> None:
        def impatient() -> None:
            with transaction.atomic():
                api.get_next_value("invoices", 1, reset, nowait=True)

        assert api.get_next_value("invoices", nowait=True) == 1
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: api.get_next_value("invoices")) == 2
            with pytest.raises(OperationalError) as told:
                second.run(impatient)
            assert isinstance(told.value, DatabaseError)
            first.rollback()
            assert second.run(lambda: api.get_next_value("invoices", nowait=True)) == 2

    def test_delete_and_reset_wait_too(self, api: ModuleType) -> None:
        api.get_next_value("invoices")
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: api.get_next_value("invoices")) == 2
            step = second.do(lambda: (api.get_next_value("invoices", reset_value=3), api.delete("invoices")))
            wait_until_blocked(second, step)
            first.commit()
            assert step.result(30) == (1, True)

    def test_who_waited_for_a_reset_goes_on_after_it(self, api: ModuleType) -> None:
        api.get_next_values(3, "tickets")
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: api.get_next_value("tickets", reset_value=4)) == 1
            step = second.do(lambda: api.get_next_value("tickets"))
            wait_until_blocked(second, step)
            first.commit()
            assert step.result(30) == 2

    def test_many_at_once_get_each_value_once(self, api: ModuleType) -> None:
        def work(number: int) -> list[int]:
            got: list[int] = []
            for at in range(5):
                with transaction.atomic():
                    got += api.get_next_values(3, "lots") if at % 2 else [api.get_next_value("lots")]
            return got

        values = sorted(value for got in in_threads(6, work) for value in got)
        assert values == list(range(1, 6 * 9 + 1))


class TestWhatFolioAdds:
    def test_every_value_is_a_row_of_the_ledger(self) -> None:
        values = [django_sequences.get_next_value("cases"), *django_sequences.get_next_values(3, "cases")]
        entries = Entry.objects.order_by("value")
        assert [entry.value for entry in entries] == values == [1, 2, 3, 4]
        assert [str(entry) for entry in entries] == ["cases-1", "cases-2", "cases-3", "cases-4"]

    def test_old_and_new_calls_count_on_from_each_other(self) -> None:
        assert django_sequences.get_next_value("cases") == 1
        with transaction.atomic():
            assert issue("cases", document="case:1").value == 2
        assert django_sequences.get_next_value("cases") == 3
        assert django_sequences.get_last_value("cases") == 3

    def test_a_series_with_a_template_of_ones_own(self) -> None:
        define_series("invoice", template="R-{counter:05}", calendar="never", start_value=50)
        assert django_sequences.get_last_value("invoice") is None
        assert django_sequences.delete("invoice") is False
        assert django_sequences.get_next_value("invoice") == 50
        assert Entry.objects.get().number == "R-00050"

    def test_turns_are_runs_of_their_own(self) -> None:
        for _ in range(3):
            django_sequences.get_next_value("tickets", reset_value=2)
        assert sorted(Series.objects.values_list("code", flat=True)) == ["tickets", "tickets#2", "tickets#3"]
        assert Period.objects.filter(closed_at=None).get().series.code == "tickets#3"
        assert sorted(Entry.objects.values_list("number", flat=True)) == ["tickets#2-1", "tickets#3-1", "tickets-1"]

    def test_a_series_that_starts_again_is_no_sequence(self) -> None:
        define_series("invoice", template="INV-{year}-{counter:06}", calendar="year")
        with pytest.raises(InvalidSeries, match="starts again"):
            django_sequences.get_next_value("invoice")

    def test_a_tenant_of_their_own(self, settings: Any) -> None:
        define_series("invoice", template="INV-{year}-{counter:06}", calendar="year")
        settings.LEDGER_COMPAT = {"SEQUENCES_TENANT": "sequences"}
        assert django_sequences.get_next_value("invoice") == 1
        assert Entry.objects.get().tenant == "sequences"

    def test_a_sequence_that_somebody_closed_stays_closed(self) -> None:
        django_sequences.get_next_value("cases")
        close_period(Period.objects.get(), early=True)
        for call in (
            lambda: django_sequences.get_next_value("cases"),
            lambda: django_sequences.get_next_values(2, "cases"),
        ):
            with pytest.raises(PeriodClosed):
                call()
        assert django_sequences.delete("cases") is False

    def test_an_allocation_that_does_not_wait(self) -> None:
        define_series("cases", template="C-{counter}", calendar="never", allocation="pooled")
        with checkouts(2) as (first, second):
            first.begin()
            second.begin()
            got = [checkout.run(lambda: django_sequences.get_next_value("cases")) for checkout in (first, second)]
            assert got == [1, 2]
            first.commit()
            second.commit()
        with pytest.raises(InvalidSeries, match="one by one"):
            django_sequences.get_next_values(2, "cases")

    def test_nowait_leaves_the_transaction_usable(self) -> None:
        django_sequences.get_next_value("cases")
        with checkouts(2) as (first, second):
            first.begin()
            first.run(lambda: django_sequences.get_next_value("cases"))
            second.begin()
            with pytest.raises(LockTimeout, match="held by another"):
                second.run(lambda: django_sequences.get_next_value("cases", nowait=True))
            first.commit()
            assert second.run(lambda: django_sequences.get_next_value("cases", nowait=True)) == 3
            second.commit()

    @pytest.mark.parametrize("name", [None, True, "x" * 101, "\x00" * 50])
    def test_no_name(self, name: Any) -> None:
        with pytest.raises(InvalidSeries):
            django_sequences.get_next_value(name)

    def test_the_least_privilege_is_enough(self, least_privileged: str) -> None:
        for name in ("new", "other", "new"):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL ROLE {least_privileged}")
                django_sequences.get_next_value(name, initial_value=3)
                django_sequences.get_next_values(2, name, nowait=True)
        assert [django_sequences.get_last_value(name) for name in ("new", "other")] == [8, 5]

    def test_a_name_that_differs_in_case_alone_is_defined_by_finance(self, least_privileged: str) -> None:
        """Its numbers need a template of their own, and a checkout may not choose the form of numbers."""
        django_sequences.get_next_value("new")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {least_privileged}")
            with pytest.raises(NotGranted, match="--purpose finance"):
                django_sequences.get_next_value("New")
        assert [one.code for one in Series.objects.all()] == ["new"]

    def test_a_batch_that_cannot_be(self) -> None:
        for size in (-1, 2**40):
            with pytest.raises(InvalidArgument, match=f"A batch of {size} values"):
                django_sequences.get_next_values(size)

    def test_an_initial_value_that_cannot_be(self) -> None:
        first: Any
        for first in (1.5, Decimal("7.5"), "seven", None, -5):
            calls: list[Callable[[], Any]] = [
                partial(django_sequences.get_next_value, "a", first),
                partial(django_sequences.get_next_values, 2, "a", first),
                partial(django_sequences.get_next_values, 0, "a", first),
            ]
            for call in calls:
                with pytest.raises(InvalidArgument, match=f"{re.escape(repr(first))}|{first} is negative"):
                    call()
        assert not Series.objects.exists()

    def test_a_refusal_leaves_the_transaction_usable(self) -> None:
        define_series("off", template="OFF-{counter}", calendar="never", is_active=False)
        with transaction.atomic():
            assert django_sequences.get_next_value("a") == 1
            with pytest.raises(InactiveSeries):
                django_sequences.get_next_value("off")
            assert django_sequences.get_next_value("a") == 2
        assert django_sequences.get_last_value("a") == 2

    def test_what_stands_in_the_row(self) -> None:
        """Every call after the first takes a shorter way, and writes what `issue` writes."""
        django_sequences.get_next_value("cases")
        django_sequences.get_next_value("cases")
        with transaction.atomic():
            issue("cases")
        columns = ("tenant", "series_id", "period_id", "kind", "document", "issued_on", "actor", "metadata")
        assert len({repr(row) for row in Entry.objects.values_list(*columns)}) == 1
        assert list(Entry.objects.order_by("value").values_list("number", flat=True)) == [
            "cases-1",
            "cases-2",
            "cases-3",
        ]

    def test_the_guard_of_chronology_is_kept_up(self) -> None:
        """While the guard is on, and afterwards, the counter's row has the latest date, which Folio respects."""
        series = define_series("cases", template="C-{counter}", calendar="never", chronological=True)
        values = [django_sequences.get_next_value("cases") for _ in range(3)]
        today = Entry.objects.first().issued_on  # type: ignore[union-attr]
        assert Period.objects.get().last_issued_on == today
        with transaction.atomic():
            issue("cases", on=today + timedelta(days=2))
        with pytest.raises(OutOfOrder):
            django_sequences.get_next_value("cases")
        Series.objects.filter(pk=series.pk).update(chronological=False)
        assert [*values, django_sequences.get_next_value("cases")] == [1, 2, 3, 5]
        assert Period.objects.get().last_issued_on == today + timedelta(days=2)

    def test_the_guard_of_chronology_knows_the_first_date(self) -> None:
        with transaction.atomic():
            django_sequences.get_next_value("cases")  # so the sequence is known to this process
            transaction.set_rollback(True)
        series = define_series("cases", template="C-{counter}", calendar="never", chronological=True)
        open_period(series, date(2026, 1, 1))
        assert django_sequences.get_next_value("cases") == 1
        assert Period.objects.get().last_issued_on == Entry.objects.get().issued_on

    def test_the_latest_date_is_kept_up_once_the_guard_is_off(self) -> None:
        """So that it holds when the guard is switched on again."""
        define_series("cases", template="C-{counter}", calendar="never")
        assert django_sequences.get_next_value("cases") == 1
        today = Entry.objects.get().issued_on
        Period.objects.update(last_issued_on=today - timedelta(days=9))
        assert django_sequences.get_next_value("cases") == 2
        assert Period.objects.get().last_issued_on == today

    def test_a_counter_at_its_end(self) -> None:
        django_sequences.get_next_values(2, "cases")
        Period.objects.update(max_value=3)
        with pytest.raises(PeriodExhausted):
            django_sequences.get_next_values(2, "cases")
        assert django_sequences.get_next_value("cases") == 3
        for call in (django_sequences.get_next_value, partial(django_sequences.get_next_values, 2)):
            with pytest.raises(PeriodExhausted):
                call("cases")

    def test_a_series_that_was_switched_off_or_changed(self) -> None:
        assert django_sequences.get_next_value("cases") == 1
        Series.objects.update(is_active=False)
        with pytest.raises(InactiveSeries):
            django_sequences.get_next_value("cases")
        Series.objects.update(is_active=True)
        change_allocation("cases", "pooled")
        assert [django_sequences.get_next_value("cases") for _ in range(2)] == [2, 3]
        change_allocation("cases", "serial")
        assert django_sequences.get_next_value("cases") == 4

    def test_who_waited_for_a_counter_that_was_closed(self) -> None:
        assert django_sequences.get_next_value("cases") == 1
        with checkouts(2) as (first, second):
            first.begin()
            first.run(lambda: close_period(Period.objects.get(), early=True))
            step = second.do(lambda: django_sequences.get_next_value("cases"))
            wait_until_blocked(second, step)
            first.commit()
            with pytest.raises(PeriodClosed):
                step.result(30)

    def test_one_round_trip(self, django_assert_num_queries: Any) -> None:
        django_sequences.get_next_value("cases")
        with transaction.atomic(), django_assert_num_queries(1):
            django_sequences.get_next_value("cases")
        assert connection.in_atomic_block is False
