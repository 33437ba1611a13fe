"""A template is refused unless its numbers tell the periods and the values of a series apart."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, strategies as st

from ledger.calendars import Calendar, CalendarKind, FiscalStart, Span
from ledger.errors import InvalidArgument, InvalidDate, InvalidTemplate
from ledger.formats import MAX_VALUE, NumberFormat
from ledger.number_templates import Template, examples, parse_template

NEVER, YEAR, FISCAL_YEAR, QUARTER, MONTH, DAY, EXPLICIT = CalendarKind
APRIL = FiscalStart(4, 1)
DATE_TOKENS = {
    "year": ["{year}", "{year:2}", "{fy_start}", "{fy_start:2}", "{fy_end}", "{fy_end:2}"],
    "quarter": ["{quarter}"],
    "month": ["{month}"],
    "day": ["{day}"],
}
UNITS: dict[CalendarKind, list[str]] = {
    NEVER: [],
    YEAR: ["year"],
    FISCAL_YEAR: ["year"],
    QUARTER: ["year", "quarter"],
    MONTH: ["year", "quarter", "month"],
    DAY: ["year", "quarter", "month", "day"],
}
ALL_DATE_TOKENS = [token for tokens in DATE_TOKENS.values() for token in tokens]

fiscal_starts = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: FiscalStart(day.month, day.day))
values = st.one_of(st.integers(0, 100_000), st.integers(0, MAX_VALUE))
literals = st.text("AZaz09-/ .ÄЖ東{}\\^$[(*+", max_size=4)


def parse(
    text: str,
    kind: CalendarKind = YEAR,
    start: FiscalStart = APRIL,
    *,
    max_length: int = 60,
    series: str = "invoice",
    tenant: str = "shop:42",
) -> Template:
    return parse_template(text, Calendar(kind, start), max_length=max_length, series=series, tenant=tenant)


def number(template: Template, on: date, value: int) -> str:
    span = template.calendar.span(on) or Span(on, on)
    return template.compile(span).number(value)


@st.composite
def accepted_templates(draw: st.DrawFn) -> Template:
    """Templates of every provable calendar: tokens and text in any order, as long as they are accepted."""
    kind, units = draw(st.sampled_from(list(UNITS.items())))
    widths = ["{counter}", "{counter:02}", "{counter:04}", "{counter:06}", "{counter:018}"]
    width = draw(st.sampled_from(widths))
    tokens = [draw(st.sampled_from(DATE_TOKENS[unit])) for unit in units if draw(st.booleans()) or draw(st.booleans())]
    tokens += draw(st.lists(st.sampled_from(DATE_TOKENS["year"]), max_size=2)) if units else []
    constants = draw(st.lists(st.sampled_from(["{series}", "{tenant}"]), max_size=2))
    parts: list[str] = []
    for token in draw(st.permutations([width, *tokens, *constants])):
        parts += [draw(literals).replace("{", "{{").replace("}", "}}"), token]
    parts.append(draw(literals).replace("{", "{{").replace("}", "}}"))
    try:
        return parse("".join(parts), kind, draw(fiscal_starts), max_length=120)
    except InvalidTemplate:
        assume(False)
        raise


# Numbers


@pytest.mark.parametrize(
    ("text", "kind", "on", "value", "rendered"),
    [
        ("INV-{year}-{counter:06}", YEAR, date(2026, 7, 1), 123, "INV-2026-000123"),
        ("R{fy_start}/{fy_end}-{counter:04}", FISCAL_YEAR, date(2022, 4, 1), 1, "R2022/2023-0001"),
        ("R{fy_start}/{fy_end}-{counter:04}", FISCAL_YEAR, date(2023, 3, 31), 2, "R2022/2023-0002"),
        ("R{fy_start}/{fy_end}-{counter:04}", FISCAL_YEAR, date(2023, 4, 1), 1, "R2023/2024-0001"),
        ("{fy_start}-{fy_end:2}/{counter:04}", FISCAL_YEAR, date(1999, 5, 1), 7, "1999-00/0007"),
        ("{fy_start:2}{fy_end:2}{counter:03}", FISCAL_YEAR, date(2026, 1, 1), 7, "2526007"),
        ("{year:2}-{counter}", FISCAL_YEAR, date(2026, 1, 1), 7, "25-7"),
        ("{year}Q{quarter}-{counter:03}", QUARTER, date(2023, 2, 1), 7, "2023Q4-007"),
        ("{fy_start}Q{quarter}-{counter:03}", QUARTER, date(2023, 2, 1), 7, "2022Q4-007"),
        ("{year}{month}-{counter:03}", MONTH, date(2024, 2, 29), 7, "202402-007"),
        ("{year}{month}{day}-{counter:03}", DAY, date(2024, 2, 29), 7, "20240229-007"),
        ("{counter:03}/{month}/{year}", MONTH, date(2024, 2, 29), 7, "007/02/2024"),
        ("TKT-{counter:06}", NEVER, date(2024, 2, 29), 7, "TKT-000007"),
        ("{tenant}/{series}/{counter}", NEVER, date(2024, 2, 29), 7, "shop:42/invoice/7"),
        ("{{{year}}}-{counter:02}", YEAR, date(2024, 2, 29), 7, "{2024}-07"),
        ("{year}-{counter:02}", YEAR, date(987, 1, 1), 7, "0987-07"),
        ("{year}{month}{day}-{counter}", EXPLICIT, date(2024, 2, 26), 7, "20240226-7"),
    ],
)
def test_numbers_by_example(text: str, kind: CalendarKind, on: date, value: int, rendered: str) -> None:
    assert number(parse(text, kind), on, value) == rendered


@pytest.mark.parametrize("kind", CalendarKind)
def test_every_example_is_a_good_template(kind: CalendarKind) -> None:
    template = parse(examples[kind], kind)
    assert template.pattern().match(number(template, date(2026, 4, 1), 1))


def test_a_fiscal_year_from_1_january_ends_in_the_year_it_starts() -> None:
    template = parse("R{fy_start}/{fy_end}-{counter}", FISCAL_YEAR, FiscalStart(1, 1))
    assert number(template, date(2026, 5, 1), 1) == "R2026/2026-1"


def test_the_counter_outgrows_its_width_without_being_cut() -> None:
    invoices = NumberFormat("INV-", 4, "-B")
    assert invoices.number(9999) == "INV-9999-B"
    assert invoices.number(10000) == "INV-10000-B"
    assert [invoices.value_of(text) for text in ("INV-9999-B", "INV-10000-B")] == [9999, 10000]


@pytest.mark.parametrize("value", [-1, MAX_VALUE + 1])
def test_a_value_that_no_counter_can_have_is_refused(value: int) -> None:
    with pytest.raises(InvalidArgument, match=rf"No counter has the value {value}.*between 0 and"):
        NumberFormat("", 1, "").number(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A-0000-A", 0),
        ("A-0042-A", 42),
        ("A-12345-A", 12345),
        (f"A-{MAX_VALUE}-A", MAX_VALUE),
        (f"A-{MAX_VALUE + 1}-A", None),
        (f"A-{'9' * 5000}-A", None),
        ("A-042-A", None),
        ("A-00042-A", None),
        ("a-0042-A", None),
        ("A-0042-B", None),
        ("A-+042-A", None),
        ("A-0_42-A", None),
        ("A-٠٠٤٢-A", None),
        ("A-0042\n-A", None),
        ("A--A", None),
        ("A-A", None),
        ("", None),
    ],
)
def test_the_value_of_a_number(text: str, value: int | None) -> None:
    assert NumberFormat("A-", 4, "-A").value_of(text) == value


@pytest.mark.parametrize(
    ("max_length", "highest"),
    [(0, 0), (5, 0), (6, 0), (7, 9999), (8, 99999), (21, 10**18 - 1), (22, MAX_VALUE), (10**9, MAX_VALUE)],
)
def test_the_highest_value_that_fits(max_length: int, highest: int) -> None:
    assert NumberFormat("A-", 4, "B").highest_value(max_length) == highest


@given(st.integers(1, 18), st.text("A1-", max_size=5), st.text("A1-", max_size=5), st.integers(0, 40))
def test_the_highest_value_fits_and_the_next_does_not(width: int, prefix: str, suffix: str, limit: int) -> None:
    numbers = NumberFormat(prefix, width, suffix)
    highest = numbers.highest_value(limit)
    if highest:
        assert len(numbers.number(highest)) <= limit
    if highest < MAX_VALUE:
        assert len(numbers.number(highest + 1)) > limit


@given(accepted_templates(), st.dates(date(2, 1, 1), date(9998, 1, 1)), values)
def test_a_number_gives_its_value_back(template: Template, on: date, value: int) -> None:
    span = template.calendar.span(on)
    assert span is not None
    numbers = template.compile(span)
    text = numbers.number(value)
    assert numbers.value_of(text) == value
    assert text == numbers.prefix + str(value).rjust(numbers.width, "0") + numbers.suffix
    found = template.pattern().match(text)
    assert found is not None
    assert int(found["counter"]) == value


@given(accepted_templates(), st.data(), values, values)
def test_no_two_periods_render_the_same_number(template: Template, data: st.DataObject, a: int, b: int) -> None:
    assert template.calendar.kind is not EXPLICIT
    # 99 years: two-digit years repeat after 100. From year 2: the first period may be cut off at 0001-01-01.
    first_on = data.draw(st.dates(date(3, 1, 1), date(9800, 1, 1)))
    near = st.integers(0, 800)
    far = st.integers(0, 98 * 365)
    years = st.integers(0, 97).map(lambda count: count * 365 + count // 4)
    second_on = first_on + timedelta(days=data.draw(st.one_of(near, far, years)))
    first, second = template.calendar.span(first_on), template.calendar.span(second_on)
    assert first is not None
    assert second is not None
    if first == second:
        assume(a != b)
    assert template.compile(first).number(a) != template.compile(second).number(b)
    if first != second:
        assert template.compile(first).number(a) != template.compile(second).number(a)
        assert template.compile(second).value_of(template.compile(first).number(a)) is None


@pytest.mark.parametrize("start", ["01-01", "02-28", "03-15", "04-01", "08-31", "12-31"])
@pytest.mark.parametrize("year", DATE_TOKENS["year"])
@pytest.mark.parametrize(
    ("kind", "text"), [(YEAR, ""), (FISCAL_YEAR, ""), (QUARTER, "{quarter}"), (MONTH, "{month}"), (DAY, "{day}{month}")]
)
def test_a_whole_window_of_periods_has_as_many_prefixes(kind: CalendarKind, text: str, year: str, start: str) -> None:
    template = parse(f"{year}{text}{{counter:04}}", kind, FiscalStart.parse(start))
    span = template.calendar.span(date(1995, 1, 1))
    prefixes: list[str] = []
    while span is not None and span.starts_on < date(2005, 1, 1):
        prefixes.append(template.compile(span).prefix)
        span = template.calendar.following(span)
    assert len(set(prefixes)) == len(prefixes)
    assert len({len(prefix) for prefix in prefixes}) == 1


def test_two_digit_years_repeat_after_a_century() -> None:
    template = parse("{year:2}-{counter}")
    assert number(template, date(2026, 1, 1), 1) == number(template, date(2126, 1, 1), 1) == "26-1"


def test_a_fiscal_year_that_ends_in_the_year_10000_is_refused() -> None:
    last = Span(date(9999, 4, 1), date.max)
    with pytest.raises(InvalidDate, match=r"starts in 9999 has no {fy_end}.*four digits"):
        parse("{fy_end}-{counter}", FISCAL_YEAR).compile(last)
    assert parse("{fy_start}-{counter}", FISCAL_YEAR).compile(last).number(1) == "9999-1"


# Patterns


def test_a_pattern_takes_text_literally_and_a_number_whole() -> None:
    pattern = parse("I.V({year})-{counter:04}+").pattern()
    found = pattern.search("I.V(2026)-0123+")
    assert found is not None
    assert found["counter"] == "0123"
    for other in ("IXV(2026)-0123+", "I.V(26)-0123+", "I.V(2026)-123+", "I.V(2026)-0123++", "xI.V(2026)-0123+"):
        assert pattern.search(other) is None
    assert pattern.search("I.V(2026)-0123+\n") is None
    assert pattern.search("I.V(٢٠٢٦)-0123+") is None


# Refusals: each says why, and shows a good template


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("INV-{year}", r"has no \{counter\}"),
        ("INV-{{counter}}-{year}", r"has no \{counter\}"),
        ("{year}-{counter}-{counter:04}", "has 2 counters"),
        ("{counter}{counter}{counter}{year}", "has 3 counters"),
        ("{yaer}-{counter}", r"unknown token \{yaer\}.*The tokens are \{counter\}, \{year\}"),
        ("{Year}-{counter}", r"unknown token \{Year\}"),
        ("{ year }-{counter}", r"unknown token \{ year \}"),
        ("{}-{year}-{counter}", r"unknown token \{\}"),
        ("{ye\u202ear}-{counter}", r"unknown token \{ye\\u202ear\}"),
        ("{0}-{year}-{counter}", r"unknown token \{0\}"),
        ("{year:4}-{counter}", r"unknown format \{year:4\}"),
        ("{year:02}-{counter}", r"unknown format \{year:02\}"),
        ("{year:%Y}-{counter}", r"unknown format \{year:%Y\}"),
        ("{year}{month:2}-{counter}", r"unknown format \{month:2\}"),
        ("{series:3}-{year}-{counter}", r"unknown format \{series:3\}"),
        ("{year}-{counter:6}", r"unknown format \{counter:6\}.*\{counter:01\} to \{counter:018\}"),
        ("{year}-{counter:0}", r"unknown format \{counter:0\}"),
        ("{year}-{counter:00}", r"unknown format \{counter:00\}"),
        ("{year}-{counter:019}", r"unknown format \{counter:019\}"),
        ("{year}-{counter:06d}", r"unknown format \{counter:06d\}"),
        ("{year}-{counter:{year}}", r"unknown format \{counter:\{year\}\}"),
        ("{year!r}-{counter}", "conversion !r"),
        ("{year}-{counter!s}", "conversion !s"),
        ("{year.real}-{counter}", r"reaches into \{year.real\}.*without attributes or indexes"),
        ("{year[0]}-{counter}", r"reaches into \{year\[0\]\}"),
        ("{year}-{counter.__class__}", "reaches into"),
        ("{year}-{counter", "unbalanced brace.*doubled"),
        ("{year}-{counter}}", "unbalanced brace"),
        ("}{year}-{counter}", "unbalanced brace"),
        ("{year}-{counter}{", "unbalanced brace"),
        ("{year}-{counter}" + "x" * 55, "numbers of 61 characters.*at most 60"),
        ("{year}-{counter}" + "{{" * 100, "has 216 characters.*at most 200"),
    ],
)
def test_an_unfit_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidTemplate, match=rf"(?s)The template '.*{reason}") as refusal:
        parse(text)
    assert refusal.value.remedy == "For the calendar 'year' write it like INV-{year}-{counter:06} instead."
    # What can't be seen would spoil the message too.
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("{year}\t{counter}", r"holds U\+0009 at position 5.* no hidden characters", "ordinary space"),
        ("{year}\0{counter}", r"U\+0000", "Leave it out"),
        ("{year}{counter}\n", r"U\+000A", "ordinary space"),
        ("{year}\x85{counter}", r"U\+0085", "ordinary space"),
        ("{year}\u00a0{counter}", r"U\+00A0 \(NO-BREAK SPACE\) at position 5", "ordinary space"),
        ("{year}\u200b{counter}", r"U\+200B \(ZERO WIDTH SPACE\)", "Leave it out"),
        ("{year}\u202e{counter}", r"U\+202E", "Leave it out"),
        ("{year}\u2066{counter}", r"U\+2066", "Leave it out"),
        ("{year}\u2028{counter}", r"U\+2028", "ordinary space"),
        ("{year}\u2029{counter}", r"U\+2029", "ordinary space"),
        ("{year}\ud800{counter}", r"U\+D800", "Leave it out"),
        ("e\u0301{year}-{counter}", r"U\+0065 U\+0301 at position 1, where .* NFC has U\+00E9", "normalize"),
        (" {year}-{counter}", r"begins with a space \(U\+0020\)", "strip"),
        ("{year}-{counter} ", r"ends with a space \(U\+0020\)", "strip"),
        ("{year}-{counter}\u00a0", r"U\+00A0", "ordinary space"),
    ],
)
def test_a_template_whose_numbers_could_be_misread_is_refused(text: str, reason: str, remedy: str) -> None:
    with pytest.raises(InvalidTemplate, match=rf"(?s)The template '.*renders a number that .*{reason}") as refusal:
        parse(text)
    assert remedy in refusal.value.remedy
    assert str(refusal.value).replace("e\u0301", "").isprintable()


@pytest.mark.parametrize(
    ("constant", "reason"), [("in\u202evoice", r"U\+202E"), ("x" * 60, "numbers of 66"), ("end ", "with a space")]
)
def test_series_and_tenant_are_checked_when_they_are_rendered(constant: str, reason: str) -> None:
    with pytest.raises(InvalidTemplate, match=reason):
        parse("{year}-{counter}{series}", series=constant)
    with pytest.raises(InvalidTemplate, match=reason):
        parse("{year}-{counter}{tenant}", tenant=constant)
    assert number(parse("{year}-{counter}", series=constant, tenant=constant), date(2026, 1, 1), 7) == "2026-7"


def test_braces_in_a_tenant_are_text() -> None:
    assert number(parse("{tenant}-{year}-{counter}", tenant="{counter}"), date(2026, 1, 1), 1) == "{counter}-2026-1"


def test_a_number_may_be_as_long_as_the_limit() -> None:
    assert number(parse("{year}-{counter:05}", max_length=10), date(2026, 1, 1), 7) == "2026-00007"
    with pytest.raises(InvalidTemplate, match=r"numbers of 10 characters.*at most 9 "):
        parse("{year}-{counter:05}", max_length=9)


FINER = [
    (YEAR, "quarter"),
    (YEAR, "month"),
    (YEAR, "day"),
    (FISCAL_YEAR, "quarter"),
    (FISCAL_YEAR, "month"),
    (FISCAL_YEAR, "day"),
    (QUARTER, "month"),
    (QUARTER, "day"),
    (MONTH, "day"),
]


@pytest.mark.parametrize(("kind", "token"), FINER)
def test_a_token_finer_than_the_calendar_is_refused(kind: CalendarKind, token: str) -> None:
    text = examples[kind] + "{" + token + "}"
    with pytest.raises(InvalidTemplate, match=rf"has \{{{token}\}}, which is finer than the calendar '{kind}'"):
        parse(text, kind)


@pytest.mark.parametrize("token", ALL_DATE_TOKENS)
def test_a_series_that_never_resets_has_no_date(token: str) -> None:
    with pytest.raises(InvalidTemplate, match=r"never starts anew.*one period.*TKT-"):
        parse(token + "-{counter}", NEVER)


@pytest.mark.parametrize(
    ("kind", "text", "missing"),
    [
        (YEAR, "INV-{counter:06}", "has no year"),
        (FISCAL_YEAR, "INV-{counter:06}", "has no year"),
        (QUARTER, "{counter}", "has no year and no quarter"),
        (QUARTER, "{year}-{counter}", "has no quarter"),
        (QUARTER, "{quarter}-{counter}", "has no year"),
        (MONTH, "{year}-{counter}", "has no month"),
        (MONTH, "{year}-{quarter}-{counter}", "has no month"),
        (MONTH, "{month}-{counter}", "has no year"),
        (DAY, "{year}-{month}-{counter}", "has no day"),
        (DAY, "{year}-{day}-{counter}", "has no month"),
        (DAY, "{month}-{day}-{counter}", "has no year"),
        (EXPLICIT, "INV-{counter}", "has no date or label"),
    ],
)
def test_a_template_that_repeats_numbers_is_refused(kind: CalendarKind, text: str, missing: str) -> None:
    with pytest.raises(InvalidTemplate, match=rf"{missing}, so two periods would render the same number") as refusal:
        parse(text, kind)
    assert examples[kind] in str(refusal.value)


@pytest.mark.parametrize("token", ALL_DATE_TOKENS)
def test_an_explicit_calendar_takes_any_date_token(token: str) -> None:
    assert parse(token + "-{counter}", EXPLICIT).text == token + "-{counter}"


@given(st.text("{}:!.[]0123456789counteryearmonthfy_start -\n", max_size=40), st.sampled_from(CalendarKind))
def test_any_text_is_a_template_or_refused_with_a_reason(text: str, kind: CalendarKind) -> None:
    refusal = None
    try:
        assert parse(text, kind).text == text
    except InvalidTemplate as error:
        refusal = error
    assert refusal is None or examples[kind] in refusal.remedy


def test_formats_and_templates_never_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NumberFormat("", 1, "").width = 2  # type: ignore[misc]
    assert parse("{year}-{counter}") == parse("{year}-{counter}")
