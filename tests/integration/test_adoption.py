"""Taking over the numbers of a previous system: the real file, and every way in which a file can be bad."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from ledger import close_period, define_series, errors as e, issue, open_period, preview
from ledger.adoption import BadRow, adopt, sql
from ledger.models import (
    AdoptedGap,
    Adoption,
    Entry,
    GapExplained,
    NumberAdopted,
    NumberIssued,
    NumberVoided,
    Period,
    Series,
)
from ledger.spreadsheets import Layout
from ledger.spreadsheets.source import MAX_LINE, Source
from ledger.sql.installing import function_texts
from tests.integration.adopting import REAL_FILE, YEARLY, Write, adopt_real_file, refused

pytestmark = pytest.mark.django_db


def everything() -> list[int]:
    models = (Series, Period, Entry, NumberVoided, Adoption, AdoptedGap, GapExplained)
    return [model._default_manager.count() for model in models]


class TestTheRealFile:
    def test_is_taken_over_as_it_is_once_and_the_series_goes_on(self) -> None:
        before = everything()
        dry = adopt_real_file(dry_run=True)
        assert (dry.dry_run, dry.adoption) == (True, None)
        assert everything() == before == [0] * 7

        result = adopt_real_file(by="ann", explain_gaps="orders that were never invoiced")
        assert (dry.periods, dry.rows, dry.digest) == (result.periods, result.rows, result.digest)
        assert (result.rows, result.missing, result.missing_ranges) == (25_900, 19_323, 2_409)
        assert result.digest == hashlib.sha256(REAL_FILE.read_bytes()).hexdigest()
        period = Period.objects.get()
        assert (period.first_value, period.last_value) == (536_365, 581_587)
        assert NumberAdopted.objects.count() == Entry.objects.count() == 25_900

        cancelled = NumberAdopted.objects.get(number="C536379")
        assert cancelled.value == 536_379
        assert cancelled.issued_at == datetime(2010, 12, 1, 9, 41, tzinfo=UTC)
        assert cancelled.issued_on == date(2010, 12, 1)
        assert cancelled.actor == "ann"
        assert cancelled.metadata == {"kind": "C", "customer": "14527", "country": "United Kingdom"}
        plain = NumberAdopted.objects.get(value=536_365)
        assert plain.metadata == {"customer": "17850", "country": "United Kingdom"}, "an empty group says nothing"
        # In July London is an hour ahead of UTC.
        summer = NumberAdopted.objects.filter(issued_on=date(2011, 7, 1)).order_by("value")[0]
        lines = REAL_FILE.read_text().splitlines()
        stated = next(line for line in lines if line.startswith(f"{summer.number},")).split(",")[1]
        assert summer.issued_at == datetime.fromisoformat(f"{stated}+01:00")

        gaps = AdoptedGap.objects.all()
        assert max(gap.last_value - gap.first_value + 1 for gap in gaps) == 75
        assert GapExplained.objects.filter(explanation="orders that were never invoiced", actor="ann").count() == 2_409
        assert set(GapExplained.objects.values_list("adopted_gap", flat=True)) == {gap.pk for gap in gaps}

        adopted = everything()
        with pytest.raises(e.AdoptionError, match=r"adopted before, as 'online-retail.*by ann: 25900 numbers"):
            adopt_real_file()
        assert everything() == adopted
        assert Adoption.objects.get().pk == result.adoption

        assert [period.next_number for period in result.periods] == ["581588"]
        assert preview("invoice") == "581588"
        assert str(issue("invoice", document="order:1")) == "581588"
        assert isinstance(NumberIssued.objects.get(), NumberIssued)


class TestPeriods:
    def test_each_year_has_its_own_run(self, write: Write) -> None:
        path = write(
            "INV-2023-0003,2023-12-31T23:59",
            "INV-2024-0001,2024-01-01T00:00",
            "INV-2022-0007,2022-05-01",
            "INV-2024-0004,2024-02-29",
        )
        result = adopt(path, series="invoice", settings=YEARLY)
        runs = [(p.label[:4], p.first_value, p.last_value, p.missing, p.next_number) for p in result.periods]
        assert runs == [
            ("2022", 7, 7, 0, "INV-2022-0008"),
            ("2023", 3, 3, 0, "INV-2023-0004"),
            ("2024", 1, 4, 2, "INV-2024-0005"),
        ]
        gap = AdoptedGap.objects.get()
        assert (gap.first_value, gap.last_value, gap.period.starts_on.year) == (2, 3, 2024)
        assert str(issue("invoice", on=date(2023, 12, 31))) == "INV-2023-0004"
        assert str(issue("invoice", on=date(2025, 1, 1))) == "INV-2025-0001"

    def test_an_april_fiscal_year(self, write: Write) -> None:
        settings = {
            "template": "R{fy_start}/{fy_end}-{counter:04}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
            "time_zone": "Asia/Kolkata",
        }
        path = write(
            "R2022/2023-0009,2023-03-31T23:59",
            # 18:30 UTC is midnight in Kolkata: the new fiscal year.
            "R2023/2024-0001,2023-03-31T18:30:00Z",
        )
        adopt(path, series="invoice", settings=settings)
        entries = NumberAdopted.objects.order_by("period__starts_on")
        assert [(entry.period.starts_on, entry.issued_on) for entry in entries] == [
            (date(2022, 4, 1), date(2023, 3, 31)),
            (date(2023, 4, 1), date(2023, 4, 1)),
        ]
        assert preview("invoice", on=date(2023, 4, 1)) == "R2023/2024-0002"

    def test_an_open_empty_period_is_used(self, write: Write) -> None:
        series = define_series("invoice", **YEARLY)
        open_period(series, date(2024, 1, 1))
        adopt(write("INV-2024-0040,2024-01-01", "INV-2024-0042,2024-01-01"), series="invoice")
        period = Period.objects.get()
        assert (period.first_value, period.last_value) == (40, 42)

    def test_one_with_entries_is_refused(self, write: Write) -> None:
        define_series("invoice", **YEARLY)
        issue("invoice", on=date(2024, 5, 5))
        before = everything()
        rows, error = refused(write("INV-2023-0001,2023-01-01", "INV-2024-0040,2024-01-01"))
        assert not rows
        assert "2024-01-01 to 2024-12-31 (1 to 1)" in error.problem
        assert everything() == before

    def test_a_closed_one_is_refused(self, write: Write) -> None:
        series = define_series("invoice", **YEARLY)
        close_period(open_period(series, date(2020, 1, 1)))
        _, error = refused(write("INV-2020-0001,2020-01-01"))
        assert "closed" in error.problem

    def test_explicit_periods_must_hold_every_date(self, write: Write) -> None:
        template = "{year}{month}{day}-{counter:04}"
        series = define_series("invoice", template=template, calendar="explicit", time_zone="UTC")
        open_period(series, starts_on=date(2023, 10, 15), ends_on=date(2023, 12, 31))
        lines = ["20231015-0001,2023-10-15", "20231015-0002,2024-01-01", "20231015-0003,2023-12-31", "1-1,2023-10-14"]
        rows, _ = refused(write(*lines), settings={}, layout=Layout(pattern=r"\d+-(?P<counter>\d+)"))
        assert [row.row for row in rows] == [3, 5]
        assert "holds 2024-01-01; it has 2023-10-15 to 2023-12-31" in rows[0].problem
        assert "holds 2023-10-14" in rows[1].problem
        adopt(write("20231015-0001,2023-10-15", "20231015-0003,2023-12-31"), series="invoice")
        assert NumberAdopted.objects.count() == 2

    def test_the_chronology_guard_knows_the_latest_date(self, write: Write) -> None:
        settings = YEARLY | {"chronological": True}
        adopt(write("INV-2024-0001,2024-03-09", "INV-2024-0002,2024-03-07"), series="invoice", settings=settings)
        with pytest.raises(e.OutOfOrder, match="2024-03-08 is before 2024-03-09"):
            issue("invoice", on=date(2024, 3, 8))
        assert str(issue("invoice", on=date(2024, 3, 9))) == "INV-2024-0003"

    def test_tenants_do_not_meet(self, write: Write) -> None:
        path = write("INV-2024-0001,2024-03-09")
        for org in ("a", "b"):
            adopt(path, series="invoice", org=org, settings=YEARLY)
        assert sorted(NumberAdopted.objects.values_list("tenant", "number")) == [
            ("a", "INV-2024-0001"),
            ("b", "INV-2024-0001"),
        ]


class TestTimes:
    @pytest.mark.parametrize(
        ("zone", "stated", "moment", "day"),
        [
            ("Europe/London", "2021-07-01T00:30", "2021-06-30T23:30+00:00", "2021-07-01"),
            ("Europe/London", "2021-07-01", "2021-06-30T23:00+00:00", "2021-07-01"),
            ("Europe/London", "2021-06-30T23:30Z", "2021-06-30T23:30+00:00", "2021-07-01"),
            ("America/Chicago", "2021-07-01T04:30+00:00", "2021-07-01T04:30+00:00", "2021-06-30"),
            # 01:30 came twice when clocks were put back: the first is taken; an offset is exact.
            ("Europe/London", "2021-10-31T01:30", "2021-10-31T00:30+00:00", "2021-10-31"),
            ("Europe/London", "2021-10-31T01:30+00:00", "2021-10-31T01:30+00:00", "2021-10-31"),
            # The day began at one o'clock.
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00+00:00", "2018-11-04"),
        ],
    )
    def test_times_are_in_the_series_zone(self, write: Write, zone: str, stated: str, moment: str, day: str) -> None:
        settings = {"template": "{counter}", "calendar": "never", "time_zone": zone}
        adopt(write(f"7,{stated}"), series="invoice", settings=settings)
        entry = NumberAdopted.objects.get()
        assert entry.issued_at == datetime.fromisoformat(moment)
        assert entry.issued_on == date.fromisoformat(day)

    @pytest.mark.parametrize(
        ("zone", "stated"), [("Europe/London", "2021-03-28T01:30"), ("America/Sao_Paulo", "2018-11-04T00:15")]
    )
    def test_times_that_never_existed_are_refused(self, write: Write, zone: str, stated: str) -> None:
        settings = {"template": "{counter}", "calendar": "never", "time_zone": zone}
        rows, _ = refused(write(f"7,{stated}"), settings=settings)
        told = f"the time {stated} never was in {zone}: its clocks were put forward past it"
        assert rows == [BadRow(2, f"column 'issued_at': {told}")]

    def test_a_format_of_its_own(self, write: Write) -> None:
        layout = Layout(date_format="%d.%m.%Y", delimiter=";")
        path = write("INV-2024-0001;31.12.2024", header="number;issued_at")
        adopt(path, series="invoice", settings=YEARLY, layout=layout)
        assert NumberAdopted.objects.get().issued_at == datetime(2024, 12, 30, 23, tzinfo=UTC)


class TestVoids:
    def test_are_appended(self, write: Write) -> None:
        path = write(
            "INV-2024-0001,2024-01-01,Cancelled,o:1",
            "INV-2024-0002,2024-01-01,,o:2",
            "INV-2024-0003,2024-01-01,ok,o:3",
            header="number,issued_at,state,order",
        )
        layout = Layout(void_column="state", document_column="order")
        result = adopt(path, series="invoice", settings=YEARLY, layout=layout, by="ann")
        void = NumberVoided.objects.get()
        assert result.voids == 1
        assert (void.entry.number, void.reason, void.actor) == ("INV-2024-0001", "void in the previous system", "ann")
        # One document, one number, also across the systems.
        again = issue("invoice", document="o:2")
        assert (again.number, type(again)) == ("INV-2024-0002", NumberAdopted)


GOOD = "INV-2024-0001,2024-01-05"


class TestBadRows:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (",2024-01-01", "it has no number"),
            ("INV-2024-XX,2024-01-01", "is not like INV-{year}-{counter:04}"),
            ("INV-2024-0002 x,2024-01-01", "is not like INV-{year}-{counter:04}"),
            ("X" * 101 + ",2024-01-01", "has 101 characters, and the ledger holds 100"),
            ("INV-2024-\u200b0002,2024-01-01", "holds U+200B (ZERO WIDTH SPACE) at position 10"),
            ("INV-2024-9999999999999999999,2024-01-01", "counter of 9223372036854775807 or more"),
            ("INV-2024-0002,", "it has no date"),
            ("INV-2024-0002,2024-02-30", "'2024-02-30' doesn't have the format"),
            ("INV-2024-0002,31/12/2024", "the format ISO 8601"),
            ("INV-2024-0002,0001-01-01T00:00+14:00", "lies outside the years 1 to 9999"),
            ("INV-2024-0002", "it has 1 fields, and the header 2"),
            ('INV-2024-0002,"2024-01-01"x', "it is no line of CSV"),
            ("inv-2024-0001,2024-01-06", "is that of row 2 as well, 'INV-2024-0001': case makes no difference"),
            ("INV-2024-0001,2024-01-06", "the number 'INV-2024-0001' is that of row 2 as well, with another date"),
        ],
    )
    def test_are_told_with_line_and_reason(self, write: Write, row: str, reason: str) -> None:
        layout = Layout(pattern=r"(?i:INV)-\d{4}-(?P<counter>\d+)") if row.startswith("inv") else Layout()
        before = everything()
        rows, error = refused(write(GOOD, "", row), layout=layout)
        assert [bad.row for bad in rows] == [4]
        assert reason in rows[0].problem
        assert f"row 4: {rows[0].problem}" in str(error)
        assert everything() == before, "all or nothing"

    def test_a_counter_that_comes_twice_names_both_lines(self, write: Write) -> None:
        layout = Layout(pattern=r"^(?P<kind>C?)(?P<counter>\d+)$")
        settings = {"template": "{counter}", "calendar": "never", "time_zone": "UTC"}
        rows, _ = refused(write("12,2024-01-01", "13,2024-01-01", "C12,2024-01-02"), layout=layout, settings=settings)
        assert rows == [BadRow(4, "the counter 12 of 'C12' is that of row 2 as well, '12'")]

    def test_a_pattern_matches_the_whole_number(self, write: Write) -> None:
        rows, _ = refused(write("A12-7,2024-01-01"), layout=Layout(pattern=r"A(?P<counter>\d+)"))
        assert "'A12-7' is not of the form that --pattern describes" in rows[0].problem

    def test_a_counter_may_come_again_in_another_year(self, write: Write) -> None:
        adopt(write(GOOD, "INV-2023-0001,2023-01-05"), series="invoice", settings=YEARLY)
        assert NumberAdopted.objects.count() == 2

    def test_documents(self, write: Write) -> None:
        header = "number,issued_at,document"
        long = "o" * 201
        path = write(f"{GOOD},o:1", f"INV-2024-0002,2024-01-06,{long}", "INV-2024-0003,2024-01-06,o:1", header=header)
        rows, _ = refused(path, layout=Layout(document_column="document"))
        assert [row.row for row in rows] == [3, 4]
        assert "has 201 characters" in rows[0].problem
        assert rows[1].problem == "the document 'o:1' has a number already, in row 2"

    def test_two_rows_without_a_document_do_not_share_one(self, write: Write) -> None:
        path = write(f"{GOOD},", "INV-2024-0003,2024-01-06,", header="number,issued_at,document")
        adopt(path, series="invoice", settings=YEARLY, layout=Layout(document_column="document"))
        assert NumberAdopted.objects.filter(document="").count() == 2

    def test_what_is_in_the_ledger_already(self, write: Write) -> None:
        define_series("credit", template="CN-{year}-{counter:04}", time_zone="UTC")
        issue("credit", on=date(2024, 1, 1))
        define_series("invoice", **YEARLY)
        issue("invoice", on=date(2025, 1, 1), document="o:1")
        path = write(f"{GOOD},o:1", "cn-2024-0001,2024-01-01,", header="number,issued_at,document")
        layout = Layout(document_column="document", pattern=r"\w+-\d+-(?P<counter>\d+)")
        rows, _ = refused(path, layout=layout)
        assert BadRow(2, "the document 'o:1' has the number 'INV-2025-0001' in the ledger already") in rows
        told = "the number 'cn-2024-0001' is in the ledger already, in series 'credit', issued on 2024-01-01"
        assert BadRow(3, told) in rows

    def test_a_counter_beyond_the_length_limit(self, write: Write) -> None:
        rows, _ = refused(write("INV-2024-10000,2024-01-01"), settings=YEARLY | {"max_length": 13})
        assert rows[0].problem.endswith("has the counter 10000, and the series can number up to 9999 within its "
                                        "length limit")  # fmt: skip

    def test_a_number_that_a_later_checkout_would_come_to(self, write: Write) -> None:
        # The pattern reads a 1; but the text is what value 12 of the series looks like.
        layout = Layout(pattern=r"INV-2024-00(?P<counter>\d)\d")
        rows, _ = refused(write("INV-2024-0012,2024-01-01"), layout=layout)
        assert rows[0].problem.endswith("but its date and counter make it 'INV-2024-0001'")

    def test_all_are_told_in_order(self, write: Write) -> None:
        lines = [f"INV-2024-{value:04},2024-13-01" for value in range(1, 1501)]
        rows, error = refused(write(*lines))
        assert [row.row for row in rows] == list(range(2, 1502))
        assert "has 1500 bad rows" in error.problem
        assert "and 1495 more" in error.problem

    def test_the_callers_transaction_goes_on(self, write: Write) -> None:
        with transaction.atomic():
            refused(write("nonsense,2024-01-01"))
            assert str(issue("receipt", on=date(2024, 1, 1))) == "RCP-2024-000001"
            adopt(write(GOOD), series="invoice", settings=YEARLY)
            adopt(write("INV-2023-0001,2023-01-05"), series="invoice")
        assert NumberAdopted.objects.count() == 2


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty"),
            (b"\n\n", "is empty"),
            (b"number,issued_at\n", "has a header and no row"),
            (b"number,date\n1,2024-01-01\n", "has no column 'issued_at'; it has number, date"),
            (b"number,number,issued_at\n1,1,2024-01-01\n", "has two columns 'number'"),
            (
                b"number,issued_at\nINV-2024-0001,2024-01-01\nI\0,2024-01-01\n",
                "contains a NUL byte, so it is no text, at or",
            ),
            (b"number,issued_at\nINV-2024-0001\xff,2024-01-01\n", "is not encoded in utf-8 (invalid start byte)"),
            (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00", "is an archive"),
            (b"number,issued_at\n" + b"x" * (MAX_LINE + 1), f"has more than {MAX_LINE} characters"),
        ],
    )
    def test_are_refused_with_the_reason(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "old.csv"
        path.write_bytes(content)
        rows, error = refused(path)
        assert rows == []
        assert reason in error.problem
        assert "'old.csv'" in error.problem
        assert str(tmp_path) not in str(error)
        assert everything() == [0] * 7

    def test_a_file_that_can_not_be_opened_can_be_closed(self) -> None:
        """As the collector does with what a failed constructor leaves; Python 3.13 writes down what that raises."""
        unopened = Source.__new__(Source)
        unopened.close()
        assert unopened.closed

    def test_marks_encodings_and_quotes_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "old.csv"
        path.write_bytes('number,issued_at,customer\r\n"INV-2024-0001",2024-01-01,"Möller\nSöhne"\r\n'.encode("cp1252"))
        layout = Layout(encoding="cp1252", customer_column="customer")
        adopt(path, series="invoice", settings=YEARLY, layout=layout, dry_run=True)
        path.write_bytes(b"\xef\xbb\xbf" + "number,issued_at,customer\nINV-2024-0001,2024-01-01,Möller\n".encode())
        adopt(path, series="invoice", settings=YEARLY, layout=Layout(customer_column="customer"))
        assert NumberAdopted.objects.get().metadata == {"customer": "Möller"}

    @pytest.mark.parametrize(
        ("layout", "reason"),
        [
            (Layout(pattern="("), "can't be read"),
            (Layout(pattern=r"\d+"), "no group named counter"),
            (Layout(pattern=r"(?P<customer>\d)(?P<counter>\d)", customer_column="c"), "customer twice"),
            (Layout(delimiter=";;"), "can't separate the fields"),
            (Layout(encoding="klingon"), "unknown encoding"),
            (Layout(date_format="%d%m"), "has no year"),
        ],
    )
    def test_bad_options_are_told_before_reading(self, write: Write, layout: Layout, reason: str) -> None:
        with pytest.raises(e.InvalidArgument, match=reason):
            adopt(write(GOOD), series="invoice", settings=YEARLY, layout=layout)

    @pytest.mark.parametrize("calendar", ["never", "year"])
    def test_a_date_too_far_ahead_is_a_bad_row(self, write: Write, calendar: str) -> None:
        far = datetime.now(UTC).date() + timedelta(days=402)
        template = "INV-{counter:04}" if calendar == "never" else "INV-{year}-{counter:04}"
        number = template.replace("{year}", str(far.year)).replace("{counter:04}", "0001")
        settings = {**YEARLY, "calendar": calendar, "template": template, "max_days_ahead": 400}
        rows, _ = refused(write(f"{number},{far}"), settings=settings)
        assert [(row.row, row.problem) for row in rows] == [(2, f"the date {far} lies more than 400 days ahead")]
        assert everything() == [0] * 7

    def test_a_series_that_differs_is_not_changed(self, write: Write) -> None:
        define_series("invoice", **YEARLY)
        with pytest.raises(e.AdoptionError, match=r"has the time_zone 'Europe/Berlin'; 'UTC' was asked for"):
            adopt(write(GOOD), series="invoice", settings=YEARLY | {"time_zone": "UTC"})

    def test_an_unknown_series_is_told_and_a_default_one_made(self, write: Write) -> None:
        with pytest.raises(e.UnknownSeries):
            adopt(write(GOOD), series="bills")
        adopt(write("INV-2024-000001,2024-01-05"), series="invoice")
        assert preview("invoice", on=date(2024, 1, 6)) == "INV-2024-000002"


def test_no_statement_multiplies_rows_by_days() -> None:
    """Statistics may say that the staging tables are nearly empty, as they are when PostgreSQL looks at them."""
    texts = [function_texts()["ledger_adopt"], sql.PROBLEMS, sql.ADOPTED_PERIODS]
    looked_up = re.findall(
        r"FROM ledger_adoptingrow s\s+(?:CROSS|LEFT) JOIN LATERAL \(\s*(SELECT .*?LIMIT 1)\) d",
        "".join(texts),
        re.DOTALL,
    )
    assert len(looked_up) == 8
    assert "JOIN ledger_adoptingday" not in "".join(texts)
    with connection.cursor() as cursor:
        for batch, rows in (("before", 1), ("large", 3000)):
            days = "SELECT %s, DATE '2000-01-01' + n FROM generate_series(1, %s) n"
            cursor.execute(f"INSERT INTO ledger_adoptingday (batch, day) {days}", [batch, rows])
            lines = days.replace(" FROM", ", n FROM")
            cursor.execute(f"INSERT INTO ledger_adoptingrow (batch, counted_on, line) {lines}", [batch, rows])
            if batch == "before":
                cursor.execute("ANALYZE ledger_adoptingday, ledger_adoptingrow")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for look_up in looked_up:
            cursor.execute(
                f"EXPLAIN SELECT FROM ledger_adoptingrow s CROSS JOIN LATERAL ({look_up}) d WHERE s.batch = 'large'"
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Join Filter" not in plan
            assert "(day = s.counted_on)" in plan.partition("Index Cond: ((batch = s.batch)")[2]
