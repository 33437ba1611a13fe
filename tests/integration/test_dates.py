"""The business date picks the period; width and length of its numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import override_settings
from freezegun import freeze_time

from ledger import define_series, errors as e, issue, issue_many, open_period, preview, void
from ledger.models import Entry, Period, Series
from ledger.verification import verify

pytestmark = pytest.mark.django_db


def counters() -> list[tuple[str, int]]:
    return list(Period.objects.order_by("id").values_list("prefix", "last_value"))


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
        """It is still 31 March in UTC: the series' time zone decides, not the server's."""
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

    def test_a_date_too_far_ahead_is_refused_wherever_it_is_stated(self) -> None:
        series = define_series("fy", template="R{year}-{counter:04}", max_days_ahead=400, time_zone="UTC")
        far = datetime.now(UTC).date() + timedelta(days=402)
        for call in (
            lambda: issue("fy", on=far),
            lambda: issue("fy", on=datetime(far.year, far.month, far.day, 12, tzinfo=UTC)),
            lambda: issue_many("fy", documents=["a", "b"], on=far),
            lambda: preview("fy", on=far),
        ):
            with pytest.raises(e.InvalidDate, match=f"{far} lies more than 400 days ahead"):
                call()
        with pytest.raises(e.InvalidDate, match="lies more than 400 days ahead"):
            open_period(series, far.replace(year=far.year + 2, day=1))
        assert not Period.objects.exists()
        near = datetime.now(UTC).date() + timedelta(days=399)
        assert str(issue("fy", on=near)) == str(preview("fy", on=near)).replace("0002", "0001")

    def test_voiding_a_mistyped_date_frees_the_series(self) -> None:
        self.series(chronological=True)
        issue("fy", on=date(2022, 5, 10))
        mistyped = issue("fy", on=date(2023, 3, 1))
        for _ in range(2):
            with pytest.raises(e.OutOfOrder, match="2022-05-11 is before 2023-03-01.*void its number"):
                issue("fy", on=date(2022, 5, 11))
        void(mistyped, reason="mistyped date")
        assert preview("fy", on=date(2022, 5, 11)) == "R2022/2023-0003"
        for call in (
            lambda: issue("fy", on=date(2022, 5, 9)),
            lambda: preview("fy", on=date(2022, 5, 9)),
            lambda: issue_many("fy", documents=["a"], on=date(2022, 5, 9)),
        ):
            with pytest.raises(e.OutOfOrder, match="2022-05-09 is before 2022-05-10"):
                call()
        assert str(issue("fy", on=date(2022, 5, 11))) == "R2022/2023-0003"
        assert Period.objects.get().last_issued_on == date(2022, 5, 11)

    def test_voiding_the_only_number_frees_it_too(self) -> None:
        self.series(chronological=True)
        void(issue("fy", on=date(2023, 3, 1)), reason="mistyped date")
        assert [str(entry) for entry in issue_many("fy", documents=["a", "b"], on=date(2022, 5, 1))] == [
            "R2022/2023-0002",
            "R2022/2023-0003",
        ]
        assert [alarm for alarm in verify() if alarm.check == "latest-date"] == []

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
