"""The contract of django-sequence, as its documentation has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import MultipleObjectsReturned
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from freezegun import freeze_time

from ledger import define_series, issue
from ledger.compat.django_sequence import (
    Sequence,
    SequenceError,
    SequenceExists,
    SequenceLockedError,
    SequenceNotFoundError,
    next_sequence,
)
from ledger.errors import InvalidArgument, PeriodClosed, UnknownSeries
from ledger.models import Entry, Period, Series
from ledger.periods import close_period, open_next_periods, open_period
from ledger.verification import verify
from tests.concurrency.checkouts import checkouts, in_threads, wait_until_blocked
from tests.shop.models import Organization


@pytest.fixture(autouse=True)
def sound(transactional_db: None) -> Iterator[None]:
    ContentType.objects.clear_cache()
    yield
    assert list(verify()) == []


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="A shop")


YEAR = timezone.now().year


class TestNextSequence:
    def test_the_documented_call(self, org: Organization) -> None:
        assert next_sequence("invoice", org=org) == f"INV-{YEAR}-000001"
        assert next_sequence("invoice", org=org) == f"INV-{YEAR}-000002"
        assert next_sequence("invoice", Organization.objects.create(name="Another")) == f"INV-{YEAR}-000001"
        assert next_sequence("invoice") == f"INV-{YEAR}-000001"

    def test_default_scopes(self) -> None:
        numbers = [next_sequence(scope) for scope in ("invoice", "order", "receipt", "ticket")]
        assert numbers == [f"INV-{YEAR}-000001", f"ORD-{YEAR}-000001", f"RCP-{YEAR}-000001", "TKT-000001"]

    def test_all_arguments_by_place(self, org: Organization) -> None:
        assert next_sequence("quote", org, "Q{1}-", 4, False, True) == "Q{1}-0001"
        assert next_sequence("draft", org, "D", 3) == f"D{YEAR}-001"
        assert next_sequence("order", org, pad_width=2, include_year=False) == "ORD-01"
        assert next_sequence("plain", org, pad_width=0, include_year=False) == "1"

    def test_the_sequence_keeps_the_form_it_was_made_with(self) -> None:
        assert next_sequence("quote", prefix="Q-") == f"Q-{YEAR}-000001"
        assert next_sequence("quote", prefix="X-", pad_width=2, include_year=False) == f"Q-{YEAR}-000002"

    def test_auto_create_off(self, org: Organization) -> None:
        with pytest.raises(SequenceNotFoundError, match="no sequence 'invoice'") as told:
            next_sequence("invoice", org=org, auto_create=False)
        assert isinstance(told.value, UnknownSeries)
        assert not Series.objects.exists()
        next_sequence("invoice", org=org)
        assert next_sequence("invoice", org=org, auto_create=False) == f"INV-{YEAR}-000002"

    def test_a_pad_width_that_no_number_has(self) -> None:
        with pytest.raises(ValueError, match="pad_width 40"):
            next_sequence("quote", prefix="Q-", pad_width=40)

    def test_every_number_is_a_row_and_issue_goes_on(self, org: Organization) -> None:
        number = next_sequence("invoice", org=org)
        with transaction.atomic():
            assert str(issue("invoice", org=org, document="order:1")) == f"INV-{YEAR}-000002"
        assert next_sequence("invoice", org=org) == f"INV-{YEAR}-000003"
        assert Entry.objects.order_by("value")[0].number == number

    def test_the_least_privilege_is_enough(self, least_privileged: str) -> None:
        assert next_sequence("quote", prefix="Q-") == f"Q-{YEAR}-000001"
        for number in (f"Q-{YEAR}-000002", f"Q-{YEAR}-000003"):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL ROLE {least_privileged}")
                assert next_sequence("quote", prefix="Q-") == number

    def test_a_rollback_gives_the_number_again(self) -> None:
        with transaction.atomic():
            assert next_sequence("invoice") == f"INV-{YEAR}-000001"
            transaction.set_rollback(True)
        assert next_sequence("invoice") == f"INV-{YEAR}-000001"

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_a_second_caller_waits(self, how: str) -> None:
        next_sequence("invoice")
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: next_sequence("invoice")) == f"INV-{YEAR}-000002"
            step = second.do(lambda: next_sequence("invoice"))
            wait_until_blocked(second, step)
            first.end(how)
            assert step.result(30) == f"INV-{YEAR}-00000{3 if how == 'commit' else 2}"

    def test_many_first_calls_at_once(self) -> None:
        numbers = in_threads(6, lambda at: next_sequence("quote", prefix="Q-", include_year=False))
        assert sorted(numbers) == [f"Q-00000{at}" for at in range(1, 7)]


class TestYears:
    @pytest.fixture(autouse=True)
    def own_clock(self, settings: Any) -> None:
        settings.LEDGER = {"CLOCK": "application", "MAX_DAYS_AHEAD": 1000}

    def numbers(self, *days: str) -> list[str]:
        got = []
        for day in days:
            with freeze_time(f"{day} 12:00:00"):
                got.append(next_sequence("invoice"))
        return got

    def test_each_year_begins_at_one(self) -> None:
        assert self.numbers("2026-12-30", "2026-12-31", "2027-01-01", "2028-05-01") == [
            "INV-2026-000001",
            "INV-2026-000002",
            "INV-2027-000001",
            "INV-2028-000001",
        ]

    def test_the_old_way_goes_on(self, settings: Any) -> None:
        settings.LEDGER_COMPAT = {"COUNT_ON_OVER_YEARS": True}
        assert self.numbers("2026-12-30", "2026-12-31", "2027-01-01", "2028-05-01") == [
            "INV-2026-000001",
            "INV-2026-000002",
            "INV-2027-000003",
            "INV-2028-000004",
        ]
        assert open_next_periods(ahead_days=400)["opened"] == 0  # the sweep leaves such years alone
        with freeze_time("2028-05-02"):
            assert Sequence.objects.get(scope="invoice").formatted_value == "INV-2028-000004"

    def test_the_old_way_waits_for_last_years_checkouts(self, settings: Any) -> None:
        settings.LEDGER = {}
        settings.LEDGER_COMPAT = {"COUNT_ON_OVER_YEARS": True}
        quote = define_series("quote", template="Q{year}-{counter}", calendar="explicit")
        last_year = date(YEAR - 1, 12, 31)
        open_period(quote, starts_on=date(YEAR - 1, 1, 1), ends_on=last_year)
        with checkouts(2) as (first, second):
            first.begin()
            assert str(first.run(lambda: issue("quote", on=last_year))) == f"Q{YEAR - 1}-1"
            step = second.do(lambda: next_sequence("quote"))
            wait_until_blocked(second, step)
            first.commit()
            assert step.result(30) == f"Q{YEAR}-2"
        with pytest.raises(PeriodClosed), transaction.atomic():
            issue("quote", on=last_year)

    def test_a_closed_year_says_so(self, settings: Any) -> None:
        settings.LEDGER_COMPAT = {"COUNT_ON_OVER_YEARS": True}
        self.numbers("2026-12-30")
        close_period(Period.objects.get(), early=True)
        with pytest.raises(PeriodClosed):
            self.numbers("2026-12-31")


class TestSequenceModel:
    def test_the_documented_creation(self, org: Organization) -> None:
        made = Sequence.objects.create(
            scope="ticket", org=org, prefix="TKT-", include_year=False, pad_width=6, current_value=0
        )
        assert (made.scope, made.prefix, made.include_year, made.pad_width) == ("ticket", "TKT-", False, 6)
        assert (made.current_value, made.formatted_value) == (0, "TKT-000000")
        assert (made.org, made.org_id) == (org, str(org.pk))
        assert made.org_content_type == ContentType.objects.get_for_model(org)
        assert next_sequence("ticket", org=org) == "TKT-000001"
        made.refresh_from_db()
        assert (made.current_value, made.formatted_value) == (1, "TKT-000001")

    def test_by_content_type_and_id(self, org: Organization) -> None:
        kind = ContentType.objects.get_for_model(Organization)
        made = Sequence.objects.create(scope="invoice", org_content_type=kind, org_id=org.pk, current_value=41)
        assert (made.prefix, made.formatted_value) == ("INV-", f"INV-{YEAR}-000041")
        assert next_sequence("invoice", org=org) == f"INV-{YEAR}-000042"
        assert Sequence.objects.get(scope="invoice", org_content_type=kind, org_id=org.pk) == made
        assert Period.objects.get().first_value == 42

    def test_goes_on_after_its_value_in_this_year_alone(self, settings: Any) -> None:
        settings.LEDGER = {"CLOCK": "application"}
        with freeze_time("2026-06-01"):
            Sequence.objects.create(scope="quote", prefix="Q-", current_value=7)
            assert next_sequence("quote") == "Q-2026-000008"
        with freeze_time("2027-06-01"):
            assert Sequence.objects.get(scope="quote").current_value == 0
            assert next_sequence("quote") == "Q-2027-000001"

    def test_finding(self, org: Organization) -> None:
        first = Sequence.objects.create(scope="quote", prefix="Q-", include_year=False)
        second = Sequence.objects.create(scope="quote", org=org, prefix="Q-", current_value=3)
        assert Sequence.objects.get(scope="quote", org=None) == first
        assert Sequence.objects.get(scope="quote", org=org) == second
        assert Sequence.objects.get(include_year=False) == first
        assert [*Sequence.objects.filter(scope="quote")] == [first, second]
        assert Sequence.objects.filter(org_id=org.pk).first() == second
        assert Sequence.objects.filter(current_value=3)[0] == second
        assert Sequence.objects.all().count() == len(Sequence.objects.all()) == 2
        assert not Sequence.objects.filter(scope="none").exists()
        assert Sequence.objects.filter(scope="none").first() is None
        assert (first.org, first.org_id, first.org_content_type) == (None, "", None)
        assert str(second) == f"quote: Q-{YEAR}-000003"

    def test_a_tenant_that_is_a_text(self) -> None:
        made = Sequence.objects.create(scope="quote", org="shop:7", prefix="Q-")
        assert (made.org, made.org_id) == ("shop:7", "")

    def test_get_or_create(self) -> None:
        made, new = Sequence.objects.get_or_create(scope="quote", defaults={"prefix": "Q-", "current_value": 5})
        assert (made.current_value, new) == (5, True)
        assert Sequence.objects.get_or_create(scope="quote", defaults={"prefix": "X-"}) == (made, False)

    def test_the_same_again(self) -> None:
        Sequence.objects.create(scope="invoice")
        with pytest.raises(IntegrityError, match="already") as told:
            Sequence.objects.create(scope="invoice")
        assert isinstance(told.value, SequenceExists)

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_two_make_it_at_once(self, how: str) -> None:
        def make(prefix: str) -> Sequence:
            return Sequence.objects.create(scope="quote", prefix=prefix, include_year=False, current_value=9)

        with checkouts(2) as (first, second):
            first.begin()
            first.run(lambda: make("Q-"))
            step = second.do(lambda: make("X-"))
            wait_until_blocked(second, step)
            first.end(how)
            if how == "commit":
                with pytest.raises(IntegrityError, match="already"):
                    step.result(30)
            else:
                assert step.result(30).formatted_value == "X-000009"

    def test_two_get_or_create_it_at_once(self) -> None:
        defaults = {"prefix": "Q-", "current_value": 5}
        with checkouts(2) as (first, second):
            first.begin()
            first.run(lambda: Sequence.objects.get_or_create(scope="quote", defaults=defaults))
            step = second.do(lambda: Sequence.objects.get_or_create(scope="quote", defaults=defaults))
            wait_until_blocked(second, step)
            first.commit()
            found, made = step.result(30)
        assert (found.current_value, made) == (5, False)

    def test_none_and_many(self, org: Organization) -> None:
        with pytest.raises(Sequence.DoesNotExist, match="no sequence 'invoice'"):
            Sequence.objects.get(scope="invoice")
        for owner in (None, org):
            Sequence.objects.create(scope="invoice", org=owner)
        with pytest.raises(MultipleObjectsReturned):
            Sequence.objects.get(scope="invoice")

    @pytest.mark.parametrize(
        "fields", [{"current_value": -1}, {"org_id": 7}, {"org": "a", "org_id": 7, "org_content_type": object()}]
    )
    def test_what_makes_no_sequence(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument):
            Sequence.objects.create(scope="invoice", **fields)
        assert not Series.objects.exists()

    def test_a_look_up_that_does_not_exist(self) -> None:
        with pytest.raises(InvalidArgument, match="scope__startswith"):
            Sequence.objects.filter(scope__startswith="inv")

    def test_its_attributes_cannot_be_set(self) -> None:
        made = Sequence.objects.create(scope="invoice")
        with pytest.raises(AttributeError):
            made.prefix = "X-"  # type: ignore[misc]


class TestTheRealPackage:
    """Behaviour that the package's documentation doesn't mention, but its own tests check."""

    def test_an_organisation_by_the_text_of_its_key(self, org: Organization) -> None:
        next_sequence("invoice", org=org)
        assert Sequence.objects.get(scope="invoice", org_id=str(org.pk)).current_value == 1
        assert Sequence.objects.filter(scope="invoice", org_id=str(org.pk + 1)).first() is None

    @pytest.mark.parametrize("nobody", [{"org_content_type": None, "org_id": ""}, {"org_id": ""}, {"org": None}])
    def test_its_spelling_of_nobody(self, nobody: dict[str, Any], org: Organization) -> None:
        made = Sequence.objects.create(scope="global", prefix="G-", include_year=False, **nobody)
        Sequence.objects.create(scope="global", org=org, prefix="G-")
        assert Sequence.objects.get(scope="global", **nobody) == made
        assert Sequence.objects.get_or_create(scope="global", **nobody) == (made, False)
        assert [*Sequence.objects.filter(**nobody)] == [made]
        assert next_sequence("global") == "G-000001"

    def test_its_errors(self, org: Organization) -> None:
        with pytest.raises(SequenceError):
            next_sequence("invoice", auto_create=False)
        next_sequence("invoice")
        with checkouts(2) as (first, second):
            first.begin()
            first.run(lambda: next_sequence("invoice"))
            second.begin()
            with pytest.raises(SequenceLockedError, match="held by another"):
                second.run(lambda: Sequence.objects.select_for_update(nowait=True).get(scope="invoice"))
            second.run(lambda: connection.cursor().execute("SET LOCAL lock_timeout = '10ms'"))
            with pytest.raises(SequenceLockedError):
                second.run(lambda: next_sequence("invoice"))
            first.rollback()

    def test_order_first_count_exists(self) -> None:
        for scope in ("b", "a", "c"):
            Sequence.objects.create(scope=scope, prefix=f"{scope}-")
        assert [one.scope for one in Sequence.objects.order_by("-scope")] == ["c", "b", "a"]
        first, last = Sequence.objects.first(), Sequence.objects.order_by("scope").last()
        assert first is not None
        assert last is not None
        assert (first.scope, last.scope) == ("b", "c")
        assert (Sequence.objects.count(), Sequence.objects.exists()) == (3, True)
        assert not Sequence.objects.filter(scope="d").exists()

    def test_counting_by_hand(self) -> None:
        Sequence.objects.create(scope="ticket", prefix="T-", include_year=False)
        for value in (1, 2):
            with transaction.atomic():
                sequence = Sequence.objects.select_for_update().get(scope="ticket")
                sequence.current_value += 1
                sequence.save(update_fields=["current_value"])
                assert sequence.formatted_value == f"T-00000{value}"
        assert [entry.number for entry in Entry.objects.filter(kind="issued").order_by("value")] == [
            "T-000001",
            "T-000002",
        ]
        assert next_sequence("ticket") == "T-000003"

    def test_counting_by_hand_needs_the_lock(self) -> None:
        next_sequence("ticket")
        sequence = Sequence.objects.get(scope="ticket")
        next_sequence("ticket")
        sequence.current_value += 1
        with pytest.raises(SequenceLockedError, match="stood at 1 when it was read, and stands at 2 now"):
            sequence.save()
        assert next_sequence("ticket") == "TKT-000003"
        with pytest.raises(TransactionManagementError):
            Sequence.objects.select_for_update().get(scope="ticket")

    @pytest.mark.parametrize("how", ["commit", "rollback"])
    def test_who_counts_by_hand_is_waited_for(self, how: str) -> None:
        next_sequence("ticket")
        with checkouts(2) as (first, second):
            first.begin()
            sequence = first.run(lambda: Sequence.objects.select_for_update().get(scope="ticket"))
            sequence.current_value += 1
            step = second.do(lambda: next_sequence("ticket"))
            wait_until_blocked(second, step)
            first.run(sequence.save)
            first.end(how)
            assert step.result(30) == f"TKT-00000{3 if how == 'commit' else 2}"

    def test_forward_leaves_gaps_that_say_so(self) -> None:
        next_sequence("ticket")
        assert Sequence.objects.filter(scope="ticket").update(current_value=4) == 1
        assert next_sequence("ticket") == "TKT-000005"
        gaps = Entry.objects.filter(kind="gap").order_by("value")
        assert [(gap.number, gap.metadata["cause"]) for gap in gaps] == [
            (f"TKT-00000{value}", "skipped") for value in (2, 3, 4)
        ]
        sequence = Sequence.objects.get(scope="ticket")
        sequence.current_value = 7
        sequence.save()
        assert next_sequence("ticket") == "TKT-000008"

    def test_before_the_first_number_it_begins_there(self) -> None:
        Sequence.objects.create(scope="ticket")
        assert Sequence.objects.filter(scope="ticket").update(current_value=1000) == 1
        assert next_sequence("ticket") == "TKT-001001"
        assert Entry.objects.count() == 1

    @pytest.mark.parametrize(
        ("value", "told"), [(1, "never goes back"), (20_000, "at most 10,000"), (F("current_value") + 1, "whole")]
    )
    def test_where_it_cannot_stand(self, value: Any, told: str) -> None:
        for _ in range(2):
            next_sequence("ticket")
        with pytest.raises(InvalidArgument, match=told):
            Sequence.objects.filter(scope="ticket").update(current_value=value)
        assert next_sequence("ticket") == "TKT-000003"

    def test_not_where_values_wait(self) -> None:
        define_series("ticket", template="P{counter}", calendar="never", allocation="pooled")
        next_sequence("ticket")
        with pytest.raises(InvalidArgument, match="wait in a pool"):
            Sequence.objects.filter(scope="ticket").update(current_value=9)

    def test_without_a_prefix_as_its_code_has_it(self, settings: Any) -> None:
        settings.LEDGER_COMPAT = {"DEFAULT_PREFIXES": False}
        assert next_sequence("invoice") == f"{YEAR}-000001"
        assert next_sequence("ticket", include_year=False) == "000001"

    def test_two_scopes_without_a_prefix_are_two_series(self) -> None:
        assert [next_sequence(scope) for scope in ("quote", "case", "quote", "case")] == [
            f"{YEAR}-00000{value}" for value in (1, 1, 2, 2)
        ]
        assert Sequence.objects.get(scope="case").formatted_value == f"{YEAR}-000002"
        assert sorted(Entry.objects.values_list("number", flat=True)) == [
            *(f"{YEAR}-00000{value}" for value in (1, 2)),
            *(f"case:{YEAR}-00000{value}" for value in (1, 2)),
        ]
