"""One checkout at a time: what `issue`, `issue_many`, `preview` and `void` promise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test import override_settings
from freezegun import freeze_time

from ledger import close_period, define_series, issue, issue_many, open_period, preview, void
from ledger import errors as e
from ledger.models import Entry, NumberIssued, NumberVoided, Period, Series
from tests.shop.models import Order, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Organization:
    return Organization.objects.create(name="Shop")


@pytest.fixture
def order(shop: Organization) -> Order:
    return Order.objects.create(org=shop, reference="A1")


def counters() -> list[tuple[str, int]]:
    return list(Period.objects.order_by("id").values_list("prefix", "last_value"))


class TestDefaults:
    @pytest.mark.parametrize(
        ("code", "number"),
        [
            ("invoice", "INV-2026-000001"),
            ("order", "ORD-2026-000001"),
            ("receipt", "RCP-2026-000001"),
            ("ticket", "TKT-000001"),
        ],
    )
    def test_a_default_series_makes_itself(self, code: str, number: str) -> None:
        assert str(issue(code, on=date(2026, 5, 1))) == number
        assert Series.objects.get(code=code).tenant == ""

    def test_yearly_ones_start_again_and_tickets_do_not(self) -> None:
        days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)]
        assert [str(issue("invoice", on=day)) for day in days] == [
            "INV-2026-000001",
            "INV-2027-000001",
            "INV-2027-000002",
        ]
        assert [str(issue("ticket", on=day)) for day in days] == ["TKT-000001", "TKT-000002", "TKT-000003"]

    def test_an_unknown_series_says_what_there_is_and_what_to_do(self) -> None:
        issue("invoice")
        with pytest.raises(e.UnknownSeries, match=r"no series 'invioce'.*has invoice\..*define_series\('invioce'"):
            issue("invioce")

    @override_settings(LEDGER={"DEFAULT_SERIES": {"credit": {"template": "CN{year:2}-{counter:04}"}}})
    def test_the_setting_adds_series(self) -> None:
        assert str(issue("credit", on=date(2026, 1, 1))) == "CN26-0001"

    def test_a_tenant_is_a_model_instance_a_text_or_nothing(self, shop: Organization) -> None:
        assert issue("invoice", org=shop).tenant == f"shop.organization:{shop.pk}"
        assert issue("invoice", org="shop-7").tenant == "shop-7"
        assert issue("invoice").tenant == ""
        assert Entry.objects.filter(value=1).count() == 3, "each tenant has a counter of its own"


class TestTheEntry:
    def test_has_the_facts(self, shop: Organization, order: Order) -> None:
        entry = issue("invoice", org=shop, document=order, on=date(2026, 3, 4), metadata={"channel": "web"}, by="ann")
        stored = NumberIssued.objects.get()
        assert type(entry) is NumberIssued
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname
        assert stored.document == f"shop.order:{order.pk}"
        assert (stored.value, stored.number, stored.kind) == (1, "INV-2026-000001", "issued")
        assert (stored.issued_on, stored.actor, stored.metadata) == (date(2026, 3, 4), "ann", {"channel": "web"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            assert cursor.fetchone() == (stored.transaction_id,)
        assert abs((datetime.now(UTC) - stored.issued_at).total_seconds()) < 60

    def test_takes_one_round_trip_in_an_opened_period(self, django_assert_num_queries: object) -> None:
        issue("invoice", document="a")
        with django_assert_num_queries(1):  # type: ignore[operator]
            issue("invoice", document="b", metadata={"a": 1}, by="ann")


class TestIdempotence:
    def test_the_same_document_has_the_same_number(self, order: Order) -> None:
        first = issue("invoice", document=order)
        again = issue("invoice", document=order)
        assert again == first
        assert type(again) is NumberIssued
        assert counters() == [(first.period.prefix, 1)]

    def test_also_a_day_later_when_no_date_is_stated(self, order: Order) -> None:
        first = issue("invoice", document=order, on=date(2026, 12, 31))
        assert issue("invoice", document=order) == first

    def test_another_date_in_the_same_period_is_no_other_fact(self, order: Order) -> None:
        first = issue("invoice", document=order, on=date(2026, 1, 1))
        assert issue("invoice", document=order, on=date(2026, 12, 31)) == first

    @pytest.mark.parametrize("on", [date(2025, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)])
    def test_another_period_is(self, order: Order, on: date) -> None:
        issue("invoice", document=order, on=date(2026, 6, 1))
        before = counters()
        with pytest.raises(e.DocumentConflict, match=r"'INV-2026-000001'.*2026-01-01 to 2026-12-31.*on=202"):
            issue("invoice", document=order, on=on)
        assert counters() == before

    def test_other_metadata_is(self, order: Order) -> None:
        issue("invoice", document=order, metadata={"total": "10.00"})
        assert issue("invoice", document=order).value == 1, "what is left out is not stated"
        assert issue("invoice", document=order, metadata={"total": "10.00"}).value == 1
        with pytest.raises(e.DocumentConflict, match="metadata"):
            issue("invoice", document=order, metadata={"total": "12.00"})
        with pytest.raises(e.DocumentConflict, match="metadata"):
            issue("invoice", document=order, metadata={})

    def test_a_document_has_one_number_in_each_series(self, order: Order) -> None:
        assert str(issue("invoice", document=order, on=date(2026, 1, 1))) == "INV-2026-000001"
        assert str(issue("receipt", document=order, on=date(2026, 1, 1))) == "RCP-2026-000001"

    def test_without_a_document_each_call_takes_a_number(self) -> None:
        assert [issue("invoice").value, issue("invoice").value] == [1, 2]


class TestTheDate:
    def series(self, **settings: object) -> Series:
        chosen = {
            "template": "R{fy_start}/{fy_end}-{counter:04}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
            "time_zone": "Asia/Kolkata",
        }
        return define_series("fy", **{**chosen, **settings})  # type: ignore[arg-type]

    def test_the_fiscal_year_of_the_issue(self) -> None:
        self.series()
        assert str(issue("fy", on=date(2022, 4, 1))) == "R2022/2023-0001"
        assert str(issue("fy", on=date(2023, 3, 31))) == "R2022/2023-0002"
        assert str(issue("fy", on=date(2023, 4, 1))) == "R2023/2024-0001"

    def test_half_past_midnight_in_kolkata_is_the_new_year(self) -> None:
        """On 31 March in UTC: the series' time zone decides, not the server's."""
        self.series()
        sale = datetime(2023, 3, 31, 19, 0, tzinfo=UTC)
        entry = issue("fy", on=sale)
        assert str(entry) == "R2023/2024-0001"
        assert entry.issued_on == date(2023, 4, 1)
        assert issue("fy", on=sale.astimezone(ZoneInfo("America/New_York")), document="x").issued_on == date(2023, 4, 1)

    @override_settings(LEDGER={"CLOCK": "application"})
    def test_today_is_the_series_day_by_the_application_s_clock(self) -> None:
        self.series()
        with freeze_time("2023-03-31 19:00:00"):
            assert str(issue("fy")) == preview("fy").replace("0002", "0001") == "R2023/2024-0001"
        with freeze_time("2023-03-31 18:00:00"):
            assert str(issue("fy")) == "R2022/2023-0001"

    def test_today_is_by_the_database_s_clock_otherwise(self) -> None:
        self.series()
        with connection.cursor() as cursor:
            cursor.execute("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Kolkata')::date")
            today = cursor.fetchone()[0]
        with freeze_time("2001-01-01"):
            assert issue("fy").issued_on == today

    def test_a_back_dated_document_takes_its_own_year_s_counter(self) -> None:
        for _ in range(3):
            issue("invoice", on=date(2025, 12, 31))
        issue("invoice", on=date(2026, 1, 2))
        assert str(issue("invoice", on=date(2025, 12, 30))) == "INV-2025-000004"
        assert str(issue("invoice", on=date(2026, 1, 3))) == "INV-2026-000002"

    def test_a_closed_period_refuses(self) -> None:
        entry = issue("invoice", on=date(2025, 6, 1))
        close_period(entry.period)
        with pytest.raises(e.PeriodClosed, match=r"2025-06-02.*2025-01-01 to 2025-12-31"):
            issue("invoice", on=date(2025, 6, 2))
        assert (Entry.objects.count(), counters()) == (1, [("INV-2025-", 1)])
        with pytest.raises(e.PeriodClosed):
            preview("invoice", on=date(2025, 6, 2))

    def test_a_running_period_is_closed_only_early(self) -> None:
        entry = issue("invoice")
        with pytest.raises(e.PeriodError, match="still runs"):
            close_period(entry.period)
        assert close_period(entry.period, early=True).closed_at is not None

    def test_the_chronology_guard_refuses_before_a_number_is_taken(self) -> None:
        self.series(chronological=True)
        issue("fy", on=date(2022, 5, 10))
        with pytest.raises(e.OutOfOrder, match="2022-05-09 is before 2022-05-10"):
            issue("fy", on=date(2022, 5, 9))
        with pytest.raises(e.OutOfOrder):
            issue_many("fy", documents=["a", "b"], on=date(2022, 5, 9))
        with pytest.raises(e.OutOfOrder):
            preview("fy", on=date(2022, 5, 9))
        assert counters() == [("R2022/2023-", 1)]
        assert str(issue("fy", on=date(2022, 5, 10))) == "R2022/2023-0002", "the same day is in order"
        assert str(issue("fy", on=date(2022, 3, 1))) == "R2021/2022-0001", "another period has its own order"

    def test_the_guard_switched_on_later_knows_the_dates_before(self) -> None:
        self.series()
        issue("fy", on=date(2022, 5, 10))
        issue("fy", on=date(2022, 5, 5))
        self.series(chronological=True)
        with pytest.raises(e.OutOfOrder, match="before 2022-05-10"):
            issue("fy", on=date(2022, 5, 9))

    @pytest.mark.parametrize("on", [datetime(2026, 1, 1), "2026-01-01", 20260101])
    def test_a_date_is_never_guessed(self, on: date) -> None:
        with pytest.raises(e.InvalidDate):
            issue("invoice", on=on)
        assert not Series.objects.exists()


class TestWidthAndLength:
    def test_the_counter_outgrows_its_width(self) -> None:
        series = define_series("r", template="R{counter:04}", calendar="never", start_value=9998)
        assert [str(issue("r")) for _ in range(4)] == ["R9998", "R9999", "R10000", "R10001"]
        assert list(Entry.objects.filter(series=series).order_by("value").values_list("number", flat=True)) == [
            "R9998",
            "R9999",
            "R10000",
            "R10001",
        ]

    def test_the_length_limit_is_kept_and_nothing_is_burnt(self) -> None:
        define_series("r", template="R{counter:02}", calendar="never", start_value=98, max_length=3)
        assert [str(issue("r")), str(issue("r"))] == ["R98", "R99"]
        for call in (lambda: issue("r"), lambda: issue_many("r", documents=["a"]), lambda: preview("r")):
            with pytest.raises(e.PeriodExhausted, match=r"'R100', of 4 characters.*limit is 3"):
                call()
        assert counters() == [("R", 99)]

    def test_a_block_that_would_outgrow_it_takes_nothing(self) -> None:
        define_series("r", template="R{counter:02}", calendar="never", start_value=98, max_length=3)
        with pytest.raises(e.PeriodExhausted):
            issue_many("r", documents=["a", "b", "c"])
        assert counters() == [("R", 97)]
        assert [str(entry) for entry in issue_many("r", documents=["a", "b"])] == ["R98", "R99"]


class TestBlocks:
    def test_ten_thousand_orders_get_a_contiguous_block_in_one_statement(
        self, django_assert_num_queries: object
    ) -> None:
        documents = [f"order:{number}" for number in range(10_000)]
        issue("invoice", document="before", on=date(2026, 1, 1))
        with django_assert_num_queries(1):  # type: ignore[operator]
            entries = issue_many("invoice", documents=documents, on=date(2026, 1, 1), metadata={"run": 7}, by="batch")
        assert [entry.document for entry in entries] == documents
        assert [entry.value for entry in entries] == list(range(2, 10_002))
        assert str(entries[-1]) == "INV-2026-010001"
        stored = Entry.objects.get(document="order:9999")
        assert (stored.value, stored.metadata, stored.actor) == (10_001, {"run": 7}, "batch")
        for field in Entry._meta.concrete_fields:
            assert getattr(entries[-1], field.attname) == getattr(stored, field.attname), field.attname

    def test_those_with_a_number_keep_it_and_take_none(self) -> None:
        old = issue("invoice", document="b")
        entries = issue_many("invoice", documents=["a", "b", "c", "a"])
        assert [entry.value for entry in entries] == [2, 1, 3, 2]
        assert entries[1] == old
        assert counters()[0][1] == 3
        assert [entry.value for entry in issue_many("invoice", documents=["c", "a"])] == [3, 2]
        assert counters()[0][1] == 3

    def test_other_facts_are_refused(self) -> None:
        issue("invoice", document="b", on=date(2025, 1, 1))
        with pytest.raises(e.DocumentConflict, match="'b'"):
            issue_many("invoice", documents=["a", "b"], on=date(2026, 1, 1))
        issue("invoice", document="c", on=date(2026, 1, 1), metadata={"a": 1})
        with pytest.raises(e.DocumentConflict, match="'c'.*metadata"):
            issue_many("invoice", documents=["a", "c"], metadata={"a": 2})
        with pytest.raises(e.DocumentConflict, match="'c'.*metadata"):
            issue_many("invoice", documents=["c"], metadata={"a": 2})
        assert Entry.objects.count() == 2, "the others of a refused block took no number"
        assert counters() == [("INV-2025-", 1), ("INV-2026-", 1)]

    def test_a_retry_finds_its_numbers_in_a_closed_period_too(self) -> None:
        entries = issue_many("invoice", documents=["a", "b"], on=date(2025, 1, 1))
        close_period(entries[0].period)
        assert issue_many("invoice", documents=["b", "a"], on=date(2025, 1, 1)) == entries[::-1]
        with pytest.raises(e.PeriodClosed):
            issue_many("invoice", documents=["b", "c"], on=date(2025, 1, 1))

    def test_documents_are_needed(self) -> None:
        assert issue_many("invoice", documents=[]) == []
        with pytest.raises(e.InvalidDocument, match="Document 2 of 2"):
            issue_many("invoice", documents=["a", None])
        with pytest.raises(e.UnknownSeries):
            issue_many("nope", documents=["a"])


class TestRollback:
    def test_a_savepoint_leaves_no_trace_and_no_gap(self) -> None:
        issue("invoice")
        savepoint = transaction.savepoint()
        issue("invoice")
        issue_many("invoice", documents=["a", "b"])
        transaction.savepoint_rollback(savepoint)
        assert issue("invoice").value == 2
        assert list(Entry.objects.order_by("value").values_list("value", flat=True)) == [1, 2]

    def test_a_refusal_leaves_the_transaction_usable(self) -> None:
        with pytest.raises(e.UnknownSeries):
            issue("nope")
        assert issue("invoice").value == 1


class TestPreview:
    def test_writes_nothing_and_names_the_next(self) -> None:
        assert preview("invoice", on=date(2026, 1, 1)) == "INV-2026-000001"
        assert not Series.objects.exists()
        issue("invoice", on=date(2026, 1, 1))
        assert preview("invoice", on=date(2026, 1, 1)) == "INV-2026-000002"
        assert preview("invoice", on=date(2027, 1, 1)) == "INV-2027-000001"
        assert Period.objects.count() == 1

    def test_refuses_what_issue_refuses(self) -> None:
        with pytest.raises(e.UnknownSeries):
            preview("nope")
        define_series("off", template="OFF{year}-{counter}", is_active=False)
        with pytest.raises(e.InactiveSeries):
            preview("off")
        with pytest.raises(e.InactiveSeries):
            issue("off")


class TestVoid:
    def test_appends_an_event_and_the_number_is_never_given_again(self, order: Order) -> None:
        entry = issue("invoice", document=order)
        event = void(entry, reason="  payment reversed ", by="ann", replacement="order:18")
        assert (event.entry_id, event.reason, event.actor, event.replacement) == (
            entry.pk,
            "payment reversed",
            "ann",
            "order:18",
        )
        assert issue("invoice").value == 2
        assert issue("invoice", document=order) == entry, "its document keeps it"

    def test_twice_is_an_error_that_tells_of_the_first(self) -> None:
        entry = issue("invoice")
        void(entry, reason="payment reversed", by="ann")
        with pytest.raises(e.AlreadyVoided, match="by ann: payment reversed"):
            void(entry, reason="again")
        assert NumberVoided.objects.count() == 1

    def test_by_number_and_tenant_without_regard_to_case(self, shop: Organization) -> None:
        entry = issue("invoice", org=shop, on=date(2026, 1, 1))
        with pytest.raises(e.UnknownNumber, match="Tenant ''"):
            void("INV-2026-000001", reason="wrong tenant")
        assert void("inv-2026-000001", org=shop, reason="right tenant").entry_id == entry.pk

    def test_in_a_closed_period(self) -> None:
        entry = issue("invoice", on=date(2025, 1, 1))
        close_period(entry.period)
        assert void(entry, reason="found in the audit").entry_id == entry.pk

    @pytest.mark.parametrize("reason", ["", "   ", None, "x" * 1001, "a\x00b"])
    def test_a_reason_is_required(self, reason: str) -> None:
        entry = issue("invoice")
        with pytest.raises(e.InvalidReason):
            void(entry, reason=reason)


class TestPeriods:
    def test_explicit_periods_of_any_length(self) -> None:
        series = define_series("x", template="X{year}{month}-{counter:03}", calendar="explicit")
        with pytest.raises(e.NoPeriod, match="none yet"):
            issue("x", on=date(2026, 1, 1))
        open_period(series, starts_on=date(2025, 11, 15), ends_on=date(2025, 12, 31))
        open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2027, 1, 2))
        assert str(issue("x", on=date(2025, 12, 31))) == "X202511-001"
        assert str(issue("x", on=date(2027, 1, 2))) == "X202601-001"
        with pytest.raises(e.NoPeriod, match=r"holds 2025-11-14; it has 2025-11-15 to 2025-12-31"):
            issue("x", on=date(2025, 11, 14))

    def test_periods_may_not_overlap(self) -> None:
        series = define_series("x", template="X{year}{month}{day}-{counter:03}", calendar="explicit")
        open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2026, 6, 30))
        with pytest.raises(e.PeriodConflict, match="overlaps 2026-01-01 to 2026-06-30"):
            open_period(series, starts_on=date(2026, 6, 30), ends_on=date(2026, 12, 31))
        with pytest.raises(e.PeriodConflict, match="overlaps"):
            open_period(series, starts_on=date(2025, 6, 30), ends_on=date(2026, 12, 31))
        assert open_period(series, starts_on=date(2026, 7, 1), ends_on=date(2026, 7, 1)).ends_on == date(2026, 7, 1)

    def test_two_periods_may_not_render_the_same_numbers(self) -> None:
        series = define_series("x", template="X{year}-{counter:03}", calendar="explicit")
        open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2026, 6, 30))
        with pytest.raises(e.PeriodConflict, match="could repeat the numbers of x 2026-01-01"):
            open_period(series, starts_on=date(2026, 7, 1), ends_on=date(2026, 12, 31))

    def test_two_series_of_a_tenant_may_not_either(self) -> None:
        define_series("a", template="N-{counter:04}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="has the template 'N-{counter:04}' as well"):
            define_series("b", template="n-{counter:04}", calendar="never")
        define_series("b", template="n-{counter:03}", calendar="never")
        issue("a")
        with pytest.raises(e.PeriodConflict, match=r"could repeat the numbers of a for ever: 'n-001' follows 'N-0001'"):
            issue("b")
        define_series("b", org="other", template="N-{counter:04}", calendar="never")

    def test_nor_may_their_counters_meet_in_the_end(self) -> None:
        """N-1 and two digits, N- and three: both would give N-100, and the second series would stand still there."""
        define_series("a", template="N-{counter:03}", calendar="never")
        define_series("b", template="N-1{counter:02}", calendar="never")
        define_series("c", template="N-{counter:02}9", calendar="never")
        define_series("d", template="N-A{counter:02}", calendar="never")
        issue("a")
        for code in ("b", "c"):
            with pytest.raises(e.PeriodConflict, match="could repeat"):
                issue(code)
        assert str(issue("d")) == "N-A01"

    @pytest.mark.parametrize(
        "arguments",
        [
            {"starts_on": date(2026, 1, 1)},
            {"ends_on": date(2026, 1, 1)},
            {"day": date(2026, 1, 1), "starts_on": date(2026, 1, 1), "ends_on": date(2026, 1, 1)},
            {"starts_on": date(2026, 1, 2), "ends_on": date(2026, 1, 1)},
            {"day": date(2026, 1, 1), "first_value": -1},
            {"day": date(2026, 1, 1), "first_value": 10**60},
        ],
    )
    def test_arguments_that_make_no_period(self, arguments: dict[str, object]) -> None:
        series = define_series("s", template="S{year}-{counter:04}", calendar="year")
        with pytest.raises(e.InvalidArgument):
            open_period(series, **arguments)  # type: ignore[arg-type]
        assert not Period.objects.exists()

    def test_a_changed_fiscal_year_needs_the_stretch_between(self) -> None:
        define_series("c", template="C{year}-{counter:03}", calendar="year")
        issue("c", on=date(2026, 5, 1))
        change = {"template": "C{fy_start}/{fy_end}-{counter:03}", "calendar": "fiscal-year", "fiscal_start": "04-01"}
        with pytest.raises(e.InvalidCalendar, match=r"open c --starts-on 2027-01-01 --ends-on 2027-03-31"):
            define_series("c", **change)
        series = Series.objects.get(code="c")
        assert series.calendar == "year"
        open_period(series, starts_on=date(2027, 1, 1), ends_on=date(2027, 3, 31))
        define_series("c", **change)
        days = [date(2026, 5, 2), date(2027, 2, 1), date(2027, 4, 1)]
        assert [str(issue("c", on=day)) for day in days] == ["C2026-002", "C2027-001", "C2027/2028-001"]

    def test_a_short_first_year_starts_where_the_system_before_stopped(self) -> None:
        series = define_series("s", template="S{year}-{counter:04}", calendar="year")
        open_period(series, starts_on=date(2026, 10, 1), ends_on=date(2026, 12, 31), first_value=501)
        assert str(issue("s", on=date(2026, 11, 1))) == "S2026-0501"
        assert str(issue("s", on=date(2027, 1, 1))) == "S2027-0001"

    def test_a_changed_template_holds_from_the_next_period_on(self) -> None:
        issue("invoice", on=date(2026, 1, 1))
        define_series("invoice", template="I{year}/{counter:04}")
        assert str(issue("invoice", on=date(2026, 2, 1))) == "INV-2026-000002"
        assert str(issue("invoice", on=date(2027, 2, 1))) == "I2027/0001"


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"org": 7}, e.InvalidTenant),
            ({"org": Organization()}, e.InvalidTenant),
            ({"org": "a\nb"}, e.InvalidTenant),
            ({"document": 7}, e.InvalidDocument),
            ({"document": ""}, e.InvalidDocument),
            ({"document": Order()}, e.InvalidDocument),
            ({"document": "x" * 201}, e.InvalidDocument),
            ({"metadata": [1]}, e.InvalidMetadata),
            ({"metadata": {"a": float("nan")}}, e.InvalidMetadata),
            ({"metadata": {"a": object()}}, e.InvalidMetadata),
            ({"metadata": {"a": "\x00"}}, e.InvalidMetadata),
            ({"by": 7}, e.InvalidActor),
        ],
    )
    def test_bad_ones_are_named_and_nothing_is_written(
        self, arguments: dict[str, object], error: type[Exception]
    ) -> None:
        with pytest.raises(error) as caught:
            issue("invoice", **arguments)  # type: ignore[arg-type]
        told = caught.value
        assert isinstance(told, e.InvalidArgument)
        assert isinstance(told, ValueError)
        assert all([told.problem, told.rule, told.remedy])
        assert not Series.objects.exists()

    @pytest.mark.parametrize(
        "settings",
        [
            {"calendar": "weekly"},
            {"time_zone": "Mars/Olympus"},
            {"start_value": -1},
            {"max_length": 0},
            {"max_length": 101},
            {"allocation": "magic"},
            {"template": "N-{counter}"},
            {"colour": "red"},
            {"start_value": 10**9, "max_length": 8},
        ],
    )
    def test_bad_settings_of_a_series(self, settings: dict[str, object]) -> None:
        with pytest.raises(e.InvalidArgument):
            define_series("s", **{"template": "N{year}-{counter}", **settings})  # type: ignore[arg-type]
        assert not Series.objects.exists()

    @pytest.mark.parametrize("code", ["", " a", "a\nb", "x" * 201])
    def test_bad_codes(self, code: str) -> None:
        with pytest.raises(e.InvalidSeries):
            define_series(code, template="N{year}-{counter}")
