"""Which periods a series may have."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import define_series, errors as e, issue, open_period
from ledger.models import Period, Series

pytestmark = pytest.mark.django_db


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

    def test_two_series_of_a_tenant_may_not_render_the_same_numbers(self) -> None:
        define_series("a", template="N-{counter:04}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="has the template 'N-{counter:04}' as well"):
            define_series("b", template="n-{counter:04}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'a'"):
            define_series("b", template="n-{counter:03}", calendar="never")
        define_series("b", org="other", template="N-{counter:04}", calendar="never")

    def test_two_series_may_not_meet_when_their_counters_grow(self) -> None:
        """N-1 and two digits, N- and three: both would give N-100, and the second series would stand still there."""
        define_series("a", template="N-{counter:03}", calendar="never")
        for template in ("N-1{counter:02}", "N-{counter:02}9"):
            with pytest.raises(e.InvalidSeries, match="could give out a number of series 'a'"):
                define_series("b", template=template, calendar="never")
        define_series("d", template="N-A{counter:02}", calendar="never")
        assert [str(issue(code)) for code in ("a", "d")] == ["N-001", "N-A01"]

    def test_a_series_is_checked_when_it_is_switched_on(self) -> None:
        define_series("a", template="N-{year}-{counter:03}")
        define_series("b", template="N-{year}-1{counter:02}", is_active=False)
        open_period(define_series("b"), date(2026, 1, 1))
        with pytest.raises(e.PeriodConflict, match="could repeat the numbers of b 2026-01-01"):
            open_period(define_series("a"), date(2026, 1, 1))
        with pytest.raises(e.InvalidSeries, match="could give out a number of series 'a'"):
            define_series("b", is_active=True)

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
        change: dict[str, Any] = {
            "template": "C{fy_start}/{fy_end}-{counter:03}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
        }
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
