"""A setting takes effect, or its answer says from when: periods opened ahead, periods that never end, length limits."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client

from ledger import define_series, errors as e, issue, issue_many, open_next_periods, open_period, preview
from ledger.models import Allocation, Entry, Period, PeriodChanged, Series
from ledger.periods import series_without_period
from ledger.verification import verify
from ledger.zones import today_in
from tests.integration import pages
from tests.integration.admin_pages import SETTINGS, url
from tests.integration.test_poison_pages import EVERYTHING

pytestmark = pytest.mark.django_db

ZONE = "Europe/Berlin"


@pytest.fixture
def today() -> date:
    return today_in(ZONE, "default")


def spans(series: Series) -> list[tuple[date, date, str]]:
    rows = Period.objects.filter(series=series).order_by("starts_on")
    return [(row.starts_on, row.ends_on, row.as_format().number(row.first_value)) for row in rows]


def end(day: date) -> date:
    """The last day of the month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


class TestAPeriodThatIsStillEmpty:
    def test_one_that_a_sweep_opened_ahead_follows_a_new_template(self, today: date) -> None:
        """December: a sweep has opened January, and then January gets another template."""
        series = define_series("m", template="A{year}{month}-{counter:03}", calendar="month", time_zone=ZONE)
        issue("m")
        open_next_periods(ahead_days=40)
        following = end(today) + timedelta(days=1)
        assert Period.objects.filter(series=series, starts_on=following).exists()
        changed = define_series("m", template="B{year}{month}/{counter:04}", start_value=7, by="ada")
        assert changed.holds_from == following
        assert str(issue("m")) == f"A{today:%Y%m}-002", "one that has numbers keeps its form"
        assert str(issue("m", on=following)) == f"B{following:%Y%m}/0007"
        event = PeriodChanged.objects.filter(period__starts_on=following).latest("pk")
        assert (event.new["suffix"], event.actor) == ("", "ada") if "suffix" in event.new else event.actor == "ada"
        assert event.new["width"] == 4

    def test_without_any_number_it_applies_at_once(self, today: date) -> None:
        series = define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        open_period(series)
        assert define_series("y", template="B{year}-{counter:03}").holds_from == today
        assert str(issue("y")) == f"B{today.year}-001"

    def test_nothing_is_said_where_the_form_stays(self) -> None:
        define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        assert define_series("y", max_days_ahead=9).holds_from is None
        assert define_series("y", max_days_ahead=9).holds_from is None

    @pytest.mark.parametrize("allocation", [Allocation.POOLED, Allocation.RESERVED])
    def test_values_that_wait_are_numbers(self, allocation: str, today: date) -> None:
        define_series("y", template="A{year}-{counter:03}", time_zone=ZONE, allocation=allocation)
        with transaction.atomic():
            issue("y")
            transaction.set_rollback(True)
        waiting = Period.objects.filter(series__code="y", last_value__gt=0).exists()
        changed = define_series("y", template="B{year}-{counter:03}")
        assert str(issue("y"))[0] == ("A" if waiting else "B")
        assert changed.holds_from == (date(today.year + 1, 1, 1) if waiting else today)

    def test_it_follows_a_new_calendar(self, today: date) -> None:
        series = define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        issue("y")
        open_period(series, date(today.year + 1, 1, 1))
        define_series("y", calendar="month", template="A{year}-{month}-{counter:03}")
        year = today.year + 1
        assert spans(series)[1] == (date(year, 1, 1), date(year, 1, 31), f"A{year}-01-001")
        assert str(issue("y", on=date(year, 2, 3))) == f"A{year}-02-001"
        assert not [alarm for alarm in verify(series="y") if alarm.series]

    def test_periods_that_a_longer_calendar_covers_are_removed(self, today: date) -> None:
        series = define_series("m", template="A{year}{month}-{counter:03}", calendar="month", time_zone=ZONE)
        year = today.year + 1
        for month in (1, 2, 3):
            open_period(series, date(year, month, 1))
        define_series("m", calendar="year", template="A{year}-{counter:03}")
        assert spans(series) == [(date(year, 1, 1), date(year, 12, 31), f"A{year}-001")]

    def test_one_with_a_history_stays_with_it(self, today: date) -> None:
        series = define_series("m", template="A{year}{month}-{counter:03}", calendar="month", time_zone=ZONE)
        for month in (1, 2):
            open_period(series, date(today.year + 1, month, 1))
        define_series("m", template="B{year}{month}-{counter:03}")
        with pytest.raises(e.InvalidCalendar, match="stands in the way of the calendar year"), transaction.atomic():
            define_series("m", calendar="year", template="A{year}-{counter:03}")
        assert define_series("m").calendar == "month"

    def test_dates_that_people_chose_keep_their_form(self, today: date) -> None:
        """The stretch between two calendars is opened under the old template, and stays so."""
        year = today.year + 1
        series = define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        open_period(series, starts_on=date(year, 1, 1), ends_on=date(year, 3, 31))
        define_series("y", template="B{year}-{counter:03}")
        assert spans(series)[-1] == (date(year, 1, 1), date(year, 3, 31), f"A{year}-001")

    def test_a_first_value_that_people_chose_stays(self, today: date) -> None:
        series = define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        open_period(series, first_value=500)
        define_series("y", template="B{year}-{counter:03}")
        assert str(issue("y")) == f"B{today.year}-500"

    def test_where_each_period_is_opened_by_hand_the_template_holds_for_empty_ones(self, today: date) -> None:
        series = define_series("x", template="A{year}{month}-{counter}", calendar="explicit", time_zone=ZONE)
        open_period(series, starts_on=today, ends_on=today + timedelta(days=9))
        define_series("x", template="B{year}{month}-{counter}")
        assert str(issue("x")) == f"B{today:%Y%m}-1"


class TestAFormFromADayOn:
    """Also in the middle of a period, and the counter goes on."""

    def test_a_period_that_never_ends_says_how(self, today: date) -> None:
        define_series("t", template="TKT-{counter:06}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        tomorrow = today + timedelta(days=1)
        with pytest.raises(e.InvalidSeries, match="would never hold") as refused:
            define_series("t", template="TKT-{counter:08}")
        assert f"from_day={tomorrow!r}" in refused.value.remedy
        assert f"--from {tomorrow}" in refused.value.remedy
        with pytest.raises(e.InvalidDate, match=f"has numbers dated {today}"):
            define_series("t", template="TKT-{counter:08}", from_day=today)
        assert define_series("t").template == "TKT-{counter:06}"
        changed = define_series("t", template="TKT-{counter:08}", from_day=tomorrow)
        assert changed.holds_from == tomorrow
        assert str(issue("t", on=today)) == "TKT-000002"
        assert preview("t", on=tomorrow) == "TKT-00000003"
        assert str(issue("t", on=tomorrow)) == "TKT-00000003"
        assert str(issue("t", on=today)) == "TKT-000003", "a late document of a day before has the form of that day"
        assert define_series("t", template="TKT-{counter:08}", from_day=tomorrow).holds_from is None
        assert not [alarm for alarm in verify(series="t") if alarm.series]

    def test_it_may_change_again(self, today: date) -> None:
        define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE)
        issue_many("t", documents=["a", "b"], on=today)
        days = [today + timedelta(days=n) for n in (1, 5, 9)]
        define_series("t", template="X-{counter}", from_day=days[1])
        with pytest.raises(e.InvalidDate, match=f"has another form from {days[1]} on already"):
            define_series("t", template="C-{counter}", from_day=days[2])
        assert define_series("t", template="B-{counter}").holds_from == days[1], "what lies ahead can be corrected"
        assert [str(issue("t", on=day)) for day in (today, days[1])] == ["A-3", "B-4"]
        define_series("t", template="C-{counter}", from_day=days[2])
        assert [str(issue("t", on=day)) for day in (days[2], days[1], today)] == ["C-5", "B-5", "A-4"]

    def test_the_two_forms_never_give_one_number(self, today: date) -> None:
        """Padded to six digits and to eight they differ; a counter of eight digits would not."""
        define_series("t", template="TKT-{counter:06}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        tomorrow = today + timedelta(days=1)
        define_series("t", template="TKT-{counter:08}", from_day=tomorrow)
        [ended] = Period.objects.filter(series__code="t")
        assert (ended.ends_on, ended.max_value, ended.cut_short) == (today, 9_999_999, True)
        define_series("t", max_length=50)
        ended.refresh_from_db()
        assert ended.max_value == 9_999_999
        with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
            Period.objects.filter(pk=ended.pk).update(cut_short=False)

    def test_forms_that_can_not_be_kept_apart_are_refused(self, today: date) -> None:
        define_series("t", template="T{counter:03}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        with pytest.raises(e.PeriodConflict, match="would repeat numbers"), transaction.atomic():
            define_series("t", template="{series}{counter:03}", from_day=today + timedelta(days=1))
        assert Period.objects.get(series__code="t").ends_on == date.max

    def test_a_year_goes_on_counting_in_another_template(self, today: date) -> None:
        year = today.year + 1
        define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        issue("y", on=date(year, 2, 1))
        define_series("y", template="B{year}/{counter:04}", start_value=5, from_day=date(year, 7, 1))
        days = [date(year, 6, 30), date(year, 7, 1), date(year + 1, 1, 1)]
        assert [str(issue("y", on=day)) for day in days[:2]] == [f"A{year}-002", f"B{year}/0003"]
        assert str(preview("y", on=days[2])) == f"B{year + 1}/0005"

    def test_until_that_day_all_is_as_before(self, today: date) -> None:
        """This includes months that nobody has opened yet, and other settings that are changed meanwhile."""
        define_series("m", template="A{year}{month}-{counter}", calendar="month", time_zone=ZONE)
        first = end(end(today) + timedelta(days=1)) + timedelta(days=1)
        changed = define_series("m", template="B{year}{month}-{counter}", from_day=first)
        define_series("m", max_length=40)
        assert changed.holds_from == first
        assert str(issue("m", on=first - timedelta(days=1))).startswith("A")
        assert str(issue("m", on=first)).startswith("B")

    def test_a_new_calendar_begins_on_that_day(self, today: date) -> None:
        year = today.year + 1
        define_series("t", template="T-{counter:03}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        define_series("t", template="T{year}-{counter:03}", calendar="year", from_day=date(year, 1, 1))
        days = [date(year - 1, 12, 31), date(year, 1, 1)]
        assert [str(issue("t", on=day)) for day in days] == ["T-002", f"T{year}-001"]

    def test_a_period_that_began_before_it_continues_counting(self, today: date) -> None:
        year = today.year + 1
        define_series("y", template="A{year}-{counter:03}", time_zone=ZONE)
        issue("y", on=date(year - 1, 12, 31))
        change: dict[str, Any] = {
            "template": "A{fy_start}/{fy_end}-{counter:03}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
        }
        define_series("y", **change, from_day=date(year, 1, 1))
        days = [date(year, 3, 31), date(year, 4, 1)]
        assert [str(issue("y", on=day)) for day in days] == [f"A{year - 1}/{year}-002", f"A{year}/{year + 1}-001"]

    def test_empty_periods_that_a_new_calendar_covers_are_removed(self, today: date) -> None:
        year = today.year + 1
        series = define_series("m", template="A{year}{month}-{counter}", calendar="month", time_zone=ZONE)
        issue("m", on=date(year, 1, 31))
        open_period(series, date(year, 2, 1)), open_period(series, date(year, 3, 1))
        change: dict[str, Any] = {"calendar": "year", "template": "A{year}-{counter}"}
        define_series("m", **change, from_day=date(year, 2, 1))
        assert str(issue("m", on=date(year, 3, 1))) == f"A{year}-2"
        assert [span[:2] for span in spans(series)][-2:] == [
            (date(year, 1, 1), date(year, 1, 31)),
            (date(year, 2, 1), date(year, 12, 31)),
        ]

    def test_what_counts_on_is_opened_on_its_day(self, today: date) -> None:
        series = define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        define_series("t", template="B-{counter}", from_day=today + timedelta(days=1))
        assert [ids for ids in series_without_period("default", 9) if series.pk in ids] == []
        assert open_next_periods(series=[series.pk]) == {"opened": 0, "failed": []}
        issue("t", on=today)
        assert str(issue("t", on=today + timedelta(days=1))) == "B-3"

    def test_a_day_that_has_come_has_its_period_at_once(self, today: date) -> None:
        define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE, allocation="at_commit")
        assert str(issue("t", on=today - timedelta(days=3))) == "A-1"
        define_series("t", template="B-{counter}", from_day=today - timedelta(days=1))
        assert [str(n) for n in Period.objects.order_by("starts_on").values_list("prefix", flat=True)] == ["A-", "B-"]
        assert str(issue("t", on=today)) == "B-2"

    def test_one_too_far_ahead_is_refused(self, today: date) -> None:
        define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE, max_days_ahead=30)
        issue("t", on=today)
        with pytest.raises(e.InvalidDate, match="too far ahead"):
            define_series("t", template="B-{counter}", from_day=today + timedelta(days=5000))

    def test_a_new_series_needs_none(self, today: date) -> None:
        define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE, from_day=today)
        assert str(issue("t", on=today - timedelta(days=9))) == "A-1"

    @pytest.mark.parametrize("statement", ["ends_on = ends_on - 1", "ends_on = '2030-01-01', cut_short = true"])
    def test_the_database_shortens_no_period_otherwise(self, statement: str, today: date) -> None:
        define_series("t", template="A-{counter}", calendar="never", time_zone=ZONE, max_days_ahead=9000)
        entry = issue("t", on=date(2031, 1, 1))
        with pytest.raises(IntegrityError), connection.cursor() as cursor, transaction.atomic():
            cursor.execute(f"UPDATE ledger_period SET {statement} WHERE id = %s", [entry.period_id])

    def test_the_command(self, today: date) -> None:
        define_series("t", template="TKT-{counter:06}", calendar="never", time_zone=ZONE)
        issue("t", on=today)
        tomorrow = today + timedelta(days=1)
        call_command(
            *("ledger_series", "create", "t", "--template", "TKT-{counter:08}", "--from", str(tomorrow)),
            stdout=(told := StringIO()),
        )
        assert f"The new form holds from {tomorrow} on" in told.getvalue()


class TestTheLengthLimit:
    @pytest.mark.parametrize("allocation", [Allocation.SERIAL, Allocation.POOLED, Allocation.RESERVED])
    def test_raising_it_after_it_was_reached_applies_at_once(self, allocation: str) -> None:
        settings: dict[str, Any] = {"calendar": "never", "time_zone": ZONE, "allocation": allocation, "max_length": 3}
        define_series("t", template="T-{counter}", **settings)
        for n in range(9):
            issue("t", document=f"order:{n}")
        with pytest.raises(e.PeriodExhausted) as refused:
            issue("t")
        assert "define_series('t', max_length=" in refused.value.remedy
        define_series("t", max_length=4)
        assert str(issue("t")) == "T-10"

    def test_lowering_it_applies_at_once_but_never_below_issued_numbers(self) -> None:
        define_series("t", template="T-{counter}", calendar="never", time_zone=ZONE, max_length=5)
        issue_many("t", documents=[f"order:{n}" for n in range(12)])
        define_series("t", max_length=3)
        with pytest.raises(e.PeriodExhausted):
            issue("t")
        assert Period.objects.get(series__code="t").max_value == 12
        define_series("t", max_length=4)
        assert str(issue("t")) == "T-13"
        assert Entry.objects.count() == 13

    def test_it_is_not_raised_if_two_series_would_meet(self) -> None:
        settings: dict[str, Any] = {"calendar": "never", "time_zone": ZONE}
        define_series("long", template="2{counter:03}", max_length=4, **settings)
        define_series("short", template="{counter:03}", max_length=3, **settings)
        issue("long"), issue("short")
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'long'"):
            define_series("short", max_length=4)
        assert Period.objects.get(prefix="").max_value == 999


class TestSeriesThatCollide:
    def test_are_found_when_the_second_is_defined(self) -> None:
        define_series("long", template="2{counter:09}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'long'") as refused:
            define_series("short", template="{counter:09}", calendar="never")
        assert "max_length" in refused.value.remedy
        define_series("long", max_length=10)
        define_series("short", template="{counter:09}", calendar="never", max_length=9)
        assert [str(issue(code)) for code in ("long", "short")] == ["2000000001", "000000001"]

    @pytest.mark.parametrize("is_used", [False, True])
    @pytest.mark.parametrize(
        ("calendar", "template", "days"), [("year", "{year}", 2000), ("month", "{year}{month}", 500)]
    )
    def test_they_are_found_in_any_of_the_next_periods(
        self, calendar: str, template: str, days: int, is_used: bool, today: date
    ) -> None:
        far = today + timedelta(days=days)
        fixed: dict[str, Any] = {
            "template": template.format(year=far.year, month=f"{far.month:02}") + "{counter:06}",
            "calendar": "never",
        }
        moving: dict[str, Any] = {"template": template + "{counter:06}", "calendar": calendar}
        for first, second in ((fixed, moving), (moving, fixed)):
            with transaction.atomic():
                define_series("first", **first)
                if is_used:
                    issue("first")
                with pytest.raises(e.InvalidSeries, match="could give out a number of series 'first'"):
                    define_series("second", **second)
                transaction.set_rollback(True)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            # The two digits of a year, far ahead; a date written in another order, far ahead.
            (("{year:2}{counter:05}", "year"), ("FAR{counter:04}", "never")),
            (("{year:2}{month}{day}-{counter:03}", "day"), ("{day}{month}{year:2}-{counter:03}", "day")),
            (("Q{year}{quarter}-{counter}", "quarter"), ("QFAR1-{counter}", "never")),
        ],
        ids=["year", "day", "quarter"],
    )
    def test_within_thirty_years(self, one: tuple[str, str], other: tuple[str, str], today: date) -> None:
        """Also where one of the two has been used."""
        year = f"{today.year + 20}"
        forms = [
            (template.replace("QFAR", f"Q{year}").replace("FAR", year[2:]), calendar)
            for template, calendar in (one, other)
        ]
        for (template, calendar), (later, its_calendar) in (forms, forms[::-1]):
            with transaction.atomic():
                define_series("first", template=template, calendar=calendar)
                with pytest.raises(e.InvalidSeries, match="could give out a number of series 'first'"):
                    define_series("second", template=later, calendar=its_calendar)
                transaction.set_rollback(True)

    def test_an_older_form_that_is_still_open(self, today: date) -> None:
        """Its prefix is shorter than the template's."""
        define_series("first", template="9{counter:08}", calendar="never")
        issue("first")
        define_series("first", template="FIRST-{counter:08}", calendar="never", from_day=today + timedelta(days=40))
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'first'"):
            define_series("second", template="{counter:09}", calendar="never")
        define_series("second", template="SECOND-{counter:09}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'second'"):
            define_series(
                "first", template="SECOND-{counter:08}", calendar="never", from_day=today + timedelta(days=80)
            )

    def test_formats_that_only_look_alike_do_not_meet(self) -> None:
        define_series("months", template="{year:2}{month}-{counter:04}", calendar="month")
        define_series("years", template="{year}-{counter:04}")
        define_series("thirteenth", template="{year}13-{counter:04}")

    def test_a_year_that_is_over_meets_nothing(self, today: date) -> None:
        define_series("old", template=f"INV-{today.year - 1}-{{counter:06}}", calendar="never")
        define_series("new", template="INV-{year}-{counter:06}")

    def test_two_that_have_met_before_can_still_be_changed(self) -> None:
        define_series("a", template="{counter:04}", calendar="never")
        define_series("b", template="{counter:05}", calendar="never", is_active=False)
        Series.objects.filter(code="b").update(is_active=True)
        define_series("b", max_days_ahead=3)
        define_series("b", is_active=False)

    def test_a_series_that_nobody_can_read_keeps_no_other_from_being_defined(self) -> None:
        define_series("bad", template="{counter:04}", calendar="never")
        Series.objects.filter(code="bad").update(time_zone="Mars/Olympus")
        define_series("good", template="{counter:05}", calendar="never")
        Series.objects.filter(code="bad").update(time_zone="UTC", calendar="lunar")
        define_series("good", max_length=9)


def test_the_page_says_from_when(today: date) -> None:
    series = define_series("invoice", template="INV-{year}-{counter:06}", time_zone=ZONE)
    issue("invoice")
    page = f"/ledger/series/{series.pk}/"
    staff = pages.client("staff", *EVERYTHING)
    assert "</code> · " in staff.get(page).content.decode()
    define_series("invoice", template="NEW-{year}-{counter:06}")
    shown = staff.get(page).content.decode()
    assert f"<code>NEW-{{year}}-{{counter:06}}</code> from {today.year + 1}-01-01 on" in shown


def test_the_admin_says_from_when(root: Client, today: date) -> None:
    series = define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    issue("invoice")
    change = {**SETTINGS, "template": "NEW-{year}-{counter:06}"}
    answer = root.post(url("series", "change", series.pk), change, follow=True)
    assert f"The new form holds from {today.year + 1}-01-01 on" in answer.content.decode()
    never = define_series("ticket", template="T-{counter}", calendar="never", time_zone="Europe/Berlin")
    issue("ticket")
    change = {**SETTINGS, "calendar": "never", "template": "NEW-{counter}"}
    refused = root.post(url("series", "change", never.pk), change)
    assert "--from" in refused.content.decode()
    never.refresh_from_db()
    assert never.template == "T-{counter}"
