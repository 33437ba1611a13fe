"""Each day, and each instant in each time zone, falls in exactly one period."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, strategies as st

from ledger import calendars, formats, intervals, texts
from ledger.calendars import (
    NO_PLACES,
    Calendar,
    CalendarKind,
    FiscalStart,
    Span,
    business_date,
    fiscal_year,
    quarter,
    zone,
)
from ledger.errors import InvalidCalendar, InvalidDate

NEW_YEAR = FiscalStart(1, 1)
APRIL = FiscalStart(4, 1)
ONE_DAY = timedelta(days=1)
GENERATED = [kind for kind in CalendarKind if kind is not CalendarKind.EXPLICIT]
ZONES = sorted(available_timezones() - NO_PLACES)

fiscal_starts = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: FiscalStart(day.month, day.day))
# Two days from both ends of time, where some zones have no date; the ends have tests of their own.
instants = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.just(UTC))
generated_calendars = st.builds(Calendar, st.sampled_from(GENERATED), fiscal_starts)


def span_of(kind: CalendarKind, on: date, fiscal_start: FiscalStart = NEW_YEAR) -> Span:
    span = Calendar(kind, fiscal_start).span(on)
    assert span is not None
    return span


# Spans


def test_a_span_includes_both_ends() -> None:
    span = Span(date(2024, 2, 28), date(2024, 3, 1))
    assert span.days == 3
    assert date(2024, 2, 28) in span
    assert date(2024, 2, 29) in span
    assert date(2024, 3, 1) in span
    assert date(2024, 2, 27) not in span
    assert date(2024, 3, 2) not in span
    assert str(span) == "2024-02-28 to 2024-03-01"
    assert Span(date(2024, 3, 1), date(2024, 3, 1)).days == 1


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidCalendar, match=r"from 2024-03-02 to 2024-03-01 ends before it starts"):
        Span(date(2024, 3, 2), date(2024, 3, 1))


def test_a_datetime_is_refused_as_a_date() -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    for ask in (
        lambda: noon in Span(date(2024, 1, 1), date(2024, 12, 31)),
        lambda: Span(noon, noon),
        lambda: [Calendar(kind).span(noon) for kind in GENERATED],
        lambda: Calendar(CalendarKind.DAY).span(noon),
        lambda: Calendar(CalendarKind.EXPLICIT).span(noon),
        lambda: fiscal_year(noon, APRIL),
        lambda: quarter(noon, APRIL),
    ):
        with pytest.raises(InvalidDate, match=r"2024-03-01T12:00:00\+00:00 is not a date.*business_date"):
            ask()
    with pytest.raises(InvalidDate, match=r"'2024-03-01' is not a date"):
        Calendar(CalendarKind.DAY).span("2024-03-01")  # type: ignore[arg-type]


# Fiscal starts


def test_a_fiscal_start_reads_back_as_written() -> None:
    assert FiscalStart.parse("04-01") == APRIL
    assert str(APRIL) == "04-01"
    assert Calendar(CalendarKind.YEAR).fiscal_start == FiscalStart(1, 1)


@given(fiscal_starts)
def test_every_fiscal_start_reads_back_as_written(start: FiscalStart) -> None:
    assert FiscalStart.parse(str(start)) == start


def test_29_february_is_refused_with_two_ways_out() -> None:
    with pytest.raises(InvalidCalendar, match=r"02-29.*that every year has.*28 February.*1 March"):
        FiscalStart.parse("02-29")


@pytest.mark.parametrize("text", ["02-30", "04-31", "13-01", "00-01", "01-00"])
def test_a_fiscal_start_that_no_year_has_is_refused(text: str) -> None:
    with pytest.raises(InvalidCalendar, match=r"can't start on day .*such as 04-01"):
        FiscalStart.parse(text)


@pytest.mark.parametrize("text", ["", "4-1", "0401", "04/01", "2026-04-01", " 04-01", "04-01\n", "٠٤-٠١"])
def test_an_unreadable_fiscal_start_is_refused(text: str) -> None:
    with pytest.raises(InvalidCalendar, match=r"can't be read.*like 04-01"):
        FiscalStart.parse(text)


# Periods


@pytest.mark.parametrize(
    ("kind", "fiscal_start", "on", "starts_on", "ends_on"),
    [
        ("never", "01-01", "2024-02-29", "0001-01-01", "9999-12-31"),
        ("year", "04-01", "2024-02-29", "2024-01-01", "2024-12-31"),
        ("fiscal-year", "04-01", "2022-04-01", "2022-04-01", "2023-03-31"),
        ("fiscal-year", "04-01", "2023-03-31", "2022-04-01", "2023-03-31"),
        ("fiscal-year", "04-01", "2023-04-01", "2023-04-01", "2024-03-31"),
        ("fiscal-year", "01-01", "2023-06-15", "2023-01-01", "2023-12-31"),
        ("fiscal-year", "03-01", "2024-02-29", "2023-03-01", "2024-02-29"),
        ("fiscal-year", "02-28", "2024-02-29", "2024-02-28", "2025-02-27"),
        ("fiscal-year", "12-31", "2024-12-30", "2023-12-31", "2024-12-30"),
        ("fiscal-year", "07-06", "2024-07-05", "2023-07-06", "2024-07-05"),
        ("quarter", "01-01", "2024-12-31", "2024-10-01", "2024-12-31"),
        ("quarter", "04-01", "2024-06-30", "2024-04-01", "2024-06-30"),
        ("quarter", "04-01", "2024-03-31", "2024-01-01", "2024-03-31"),
        ("quarter", "02-01", "2024-01-15", "2023-11-01", "2024-01-31"),
        # A start on the 30th or 31st falls back to the last day of shorter months.
        ("quarter", "11-30", "2024-02-28", "2023-11-30", "2024-02-28"),
        ("quarter", "11-30", "2024-02-29", "2024-02-29", "2024-05-29"),
        ("quarter", "11-30", "2023-02-28", "2023-02-28", "2023-05-29"),
        ("quarter", "01-31", "2024-04-29", "2024-01-31", "2024-04-29"),
        ("quarter", "01-31", "2024-04-30", "2024-04-30", "2024-07-30"),
        ("month", "04-15", "2024-02-29", "2024-02-01", "2024-02-29"),
        ("month", "01-01", "2023-02-28", "2023-02-01", "2023-02-28"),
        ("month", "01-01", "1900-02-28", "1900-02-01", "1900-02-28"),
        ("month", "01-01", "2000-02-01", "2000-02-01", "2000-02-29"),
        ("day", "01-01", "2024-02-29", "2024-02-29", "2024-02-29"),
    ],
)
def test_periods_by_example(kind: str, fiscal_start: str, on: str, starts_on: str, ends_on: str) -> None:
    span = span_of(CalendarKind(kind), date.fromisoformat(on), FiscalStart.parse(fiscal_start))
    assert str(span) == f"{starts_on} to {ends_on}"


def test_explicit_periods_are_made_by_hand() -> None:
    explicit = Calendar(CalendarKind.EXPLICIT)
    assert explicit.span(date(2024, 1, 1)) is None
    assert explicit.following(Span(date(2024, 1, 1), date(2024, 3, 31))) is None


@given(generated_calendars, st.dates())
def test_each_day_falls_in_exactly_one_period(calendar: Calendar, on: date) -> None:
    span = calendar.span(on)
    assert span is not None
    assert on in span
    # Both ends, and so every day between them, name the same span: no other period can hold any of its days.
    assert calendar.span(span.starts_on) == span == calendar.span(span.ends_on)
    if span.starts_on > date.min:
        before = calendar.span(span.starts_on - ONE_DAY)
        assert before is not None
        assert before.ends_on == span.starts_on - ONE_DAY
        assert calendar.following(before) == span
    if span.ends_on < date.max:
        after = calendar.following(span)
        assert after is not None
        assert after.starts_on == span.ends_on + ONE_DAY
        assert after == calendar.span(after.starts_on)
    else:
        assert calendar.following(span) is None


@given(generated_calendars, instants, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_each_instant_falls_in_exactly_one_period(calendar: Calendar, utc: datetime, at: str, seen: str) -> None:
    moment = utc.astimezone(ZoneInfo(at))
    on = business_date(moment, zone(seen))
    assert on == moment.astimezone(ZoneInfo(seen)).date()
    # The zone in which the caller wrote the instant down makes no difference.
    assert on == business_date(utc, zone(seen))
    span = calendar.span(on)
    assert span is not None
    neighbours = [calendar.following(span)]
    if span.starts_on > date.min:
        neighbours.append(calendar.span(span.starts_on - ONE_DAY))
    assert [on in candidate for candidate in [span, *filter(None, neighbours)]].count(True) == 1


@given(fiscal_starts, st.integers(2, 9990))
def test_a_fiscal_year_is_four_quarters(start: FiscalStart, year: int) -> None:
    whole = span_of(CalendarKind.FISCAL_YEAR, date(year, start.month, start.day), start)
    quarters = [span_of(CalendarKind.QUARTER, whole.starts_on, start)]
    for _ in range(3):
        after = Calendar(CalendarKind.QUARTER, start).following(quarters[-1])
        assert after is not None
        quarters.append(after)
    assert [quarter(each.starts_on, start) for each in quarters] == [1, 2, 3, 4]
    assert [quarter(each.ends_on, start) for each in quarters] == [1, 2, 3, 4]
    assert (quarters[0].starts_on, quarters[3].ends_on) == (whole.starts_on, whole.ends_on)
    assert sum(each.days for each in quarters) == whole.days


@pytest.mark.parametrize("kind", GENERATED)
@pytest.mark.parametrize("start", ["01-01", "02-28", "04-01", "12-31"])
def test_the_first_and_the_last_period_are_cut_off_where_dates_end(kind: CalendarKind, start: str) -> None:
    fiscal_start = FiscalStart.parse(start)
    assert span_of(kind, date.min, fiscal_start).starts_on == date.min
    assert span_of(kind, date.max, fiscal_start).ends_on == date.max


def test_after_a_short_first_year_comes_the_rest_of_the_regular_one() -> None:
    calendar = Calendar(CalendarKind.FISCAL_YEAR, APRIL)
    short = Span(date(2022, 9, 15), date(2022, 12, 31))
    assert calendar.following(short) == Span(date(2023, 1, 1), date(2023, 3, 31))


# Fiscal years and quarters


@pytest.mark.parametrize(
    ("on", "start", "years"),
    [
        (date(2022, 4, 1), APRIL, (2022, 2023)),
        (date(2023, 3, 31), APRIL, (2022, 2023)),
        (date(2023, 4, 1), APRIL, (2023, 2024)),
        (date(2022, 7, 7), FiscalStart(1, 1), (2022, 2022)),
        (date(2024, 2, 29), FiscalStart(2, 28), (2024, 2025)),
        (date.min, APRIL, (0, 1)),
        (date.max, APRIL, (9999, 10000)),
    ],
)
def test_fiscal_years_by_example(on: date, start: FiscalStart, years: tuple[int, int]) -> None:
    assert fiscal_year(on, start) == years


@given(fiscal_starts, st.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_a_fiscal_year_is_named_after_the_years_of_its_ends(start: FiscalStart, on: date) -> None:
    span = span_of(CalendarKind.FISCAL_YEAR, on, start)
    assert fiscal_year(on, start) == (span.starts_on.year, span.ends_on.year)


@pytest.mark.parametrize(
    ("on", "start", "number"),
    [
        (date(2024, 1, 1), FiscalStart(1, 1), 1),
        (date(2024, 12, 31), FiscalStart(1, 1), 4),
        (date(2024, 4, 1), APRIL, 1),
        (date(2024, 3, 31), APRIL, 4),
        (date(2024, 2, 29), FiscalStart(11, 30), 2),
        (date(2024, 2, 28), FiscalStart(11, 30), 1),
    ],
)
def test_quarters_by_example(on: date, start: FiscalStart, number: int) -> None:
    assert quarter(on, start) == number


# Business dates


def test_half_past_midnight_in_kolkata_is_the_new_fiscal_year() -> None:
    moment = datetime(2026, 3, 31, 19, 0, tzinfo=UTC)
    on = business_date(moment, zone("Asia/Kolkata"))
    assert on == date(2026, 4, 1)
    assert moment.date() == date(2026, 3, 31)
    assert span_of(CalendarKind.FISCAL_YEAR, on, APRIL).starts_on == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("name", "utc", "on"),
    [
        # In São Paulo 2018-11-04 began at 01:00: midnight did not exist.
        ("America/Sao_Paulo", datetime(2018, 11, 4, 2, 59, 59, tzinfo=UTC), date(2018, 11, 3)),
        ("America/Sao_Paulo", datetime(2018, 11, 4, 3, 0, 0, tzinfo=UTC), date(2018, 11, 4)),
        # And on 2018-02-17 the hour before midnight came twice.
        ("America/Sao_Paulo", datetime(2018, 2, 18, 1, 30, tzinfo=UTC), date(2018, 2, 17)),
        ("America/Sao_Paulo", datetime(2018, 2, 18, 2, 30, tzinfo=UTC), date(2018, 2, 17)),
        ("America/Sao_Paulo", datetime(2018, 2, 18, 3, 0, tzinfo=UTC), date(2018, 2, 18)),
        # In Cairo 2023-04-28 began at 01:00, and the hour before 2023-10-27 came twice.
        ("Africa/Cairo", datetime(2023, 4, 27, 21, 59, 59, tzinfo=UTC), date(2023, 4, 27)),
        ("Africa/Cairo", datetime(2023, 4, 27, 22, 0, 0, tzinfo=UTC), date(2023, 4, 28)),
        ("Africa/Cairo", datetime(2023, 10, 26, 20, 30, tzinfo=UTC), date(2023, 10, 26)),
        ("Africa/Cairo", datetime(2023, 10, 26, 21, 30, tzinfo=UTC), date(2023, 10, 26)),
        ("Africa/Cairo", datetime(2023, 10, 26, 22, 0, tzinfo=UTC), date(2023, 10, 27)),
        # Samoa crossed the date line: 2011-12-30 never happened there.
        ("Pacific/Apia", datetime(2011, 12, 30, 9, 59, 59, tzinfo=UTC), date(2011, 12, 29)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, 0, tzinfo=UTC), date(2011, 12, 31)),
    ],
)
def test_the_clocks_change_at_midnight(name: str, utc: datetime, on: date) -> None:
    assert business_date(utc, zone(name)) == on


def test_a_day_that_never_happened_still_has_a_period() -> None:
    skipped = date(2011, 12, 30)
    assert business_date(skipped, zone("Pacific/Apia")) == skipped
    assert skipped in span_of(CalendarKind.DAY, skipped)


@given(st.dates(), st.sampled_from(ZONES))
def test_a_date_is_taken_as_it_is(on: date, name: str) -> None:
    assert business_date(on, zone(name)) is on


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(InvalidDate, match=r"2026-04-01T00:30:00 has no time zone.*aware.*\+05:30"):
        business_date(datetime(2026, 4, 1, 0, 30), zone("Asia/Kolkata"))


def test_anything_but_a_date_is_refused() -> None:
    with pytest.raises(InvalidDate, match=r"'2026-04-01' is not a date"):
        business_date("2026-04-01", zone("UTC"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime.min.replace(tzinfo=UTC), "America/New_York"),
        (datetime.max.replace(tzinfo=UTC), "Pacific/Kiritimati"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), "UTC"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))), "UTC"),
    ],
)
def test_a_moment_beyond_all_dates_is_refused(moment: datetime, name: str) -> None:
    with pytest.raises(InvalidDate, match=rf"has no date in {name}.*years 1 to 9999"):
        business_date(moment, zone(name))


@given(st.sampled_from([datetime.min, datetime.max]), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_ends_of_time_give_a_date_or_a_clear_error(moment: datetime, at: str, seen: str) -> None:
    try:
        on = business_date(moment.replace(tzinfo=ZoneInfo(at)), zone(seen))
    except InvalidDate:
        return
    assert abs(on - moment.date()) <= 2 * ONE_DAY


# Time zones


def test_a_zone_is_found_by_its_key() -> None:
    assert zone("Asia/Kolkata") == ZoneInfo("Asia/Kolkata")
    assert zone("UTC").key == "UTC"


NO_KEYS = ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "localtime", "Factory", "posixrules", "Europe"]
NO_KEYS += ["europe/berlin", "UTC\0", "UTC ", "+05:30", "tzdata.zi", "zone.tab", "\udc80", "CET", "EST"]


@pytest.mark.parametrize("name", NO_KEYS)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidCalendar, match=r"is unknown.*IANA.*Europe/Berlin"):
        zone(name)


# Purity


@pytest.mark.parametrize("module", [calendars, formats, intervals, texts])
def test_the_pure_modules_import_neither_django_nor_a_clock(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8"))
    imported: set[str] = set()
    attributes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
    assert {name for name in imported if name.startswith("ledger")} <= {
        "ledger.calendars",
        "ledger.errors",
        "ledger.intervals",
        "ledger.texts",
    }
    assert not {name for name in imported if name.partition(".")[0] in {"django", "time", "freezegun", "os"}}
    assert not attributes & {"now", "today", "utcnow", "fromtimestamp", "localtime", "time_ns"}


@given(st.data())
def test_spans_that_follow_each_other_never_overlap(data: st.DataObject) -> None:
    calendar = data.draw(generated_calendars)
    span = calendar.span(data.draw(st.dates(date(1900, 1, 1), date(2100, 12, 31))))
    assert span is not None
    assume(calendar.kind is not CalendarKind.NEVER)
    for _ in range(10):
        after = calendar.following(span)
        assert after is not None
        assert span.ends_on + ONE_DAY == after.starts_on
        span = after
