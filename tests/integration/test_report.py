"""The continuity report: its header, its parts, and what it says when something is wrong."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies as st

from ledger import define_series, issue_many, open_period, void
from ledger.actions import acknowledge, declare
from ledger.errors import InvalidCalendar, InvalidDate, ReportError
from ledger.gaps import GapRange
from ledger.judging import State
from ledger.models import Entry, Period
from ledger.reconciliation import BookSettings, findings
from ledger.reports import scope
from ledger.reports.formats import formats
from ledger.reports.report import continuity_report
from ledger.reports.rows import column
from tests.integration.paper_books import PaperSystem
from tests.integration.queues import pooled, take
from tests.integration.reporting import PINNED, eventful, flagged, number, part_rows, rows, unguarded

pytestmark = pytest.mark.django_db(transaction=True)


class TestTheParts:
    def test_the_summary_accounts_for_every_value(self) -> None:
        eventful()
        (row,) = part_rows("summary", tenant="shop")
        assert (row.series, row.period, row.template) == ("bill", "2026-01-01 to 2026-12-31", "B2026-{counter:03}")
        assert (row.first, row.last, row.first_number, row.last_number) == (1, 8, "B2026-001", "B2026-008")
        assert (row.expected, row.issued, row.in_progress, row.missing, row.missing_ranges) == (8, 4, 1, 3, 2)
        assert (row.void, row.out_of_order, row.duplicates, row.lost) == (1, 0, 0, 0)
        assert (row.expected_from_rows, row.adds_up) == (8, True)

    def test_gaps_bear_both_ends_their_neighbours_and_what_was_said(self) -> None:
        eventful()
        first, second, third = part_rows("gaps", tenant="shop")
        assert [(gap.start, gap.end, gap.count) for gap in (first, second, third)] == [(3, 3, 1), (4, 4, 1), (6, 6, 1)]
        assert (first.start_number, first.end_number) == ("B2026-003", "B2026-003")
        beside = ("B2026-002", date(2026, 1, 31), "B2026-005", date(2026, 2, 1))
        for gap in (first, second):  # other gaps are no neighbours
            assert (gap.before_number, gap.before_on, gap.after_number, gap.after_on) == beside
        # Nor is what is reserved.
        assert (third.before_number, third.after_number, third.after_on) == ("B2026-005", "B2026-008", date(2026, 2, 3))
        assert first.cause == "not committed"
        assert first.evidence["reservation"]["actor"] == "checkout"
        assert (first.explanation, first.explained_by) == ("card refused", "ada")
        assert first.known_since < first.explained_at
        assert (second.explanation, second.explained_by, second.explained_at) == ("", "", None)

    def test_the_last_explanation_counts(self) -> None:
        from ledger.actions import explain

        eventful()
        gap = Entry.objects.get(number="B2026-003")
        explain(gap, explanation="incident 17, settled", by="cyd")
        assert part_rows("gaps", tenant="shop")[0].explanation == "incident 17, settled"

    def test_voids_are_told_in_the_time_zone_of_their_series(self) -> None:
        eventful()
        (row,) = part_rows("voids", tenant="shop")
        assert (row.number, row.document, row.issued_on) == ("B2026-005", "order:5", date(2026, 2, 1))
        assert (row.voided_by, row.reason, row.replacement) == ("bea", "wrong address", "order:8")
        for moment in (row.issued_at, row.voided_at):
            assert str(moment.tzinfo) == "Asia/Kolkata"
            assert moment.utcoffset().total_seconds() == 5.5 * 3600

    def test_open_values_are_those_reserved_and_free(self) -> None:
        eventful()
        (row,) = part_rows("in_progress", tenant="shop")
        assert (row.value, row.number, row.state, row.document) == (7, "B2026-007", "reserved", "order:7")
        assert (row.asked_by, row.asked_for) == ("checkout", date(2026, 2, 2))
        period = pooled(org="pool")
        take(period, 3)
        assert [(row.value, row.state) for row in part_rows("in_progress", tenant="pool")] == [(1, "free"), (2, "free")]
        (summary,) = part_rows("summary", tenant="pool")
        # What was minted ahead, above the highest number, is nobody's yet.
        assert (summary.first, summary.last, summary.expected, summary.in_progress, summary.missing) == (1, 3, 3, 2, 0)

    def test_a_period_opens_where_the_one_before_it_closed_or_anew(self) -> None:
        define_series("bill", template="B{year}-{counter}", time_zone="UTC")
        number("bill", date(2024, 5, 5))
        number("bill", date(2024, 5, 5))
        number("bill", date(2025, 5, 5))
        series = Period.objects.first().series  # type: ignore[union-attr]
        open_period(series, date(2026, 1, 1), first_value=2)
        open_period(series, date(2027, 1, 1), first_value=10)
        opened = [(row.opening_value, row.closing_value_before, row.opening) for row in part_rows("summary")]
        assert opened == [
            (1, None, "is the first period"),
            (1, 2, "starts anew"),
            (2, 1, "goes on"),
            (10, 1, "leaves out 8"),
        ]
        # The one before counts also where it is not in the report.
        assert [row.closing_value_before for row in part_rows("summary", on=date(2025, 3, 1))] == [2]


class TestSpansOfDates:
    def test_hold_what_is_dated_within(self) -> None:
        eventful()
        (january,) = part_rows("summary", tenant="shop", until=date(2026, 1, 31))
        assert (january.first, january.last) == (1, 4)
        assert (january.expected, january.issued, january.in_progress, january.missing) == (4, 2, 0, 2)
        assert january.adds_up
        assert [gap.start for gap in part_rows("gaps", tenant="shop", until=date(2026, 1, 31))] == [3, 4]
        assert part_rows("voids", tenant="shop", until=date(2026, 1, 31)) == []
        asked: dict[str, Any] = {"tenant": "shop", "since": date(2026, 2, 1)}
        (february,) = part_rows("summary", **asked)
        assert (february.first, february.last, february.first_number) == (5, 8, "B2026-005")
        assert (february.expected, february.issued, february.in_progress, february.missing) == (4, 2, 1, 1)
        assert (february.void, february.adds_up) == (1, True)
        assert [gap.start for gap in part_rows("gaps", **asked)] == [6]
        assert [row.number for row in part_rows("voids", **asked)] == ["B2026-005"]
        assert [row.value for row in part_rows("in_progress", **asked)] == [7]

    def test_that_touch_hold_each_value_once_also_out_of_order(self) -> None:
        eventful()
        number("bill", date(2026, 1, 1), org="shop")
        number("bill", date(2026, 3, 1), org="shop")
        (whole,) = part_rows("summary", tenant="shop")
        edges = [date(2026, 1, 1), date(2026, 1, 15), date(2026, 1, 31), date(2026, 2, 2), date(2026, 12, 31)]
        parts = [
            part_rows("summary", tenant="shop", since=since if at else None, until=until)[0]
            for at, (since, until) in enumerate(
                zip([date.fromordinal(edge.toordinal() + 1) for edge in edges], edges[1:], strict=False)
            )
        ]
        for figure in ("expected", "issued", "in_progress", "missing", "void", "out_of_order"):
            assert sum(getattr(part, figure) for part in parts) == getattr(whole, figure), figure
        assert all(part.adds_up for part in parts)
        assert whole.out_of_order == 1

    def test_of_a_period_hold_all_of_it(self) -> None:
        eventful()
        number("bill", date(2027, 1, 1), org="shop")
        assert [row.expected for row in part_rows("summary", tenant="shop", on=date(2026, 7, 1))] == [8]
        with continuity_report(tenant="shop", on=date(2026, 7, 1)) as report:
            assert report.header.period == "2026-01-01 to 2026-12-31"
            assert (report.header.since, report.header.until) == (None, None)


class TestTheHeader:
    def test_says_whose_numbers_which_and_when(self) -> None:
        eventful()
        with continuity_report(tenant="shop", series="bill", tax_id="DE123456789", made_at=PINNED) as report:
            header = report.header
        assert (header.tenant, header.tax_id, header.series) == ("shop", "DE123456789", "bill")
        assert (header.template, header.time_zone) == ("B{year}-{counter:03}", "Asia/Kolkata")
        assert header.made_at.isoformat() == "2026-11-21T17:30:00+05:30"
        assert str(header.position) == "7 entries, 1 void, 1 explanation, 0 declarations, 0 of findings; 1 in progress"
        assert (report.ok, report.verdict.state) == (False, State.UNEXPLAINED)
        assert report.problems == ("2 missing values are not explained (shop/bill from 2026-01-01).",)

    def test_made_at_is_now_by_default(self) -> None:
        eventful()
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            before = cursor.fetchone()[0]
        with continuity_report(tenant="shop") as report:
            assert report.header.made_at >= before

    @pytest.mark.parametrize(
        ("asked", "error", "words"),
        [
            ({"tenant": "nobody"}, ReportError, "'nobody' has no series"),
            ({"series": "bil"}, ReportError, "no series 'bil'"),
            ({"on": date(1999, 1, 1)}, ReportError, "no period"),
            ({"on": date(2026, 1, 1), "until": date(2026, 1, 1)}, ReportError, "Both a period"),
            ({"since": date(2026, 1, 2), "until": date(2026, 1, 1)}, InvalidCalendar, "ends before"),
            ({"made_at": datetime(2026, 1, 1)}, InvalidDate, "no time zone"),
        ],
    )
    def test_refuses_what_would_be_empty_or_unclear(
        self, asked: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        eventful()
        with pytest.raises(error, match=words), continuity_report(**{"tenant": "shop", **asked}):
            pass


class TestOneSnapshot:
    def test_all_parts_agree_while_checkouts_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setattr(scope, "_KEPT", 0)
        with continuity_report(tenant="shop") as report:

            def check_out() -> None:
                try:
                    void(number("bill", date(2026, 2, 4), org="shop"), reason="at once")
                    flagged(Period.objects.get())
                finally:
                    connection.close()

            checkout = threading.Thread(target=check_out)
            checkout.start()
            checkout.join(30)
            assert not checkout.is_alive()
            assert (rows(report, "summary")[0].missing, len(rows(report, "gaps"))) == (3, 3)
            assert (rows(report, "summary")[0].void, len(rows(report, "voids"))) == (1, 1)
        assert part_rows("summary", tenant="shop")[0].missing == len(part_rows("gaps", tenant="shop")) == 4
        assert part_rows("summary", tenant="shop")[0].void == len(part_rows("voids", tenant="shop")) == 2

    def test_more_spans_than_are_kept_are_read_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        number("bill", date(2027, 1, 1), org="shop")
        flagged(Period.objects.get(prefix="B2027-"))
        kept = [part_rows(name, tenant="shop") for name in ("summary", "gaps", "in_progress")]
        monkeypatch.setattr(scope, "_KEPT", 3)
        assert [part_rows(name, tenant="shop") for name in ("summary", "gaps", "in_progress")] == kept
        with continuity_report(tenant="shop") as report:
            rows(report, "gaps")
            assert rows(report, "gaps") == kept[1]

    def test_a_report_writes_nothing(self) -> None:
        eventful()
        with continuity_report(tenant="shop"), connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("on",)

    def test_a_transaction_without_a_snapshot_is_refused(self) -> None:
        eventful()
        with transaction.atomic(), pytest.raises(ReportError, match="read committed"):
            part_rows("summary", tenant="shop")
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert part_rows("summary", tenant="shop")[0].expected == 8


class TestWhatIsWrong:
    def test_a_lost_row_is_a_gap_of_its_own_cause(self) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("DELETE FROM ledger_entry WHERE value IN (2, 4)")
        with continuity_report(tenant="shop") as report:
            assert report.problems == (
                "bill, 2026-01-01 to 2026-12-31: 2 values are lost or were tampered with; nothing is known of them.",
                "1 missing value is not explained (shop/bill from 2026-01-01).",
            )
            assert (report.verdict.state, report.ok) == (State.LOST, False)
            assert [row.state for row in rows(report, "summary")] == ["lost or tampered"]
            gaps = rows(report, "gaps")
            assert [(gap.start, gap.end, gap.cause[:4]) for gap in gaps] == [
                (2, 2, "lost"),
                (3, 3, "not "),
                (4, 4, "lost"),
                (6, 6, "not "),
            ]
            assert {gap.before_number for gap in gaps[:3]} == {"B2026-001"}

    def test_a_counter_that_the_rows_deny_does_not_add_up(self) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("DELETE FROM ledger_entry WHERE value = 8")
        with continuity_report(tenant="shop") as report:
            (row,) = rows(report, "summary")
            assert (row.expected, row.expected_from_rows, row.adds_up) == (8, 7, False)
            assert (
                "do not add up. The counter expects 8 from 1 to 8; the rows span 7 from 1 to 7." in report.problems[0]
            )

    def test_a_value_that_comes_twice(self, tmp_path: Path) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value")
            try:
                cursor.execute("UPDATE ledger_entry SET value = 1 WHERE value = 2")
                with continuity_report(tenant="shop") as report:
                    assert rows(report, "summary")[0].duplicates == 1
                    assert "1 value comes twice" in report.problems[-2]
                with pytest.raises(CommandError, match="1 value comes twice") as refused:
                    call_command("ledger_report", "--tenant", "shop", "--output", str(tmp_path / "report.json"))
                assert refused.value.returncode == 2
            finally:
                cursor.execute("UPDATE ledger_entry SET value = 2 WHERE number = 'B2026-002'")
                cursor.execute(
                    "ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_value UNIQUE (tenant, period_id, value)"
                )


class TestTheFrontPage:
    def test_says_what_a_person_says(self) -> None:
        eventful()
        with continuity_report(tenant="shop") as report:
            assert report.sentence == "8 numbers: 3 valid, 1 void, 3 missing (2 to explain), 1 in progress."
            assert not report.is_green
        define_series("one", org="single", template="O{counter}", calendar="never")
        number("one", date(2026, 1, 1), org="single")
        with continuity_report(tenant="single") as report:
            assert report.sentence == "1 number: 1 valid, 0 void, 0 missing."
            assert report.is_green

    def test_goes_through_all_that_the_verdict_rests_on(self) -> None:
        eventful()
        with continuity_report(tenant="shop") as report:
            told = {reason.title: (reason.text, reason.good) for reason in report.reasons}
        assert told == {
            "Lost, or not adding up": ("none", True),
            "Rules broken": ("none", True),
            "Differing from the books": ("none", True),
            "Missing and not explained": ("2", False),
            "Due to be declared": ("none", True),
            "Out of order": ("none", True),
            "Last seal": ("not sealed yet", None),
        }

    def test_says_who_made_it_where_and_whether_that_role_could_change_the_ledger(self) -> None:
        eventful()
        with continuity_report(tenant="shop", made_by="ada") as report:
            header = report.header
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT system_identifier FROM pg_control_system()), current_user")
            identifier, login = cursor.fetchone()
        assert header.system.startswith(f"{identifier}/")
        assert (header.made_by, header.login, header.owns_tables) == ("ada", login, True)
        assert ("Database role", f"{login}, owns the tables") in header.lines()

    def test_bears_the_name_and_the_tax_id_that_the_project_says(self) -> None:
        eventful()
        with override_settings(LEDGER={"TENANT_NAME": f"{__name__}.company", "TENANT_TAX_ID": f"{__name__}.tax_id"}):
            with continuity_report(tenant="shop") as report:
                assert (report.header.owner, report.header.tax_id) == ("Company Shop (shop)", "DE-shop")
            with continuity_report(tenant="shop", tax_id="DE9") as report:
                assert report.header.tax_id == "DE9"

    def test_a_hook_in_trouble_hides_no_number(self) -> None:
        eventful()
        for path in (f"{__name__}.broken", "no.such.function"):
            with override_settings(LEDGER={"TENANT_NAME": path}), continuity_report(tenant="shop") as report:
                assert report.header.owner == "shop"


def company(tenant: str) -> str:
    return f"Company {tenant.title()}"


def tax_id(tenant: str) -> str:
    return f"DE-{tenant}"


def broken(tenant: str) -> str:
    raise KeyError(tenant)


class TestTheLists:
    def test_documents_out_of_order_and_those_dated_on_another_day_than_their_issue(self) -> None:
        define_series("late", org="shop", template="L{counter:02}", calendar="never", time_zone="UTC")
        for day in (date(2026, 3, 3), date(2026, 3, 1), None):
            number("late", day, org="shop")  # type: ignore[arg-type]
        with continuity_report(tenant="shop") as report:
            (out,) = rows(report, "out_of_order")
            assert (out.number, out.issued_on, out.before_number, out.before_on) == (
                "L02",
                date(2026, 3, 1),
                "L01",
                date(2026, 3, 3),
            )
            dated = {row.number: (row.issued_on, row.days) for row in rows(report, "dating")}
            assert set(dated) == {"L01", "L02"}
            assert dated["L01"][1] - dated["L02"][1] == 2
        with continuity_report(tenant="shop", since=date(2026, 3, 2)) as report:
            assert {row.number for row in rows(report, "dating")} == {"L01"}

    def test_a_day_is_that_of_the_series_and_not_of_greenwich(self) -> None:
        define_series("far", org="shop", template="F{counter}", calendar="never", time_zone="Pacific/Kiritimati")
        number("far", None, org="shop")  # type: ignore[arg-type]
        define_series("near", org="shop", template="N{counter}", calendar="never", time_zone="Pacific/Pago_Pago")
        number("near", None, org="shop")  # type: ignore[arg-type]
        assert part_rows("dating", tenant="shop") == []

    def test_declarations_with_who_when_and_under_which_reference(self) -> None:
        eventful()
        declare([GapRange(Period.objects.get(), 3, 4)], authority="BR NF-e", reference="135", by="ada")
        with continuity_report(tenant="shop") as report:
            (row,) = rows(report, "declarations")
            assert (row.start_number, row.end_number, row.authority) == ("B2026-003", "B2026-004", "BR NF-e")
            assert (row.reference, row.declared_by) == ("135", "ada")
            assert [gap.declared for gap in rows(report, "gaps")] == ["BR NF-e 135", "BR NF-e 135", ""]
            assert report.header.position.declarations == 1
        with continuity_report(tenant="shop", since=date(2026, 2, 1)) as report:
            assert rows(report, "declarations") == []

    def test_the_settings_of_each_series(self) -> None:
        eventful()
        (row,) = part_rows("series", tenant="shop")
        assert (row.series, row.allocation, row.chronological, row.rules) == ("bill", "reserved", "off", "")

    def test_moments_of_several_zones_are_told_in_one(self) -> None:
        eventful()
        define_series("two", org="shop", template="T{counter}", calendar="never", time_zone="UTC")
        number("two", date(2026, 1, 1), org="shop")
        with continuity_report(tenant="shop") as report:
            assert report.header.time_zone == "UTC; the series have several"
            moments = [row.issued_at for row in rows(report, "dating")] + [
                row.voided_at for row in rows(report, "voids")
            ]
            assert {moment.utcoffset() for moment in moments} == {timedelta(0)}

    def test_their_statements_do_not_grow_with_the_periods(self) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as seen:
                for since in (None, date(2026, 1, 1)):
                    with continuity_report(tenant="shop", since=since) as report:
                        for part in (*report.parts, *report.further):
                            list(part.cells())
            return len(seen)

        series = define_series(
            "daily", org="shop", template="D{year}{month}{day}-{counter}", calendar="day", time_zone="UTC"
        )

        def days(first: int, last: int) -> None:
            for day in range(first, last):
                on = date.fromordinal(date(2026, 1, 1).toordinal() + day)
                with transaction.atomic():
                    issue_many("daily", org="shop", documents=[f"{day}-{each}" for each in "abcd"], on=on)
            with unguarded() as cursor:
                cursor.execute("UPDATE ledger_entry SET kind = 'gap', document = '' WHERE document LIKE '%-a'")
                cursor.execute("DELETE FROM ledger_entry WHERE document LIKE '%-b'")

        days(0, 1)
        few = statements()
        days(1, 60)
        assert Period.objects.filter(series=series).count() == 60
        assert statements() == few


class TestWhatOthersAdd:
    def test_the_day_by_which_a_gap_is_declared(self) -> None:
        eventful()
        assert not hasattr(part_rows("gaps", tenant="shop")[0], "declaration_due")
        define_series("nota", org="brazil", template="{counter}", calendar="never", time_zone="UTC", rules="BR")
        with transaction.atomic():
            issue_many("nota", org="brazil", documents=["a", "b", "c"], on=date(2026, 12, 31))
        with unguarded() as cursor:
            cursor.execute("UPDATE ledger_entry SET kind = 'gap', document = '' WHERE document = 'b'")
        with continuity_report(tenant="brazil") as report:
            assert [gap.declaration_due for gap in rows(report, "gaps")] == [date(2027, 1, 10)]
            assert report.parts[2].columns[-1].name == "declaration_due"

    def test_what_an_accounting_system_says(self) -> None:
        define_series("invoice", org="books", template="B{year}-{counter:03}", calendar="year", time_zone="UTC")
        with transaction.atomic():
            issue_many("invoice", org="books", documents=["a", "b", "c", "d"], on=date(2026, 1, 5))
        system = PaperSystem(BookSettings("xero", tenant="books", grace=timedelta(0)))
        system.put("1", "B2026-001", issued_on=date(2026, 1, 5))
        system.put("2", "b2026-002", issued_on=None)
        system.put("9", "FOREIGN-1")
        assert len(system.differs()) == 3
        acknowledge(next(findings(tenant="books", kind="unknown")).id, reason="another shop's", by="ada")
        with continuity_report(tenant="books") as report:
            assert [part.name for part in report.parts][-4:] == ["findings", "confirmed", "series", "settings"]
            assert {(row.number, row.series, row.there, row.reason) for row in rows(report, "findings")} == {
                ("B2026-003", "invoice", "nothing", ""),
                ("B2026-004", "invoice", "nothing", ""),
                ("FOREIGN-1", "", "posted FOREIGN-1 of 2026-03-01", "another shop's"),
            }
            assert report.header.position.findings == 4
            [confirmed] = rows(report, "confirmed")
            assert (confirmed.system, confirmed.confirmed, confirmed.used) == ("xero", 2, 4)
            assert confirmed.compared_at is not None
            for name, how in formats().items():
                target = BytesIO()
                how.write(report, target, lambda warning: None)
                assert target.tell() > 1000, name
        eventful()
        with continuity_report(tenant="shop") as report:
            assert [part.name for part in report.parts] == [
                *("summary", "voids", "gaps", "in_progress", "dating", "series", "settings")
            ]

    def test_a_column_has_a_title(self) -> None:
        assert column("Series").metadata["title"] == "Series"


_codes = count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["issued", "issued", "gap", "reserved", "lost"]), min_size=1, max_size=25))
def test_gaps_are_those_of_a_model_that_looks_at_each_value(kinds: list[str]) -> None:
    """The rows are written straight into the tables, so that there are also runs that no checkout leaves behind."""
    code = f"model-{next(_codes)}"
    series = define_series(code, template=f"{code}-{{counter}}", calendar="never", time_zone="UTC")
    period = open_period(series)
    with unguarded() as cursor:
        Period.objects.filter(pk=period.pk).update(last_value=len(kinds))
        for value, kind in enumerate(kinds, 1):
            if kind == "reserved":
                cursor.execute(
                    "INSERT INTO ledger_reservation (tenant, series_id, period_id, value, document, issued_on, actor,"
                    " checkout_transaction_id) VALUES ('', %s, %s, %s, '', '2026-01-01', '', 7)",
                    [series.pk, period.pk, value],
                )
            elif kind != "lost":
                Entry.objects.create(
                    series=series,
                    period=period,
                    value=value,
                    kind=kind,
                    number=period.as_format().number(value),
                    issued_on=date.fromordinal(date(2026, 1, 1).toordinal() + value),
                    metadata={"cause": f"cause {value}"} if kind == "gap" else {},
                )
    documents = [value for value, kind in enumerate(kinds, 1) if kind == "issued"]
    expected = []
    for value, kind in enumerate(kinds, 1):
        if kind == "gap" or (kind == "lost" and (value == 1 or kinds[value - 2] != "lost")):
            last = value
            while kind == "lost" and last < len(kinds) and kinds[last] == "lost":
                last += 1
            before = max((document for document in documents if document < value), default=None)
            after = min((document for document in documents if document > value), default=None)
            expected.append((value, last, last - value + 1, before, after, kind))
    found = [
        (
            gap.start,
            gap.end,
            gap.count,
            gap.before_number and int(gap.before_number.rsplit("-", 1)[1]),
            gap.after_number and int(gap.after_number.rsplit("-", 1)[1]),
            "gap" if gap.cause.startswith("cause") else "lost",
        )
        for gap in part_rows("gaps", series=code)
    ]
    assert found == expected
    (row,) = part_rows("summary", series=code)
    assert (row.missing, row.in_progress) == (kinds.count("gap") + kinds.count("lost"), kinds.count("reserved"))
    assert row.lost == kinds.count("lost")
