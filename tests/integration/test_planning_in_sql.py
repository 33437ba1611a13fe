"""The database plans a period as Python does: its span, its format, its highest value, and the numbers it can give out.

Python's calendars and formats are the reference.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings, strategies as st
from psycopg.errors import CheckViolation

from ledger.calendars import Calendar, CalendarKind, FiscalStart, Span
from ledger.errors import InvalidDate, InvalidTemplate
from ledger.formats import DOCUMENT_TOKENS, MAX_VALUE, NumberFormat, dated
from ledger.number_templates import Template, parse_template
from tests.integration.planning import Connection, asked

pytestmark = pytest.mark.django_db  # so that there is a database of the tests

FUNCTIONS = [
    "ledger_calendar_step",
    "ledger_dated_number",
    "ledger_formats_collide",
    "ledger_highest_value",
    "ledger_number",
    "ledger_outline",
    "ledger_outlines_agree",
    "ledger_period_span",
    "ledger_render_template",
    "ledger_value_of",
]

NEVER, YEAR, FISCAL_YEAR, QUARTER, MONTH, DAY, EXPLICIT = CalendarKind
YEARS = ["{year}", "{year:2}", "{fy_start}", "{fy_start:2}", "{fy_end}", "{fy_end:2}", "{year:}"]
# The date tokens that a template of the calendar needs, one of each list, and those that it may have besides.
TOKENS: dict[CalendarKind, tuple[list[list[str]], list[str]]] = {
    NEVER: ([], []),
    YEAR: ([YEARS], YEARS),
    FISCAL_YEAR: ([YEARS], YEARS),
    QUARTER: ([YEARS, ["{quarter}"]], YEARS),
    MONTH: ([YEARS, ["{month}"]], [*YEARS, "{quarter}"]),
    DAY: ([YEARS, ["{month}"], ["{day}"]], [*YEARS, "{quarter}"]),
}

FISCAL_STARTS = [FiscalStart(day.month, day.day) for day in (date(2001, 1, 1) + timedelta(n) for n in range(365))]
EDGES = [
    *(date.min + timedelta(n) for n in (0, 1, 30, 58, 59, 364, 365)),
    *(date.max - timedelta(n) for n in (0, 1, 30, 31, 305, 306, 364, 365)),
    *(date(year, 2, 28) + timedelta(n) for year in (4, 1900, 2000, 2023, 2024, 2100) for n in (0, 1, 2)),
]
days = st.one_of(st.dates(), st.sampled_from(EDGES), st.dates(date(2020, 1, 1), date(2030, 12, 31)))
fiscal_starts = st.one_of(st.sampled_from(FISCAL_STARTS), st.sampled_from([FiscalStart(1, 1), FiscalStart(12, 31)]))
values = st.one_of(st.integers(0, 2000), st.integers(0, MAX_VALUE), st.sampled_from([10**9, 10**18, MAX_VALUE]))
# What a number may show: no control characters, no direction marks, no halves of surrogate pairs.
visible = st.characters(exclude_categories=["Cc", "Cf", "Zl", "Zp", "Cs"])
texts = st.one_of(
    st.text("AZaz09-/ .ÄßЖ東{}\\^$[(*+%_'", max_size=5),
    st.text(visible, max_size=5),
    st.sampled_from(["{doc_year}", "{doc_", "year}", "doc_day", "{counter}", "{{", "{DOC_YEAR}", "", "INV-"]),
)


def doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


# The functions themselves


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_pure(planning: Connection, function: str) -> None:
    """It is immutable, runs with its caller's rights, and takes no type that an argument would have to be cast to."""
    row = asked(
        planning,
        """
        SELECT provolatile::text, proparallel::text, prosecdef, proconfig,
               ARRAY(SELECT format_type(t, NULL) FROM unnest(coalesce(proallargtypes, proargtypes::oid[])) t)
        FROM pg_proc WHERE oid = %s::regproc
        """,
        function,
    )
    assert row[:4] == ("i", "s", False, None)
    assert set(row[4]) <= {"text", "integer", "bigint", "date"}


def test_a_number_becomes_part_of_the_statement_that_asks_for_it(planning: Connection) -> None:
    plan = planning.execute(
        "EXPLAIN (VERBOSE, COSTS OFF) SELECT ledger_number(f.prefix, f.width, f.suffix, f.value + 1, f.day)"
        " FROM (VALUES ('A', 1::smallint, 'B', 1::bigint, DATE '2026-01-01'), ('', 2, '', 2, NULL))"
        " f(prefix, width, suffix, value, day)"
    ).fetchall()
    assert "ledger_number" not in str(plan)
    assert "lpad" in str(plan)


# Spans


@pytest.mark.parametrize(
    ("calendar", "start", "day", "starts_on", "ends_on"),
    [
        ("never", "04-01", "2026-07-01", "0001-01-01", "9999-12-31"),
        ("year", "04-01", "2026-07-01", "2026-01-01", "2026-12-31"),
        ("fiscal-year", "04-01", "2026-03-31", "2025-04-01", "2026-03-31"),
        ("fiscal-year", "04-01", "2026-04-01", "2026-04-01", "2027-03-31"),
        ("fiscal-year", "04-01", "0001-03-31", "0001-01-01", "0001-03-31"),
        ("fiscal-year", "04-01", "9999-04-01", "9999-04-01", "9999-12-31"),
        ("fiscal-year", "01-01", "9999-12-31", "9999-01-01", "9999-12-31"),
        ("quarter", "04-01", "2026-02-28", "2026-01-01", "2026-03-31"),
        ("quarter", "08-31", "2024-02-28", "2023-11-30", "2024-02-28"),
        ("quarter", "08-31", "2024-02-29", "2024-02-29", "2024-05-30"),
        ("quarter", "12-31", "0001-01-01", "0001-01-01", "0001-03-30"),
        ("month", "04-15", "2024-02-29", "2024-02-01", "2024-02-29"),
        ("day", "04-01", "2026-07-01", "2026-07-01", "2026-07-01"),
        ("explicit", "04-01", "2026-07-01", None, None),
    ],
)
def test_spans_by_example(
    planning: Connection, calendar: str, start: str, day: str, starts_on: str | None, ends_on: str | None
) -> None:
    span = asked(
        planning, "SELECT starts_on::text, ends_on::text FROM ledger_period_span(%s, %s, %s)", calendar, start, day
    )
    assert span == (starts_on, ends_on)


@pytest.mark.parametrize("kind", [kind for kind in CalendarKind if kind is not EXPLICIT])
def test_every_fiscal_start_at_every_edge(planning: Connection, kind: CalendarKind) -> None:
    """The days at both ends of time and around leap days, and those around each change of period."""
    asked_for = [(start, day) for start in FISCAL_STARTS for day in EDGES]
    for start in FISCAL_STARTS:
        span = Calendar(kind, start).span(date(2024, 2, 29))
        assert span is not None
        asked_for += [(start, day) for day in (span.starts_on, span.ends_on)]
        asked_for += [(start, day + timedelta(1)) for day in (span.ends_on,) if day < date.max]
    spans = planning.execute(
        "SELECT s.starts_on, s.ends_on FROM unnest(%s::text[], %s::date[]) WITH ORDINALITY a(start, day, place),"
        " ledger_period_span(%s, a.start, a.day) s ORDER BY a.place",
        ([str(start) for start, _ in asked_for], [day for _, day in asked_for], str(kind)),
    ).fetchall()
    expected = [Calendar(kind, start).span(day) for start, day in asked_for]
    assert [Span(*span) for span in spans] == expected


@pytest.mark.parametrize(
    ("calendar", "start", "day", "told"),
    [
        ("weekly", "04-01", "2026-01-01", "there is no calendar 'weekly'"),
        (None, "04-01", "2026-01-01", "there is no calendar null"),
        ("year", "04-01", None, "no period holds the day null"),
        ("never", "04-01", "infinity", "no period holds the day infinity"),
        ("day", "04-01", "0001-12-31 BC", "no period holds the day 0001-12-31 BC"),
        ("month", "04-01", "10000-01-01", "no period holds the day 10000-01-01"),
        *(
            ("quarter", start, "2026-01-01", "no fiscal year starts on ")
            for start in ("02-29", "02-30", "04-31", "13-01", "00-10", "01-00", "4-1", "04-01\n", "", None)
        ),
    ],
)
def test_dates_without_a_span_are_refused(
    planning: Connection, calendar: str | None, start: str | None, day: str | None, told: str
) -> None:
    with pytest.raises(CheckViolation, match=re.escape(told)):
        asked(planning, "SELECT ledger_period_span(%s, %s, %s)", calendar, start, day)


# Templates


@pytest.mark.parametrize(
    ("template", "day", "rendered"),
    [
        ("INV-{year}-{counter:06}", "2026-04-01", ("INV-2026-", 6, "")),
        ("R{fy_start}/{fy_end}-{counter:04}", "2022-04-01", ("R2022/2023-", 4, "")),
        ("{fy_start:2}{fy_end:2}{counter}", "2000-03-31", ("9900", 1, "")),
        ("{fy_start}-{counter:018}", "0001-01-01", ("0000-", 18, "")),
        ("{counter:03}/{quarter}.{month}.{day}.{year:2}", "2024-02-29", ("", 3, "/4.02.29.24")),
        ("{{{year:}}}{counter:}{series}{tenant:}", "2024-02-29", ("{2024}", 1, "in{voiceshöp:42")),
        ("{doc_year}-{counter:05}/{doc_month}{doc_day}", "2024-02-29", ("{doc_year}-", 5, "/{doc_month}{doc_day}")),
        ("{{doc_year{year}}}{counter}", "2024-02-29", ("{doc_year2024}", 1, "")),
        ("{{DOC_YEAR}}{counter}", "2024-02-29", ("{DOC_YEAR}", 1, "")),
    ],
)
def test_formats_by_example(planning: Connection, template: str, day: str, rendered: tuple[str, int, str]) -> None:
    query = "SELECT prefix, width, suffix FROM ledger_render_template(%s, '04-01', 'in{voice', 'shöp:42', %s)"
    assert asked(planning, query, template, day) == rendered


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("INV-{year}", "has no {counter}"),
        ("{{counter}}", "has no {counter}"),
        ("", "has no {counter}"),
        ("{counter}{year}{counter:04}", "has two counters"),
        ("{yaer}{counter}", "has the unknown token {yaer}"),
        ("{Year}{counter}", "has the unknown token {Year}"),
        ("{}{counter}", "has the unknown token {}"),
        ("{counter:019}", "has the unknown token {counter:019}"),
        ("{counter:00}", "has the unknown token {counter:00}"),
        ("{counter:6}", "has the unknown token {counter:6}"),
        ("{counter!r}", "has the unknown token {counter!r}"),
        ("{year:2:}{counter}", "has the unknown token {year:2:}"),
        ("{month:2}{counter}", "has the unknown token {month:2}"),
        ("{doc_year:2}{counter}", "has the unknown token {doc_year:2}"),
        ("{year}{counter", "has a brace alone"),
        ("{year}}{counter}", "has a brace alone"),
        ("}{counter}", "has a brace alone"),
        ("{fy_end}{counter}", "has no {fy_end} in the fiscal year that starts in 9999"),
        ("{fy_end:2}{counter}", "has no {fy_end:2} in the fiscal year that starts in 9999"),
        ("{{doc_year}}{counter}", "renders the text {doc_year}"),
        ("{doc_day}{counter}{{doc_day}}", "renders the text {doc_day}"),
        ("{{doc_{series}}}{counter}", "renders the text {doc_month}"),
        ("{tenant}{counter}", "renders the text {doc_year}"),
    ],
)
def test_invalid_templates_are_refused(planning: Connection, template: str, told: str) -> None:
    query = "SELECT ledger_render_template(%s, '04-01', 'month', '{doc_year}', '9999-04-01')"
    with pytest.raises(CheckViolation, match=re.escape(f"the template '{template}' {told}")):
        asked(planning, query, template)


@pytest.mark.parametrize("missing", range(4))
def test_nothing_is_rendered_without_all_arguments(planning: Connection, missing: int) -> None:
    given_arguments: list[str | None] = ["{year}{counter}", "invoice", "shop", "2026-01-01"]
    given_arguments[missing] = None
    with pytest.raises(CheckViolation, match=r"the template .* has no (text|first day)"):
        asked(planning, "SELECT ledger_render_template(%s, '04-01', %s, %s, %s)", *given_arguments)


@settings(max_examples=500)
@given(st.text("{}:!.[]0123counteryearmonthfy_ -\n", max_size=30) | st.lists(texts).map("{counter}".join))
def test_the_database_reads_no_template_that_python_cannot_read(planning: Connection, text: str) -> None:
    try:
        rendered = asked(planning, "SELECT ledger_render_template(%s, '04-01', 's', 't', '2026-04-01')", text)
    except CheckViolation:
        rendered = None
    try:
        template = parse_template(text, Calendar(EXPLICIT), max_length=1000, series="s", tenant="t")
    except InvalidTemplate as refusal:
        # Python also refuses what can't be seen and what would repeat, of templates that it has read.
        read = re.search(r"invisible|white space|so two periods|has \d+ characters", str(refusal))
        assert rendered is None or read
    else:
        numbers = template.compile(Span(date(2026, 4, 1), date(2026, 4, 1)))
        assert rendered is not None
        assert numbers.prefix in rendered


class Plan(NamedTuple):
    """A template as Python reads it, and all that a period of it depends on."""

    template: Template
    day: date
    series: str
    tenant: str


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of every calendar but ``explicit``: the tokens that it needs and others, with any text between them."""
    kind, (needed, others) = draw(st.sampled_from(list(TOKENS.items())))
    width = draw(st.integers(0, 18))
    tokens = [draw(st.sampled_from(choice)) for choice in needed]
    tokens += draw(st.lists(st.sampled_from([*others, *DOCUMENT_TOKENS, "{series}", "{tenant}"]), max_size=3))
    tokens.append(f"{{counter:0{width}}}" if width else draw(st.sampled_from(["{counter}", "{counter:}"])))
    parts = [part for token in draw(st.permutations(tokens)) for part in (doubled(draw(texts)), token)]
    series, tenant = draw(texts), draw(texts)
    try:
        template = parse_template(
            "".join(parts) + doubled(draw(texts)),
            Calendar(kind, draw(fiscal_starts)),
            max_length=1000,
            series=series,
            tenant=tenant,
        )
    except InvalidTemplate:
        assume(False)
        raise
    return Plan(template, draw(days), series, tenant)


PLANNED = """
    SELECT s.starts_on, s.ends_on, f.prefix, f.width, f.suffix, ledger_highest_value(f.prefix, f.width, f.suffix, %s)
    FROM ledger_period_span(%s, %s, %s) s, ledger_render_template(%s, %s, %s, %s, s.starts_on) f
"""


@settings(max_examples=1000)
@given(plans(), st.integers(0, 60) | st.integers(0, 2**31 - 1))
def test_a_period_is_planned_as_python_plans_it(planning: Connection, plan: Plan, max_length: int) -> None:
    template, start = plan.template, str(plan.template.calendar.fiscal_start)
    span = template.calendar.span(plan.day)
    assert span is not None
    arguments = (
        max_length,
        str(template.calendar.kind),
        start,
        plan.day,
        template.text,
        start,
        plan.series,
        plan.tenant,
    )
    try:
        expected = template.compile(span)
    except InvalidDate:
        with pytest.raises(CheckViolation, match="(?s)the template .* has no {fy_end"):
            asked(planning, PLANNED, *arguments)
        return
    assert asked(planning, PLANNED, *arguments) == (
        span.starts_on,
        span.ends_on,
        expected.prefix,
        expected.width,
        expected.suffix,
        expected.highest_value(max_length),
    )


# Numbers


@pytest.mark.parametrize(
    ("prefix", "width", "suffix", "value", "on", "number"),
    [
        ("INV-", 4, "-B", 42, date(2026, 3, 4), "INV-0042-B"),
        ("INV-", 4, "-B", 12345, None, "INV-12345-B"),
        ("", 18, "", MAX_VALUE, None, str(MAX_VALUE)),
        ("{doc_year}{doc_month}{doc_day}-", 2, "", 7, date(987, 3, 4), "09870304-07"),
        ("{doc_year}-", 2, "/{doc_month}.{doc_day}", 7, None, "-----07/--.--"),
        ("{doc_", 2, "year}{doc_year}", 7, date(2026, 3, 4), "{doc_07year}2026"),
        ("{DOC_YEAR}{doc_years}", 2, "", 7, date(2026, 3, 4), "{DOC_YEAR}{doc_years}07"),
    ],
)
def test_numbers_by_example(
    planning: Connection, prefix: str, width: int, suffix: str, value: int, on: date | None, number: str
) -> None:
    query = "SELECT n, ledger_value_of(%s, %s, %s, lower(n)) FROM ledger_number(%s, %s, %s, %s, %s) n"
    assert asked(planning, query, *(prefix, width, suffix) * 2, value, on) == (number, value)


@pytest.mark.parametrize(
    ("max_length", "highest"),
    [(0, 0), (9, 0), (10, 0), (11, 9999), (12, 99999), (25, 10**18 - 1), (26, MAX_VALUE), (2**31 - 1, MAX_VALUE)],
)
def test_the_highest_value_counts_the_digits_of_the_documents_date(
    planning: Connection, max_length: int, highest: int
) -> None:
    assert asked(planning, "SELECT ledger_highest_value('A-{doc_year}', 4, 'B', %s)", max_length) == highest


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("A-2026-0042-01", 42),
        ("a-2026-0042-12", 42),
        ("A------0042---", 42),
        (f"A-2026-{MAX_VALUE}-01", MAX_VALUE),
        (f"A-2026-{MAX_VALUE + 1}-01", None),
        (f"A-2026-{'9' * 5000}-01", None),
        ("A-2026-042-01", None),
        ("A-2026-00042-01", None),
        ("A-2026-0042-0x", None),
        ("A-20-6-0042-01", None),
        ("A-2026-0042---", None),
        ("A-2026-٠٠٤٢-01", None),
        ("A-2026-0042\n-01", None),
        ("A-2026-0042-01\n", None),
        ("B-2026-0042-01", None),
        ("A-2026--01", None),
        ("A-2026-01", None),
        ("", None),
        (None, None),
    ],
)
def test_the_value_of_a_number_with_the_documents_date(
    planning: Connection, number: str | None, value: int | None
) -> None:
    assert asked(planning, "SELECT ledger_value_of('A-{doc_year}-', 4, '-{doc_month}', %s)", number) == value


@settings(max_examples=1000)
@given(plans(), values, st.booleans(), st.data())
def test_numbers_and_their_values_are_those_of_python(
    planning: Connection, plan: Plan, value: int, gap: bool, data: st.DataObject
) -> None:
    """The number of a value, and the value of that number and of others that resemble it, in any case of letters."""
    span = plan.template.calendar.span(plan.day)
    assert span is not None
    try:
        compiled = plan.template.compile(span)
    except InvalidDate:
        assume(False)
        raise
    on = None if gap else plan.day
    shown = [dated(text, on) for text in (compiled.prefix, compiled.suffix)]
    number = compiled.number(value, on)
    place = data.draw(st.integers(0, len(number)))
    resembling = data.draw(
        st.sampled_from(
            [
                number,
                number.lower(),
                number.swapcase(),
                number[:place] + data.draw(st.sampled_from("0-aÄ٠\n")) + number[place:],
                number[:place] + number[place + 1 :],
                f"{shown[0]}{value}{shown[1]}",
                f"{shown[0]}0{value}{shown[1]}",
            ]
        )
    )
    # Only PostgreSQL can say which letters differ only in case.
    query = """
        SELECT ledger_number(%s, %s, %s, %s, %s), ledger_value_of(%s, %s, %s, %s), upper(%s), upper(%s), upper(%s)
    """
    parts = (compiled.prefix, compiled.width, compiled.suffix)
    found = asked(planning, query, *parts, value, on, *parts, resembling, *shown, resembling)
    assert found[0] == number
    assert compiled.value_of(number) == value
    if not compiled.is_dated:
        assert found[1] == NumberFormat(found[2], compiled.width, found[3]).value_of(found[4])
    elif (read := compiled.value_of(resembling)) is not None:
        # Python also reads another date, and minds the case of letters.
        assert found[1] == read
    elif resembling == resembling.upper() == number.upper() and len(resembling) == len(number):  # unlike ß and SS
        assert found[1] == value
