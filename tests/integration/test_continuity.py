"""The continuity report: every value accounted for, counted from the counter and from the rows."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger import close_period, define_series, issue, open_period, void
from ledger.adoption import adopt
from ledger.models import Entry, Period
from ledger.reports import continuity
from ledger.reports.continuity import PeriodSummary, summarise
from tests.integration.adopting import REAL_SERIES, adopt_real_file

pytestmark = pytest.mark.django_db

SQL = Callable[..., None]


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine ``ledger_status`` would say one thing more: see test_slow_commits.py."""
    monkeypatch.setattr("ledger.management.commands.ledger_status.commit_seconds", lambda alias: 0.0)


@pytest.fixture
def tamper() -> SQL:
    """Runs a statement as a superuser who disables the triggers could."""

    def tamper(statement: str, *arguments: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute(statement, arguments)
            # Deferred checks would refuse the next line.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_append_only_rows")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")

    return tamper


def only_summary(**chosen: Any) -> PeriodSummary:
    (summary,) = summarise(**chosen)
    return summary


def flag(period: Period, value: int, on: date | None = None) -> None:
    """Takes the value and says that no document has it, as a worker does."""
    Period.objects.filter(pk=period.pk, last_value__lt=value).update(last_value=value)
    Entry.objects.create(
        tenant=period.tenant,
        series=period.series,
        period=period,
        value=value,
        kind="gap",
        number=period.as_format().number(value),
        issued_on=on or period.ends_on,
    )


class TestTheRealFile:
    def test_arrives_at_the_figures_of_the_file(self) -> None:
        adopt_real_file(explain_gaps="never invoiced")
        found = only_summary()
        assert (found.first, found.last, found.expected) == (536_365, 581_587, 45_223)
        assert (found.lowest, found.highest) == (536_365, 581_587)
        assert (found.adopted, found.issued, found.used, found.void, found.flagged) == (25_900, 0, 25_900, 0, 0)
        assert (found.missing, found.missing_ranges, found.longest_range) == (19_323, 2_409, 75)
        assert (found.adopted_missing, found.explained) == (19_323, 19_323)
        assert (found.duplicates, found.out_of_order) == (0, 5)
        assert found.next_number == "581588"
        assert found.identity_holds
        assert (found.period, found.closed) == ("for ever", False)

    def test_and_goes_on_with_what_folio_issues(self) -> None:
        adopt_real_file()
        entry = issue("invoice", on=date(2011, 12, 10))
        issue("invoice", on=date(2011, 12, 9))
        void(entry, reason="test")
        found = only_summary()
        assert (found.adopted, found.issued, found.void, found.expected) == (25_900, 2, 1, 45_225)
        assert (found.missing, found.explained, found.out_of_order, found.next_number) == (19_323, 0, 6, "581590")
        assert found.identity_holds


class TestTheSum:
    def test_of_an_untouched_period(self) -> None:
        series = define_series("invoice", template="I{year}-{counter}", time_zone="UTC", start_value=5)
        open_period(series, date(2026, 1, 1))
        found = only_summary()
        assert (found.first, found.last, found.expected, found.missing) == (5, 4, 0, 0)
        assert (found.lowest, found.next_number, found.identity_holds) == (None, "I2026-5", True)

    def test_of_a_closed_or_exhausted_one_has_no_next_number(self) -> None:
        series = define_series("invoice", template="I{year}-{counter}", time_zone="UTC", max_length=7, start_value=8)
        issue("invoice", on=date(2026, 1, 1))
        assert (only_summary().next_number, only_summary().closed) == ("I2026-9", False)
        issue("invoice", on=date(2026, 1, 1))
        assert (only_summary().next_number, only_summary().closed) == (None, False)
        issue("invoice", on=date(2025, 1, 1))
        close_period(open_period(series, date(2025, 1, 1)))
        closed, _ = summarise()
        assert (closed.last, closed.next_number, closed.closed) == (8, None, True)

    def test_flagged_gaps_count_apart_and_are_nobodys_predecessor(self) -> None:
        issue("ticket", on=date(2026, 5, 2))
        period = Period.objects.get()
        flag(period, 2, on=date(2026, 4, 1))  # earlier than number 1, but no document
        flag(period, 3)
        issue("ticket", on=date(2026, 5, 1))  # earlier than number 1, across two gaps
        issue("ticket", on=date(2026, 5, 3))
        found = only_summary()
        assert (found.issued, found.flagged, found.missing, found.expected) == (3, 2, 0, 5)
        assert (found.out_of_order, found.identity_holds) == (1, True)

    def test_a_run_that_begins_with_a_gap_begins_in_order(self) -> None:
        series = define_series("ticket", template="T-{counter}", calendar="never", time_zone="UTC")
        flag(open_period(series), 1)
        issue("ticket", on=date(2026, 5, 1))
        assert (only_summary().flagged, only_summary().issued, only_summary().out_of_order) == (1, 1, 0)

    def test_issued_numbers_are_compared_by_business_date(self) -> None:
        for day in (3, 3, 1, 2, 2):
            issue("ticket", on=date(2026, 5, day))
        assert only_summary().out_of_order == 1

    @pytest.mark.parametrize(
        ("lost", "missing", "ranges", "holds"),
        [
            ([1], 1, 1, False),
            ([5], 1, 1, False),
            ([3], 1, 1, True),
            ([1, 2, 4], 3, 2, False),
            ([1, 2, 3, 4, 5], 5, 1, False),
        ],
    )
    def test_lost_rows_are_missing(self, tamper: SQL, lost: list[int], missing: int, ranges: int, holds: bool) -> None:
        for _ in range(5):
            issue("ticket")
        tamper("DELETE FROM ledger_entry WHERE value = ANY(%s)", lost)
        found = only_summary()
        assert (found.expected, found.missing, found.missing_ranges) == (5, missing, ranges)
        # At an end, rows and counter disagree about the range; inside, the report shows what verification alarms of.
        assert found.identity_holds is holds

    def test_a_row_above_the_counter_breaks_it(self, tamper: SQL) -> None:
        issue("ticket")
        issue("ticket")
        tamper("UPDATE ledger_entry SET value = 4 WHERE value = 2")
        assert not only_summary().identity_holds

    def test_a_run_that_moved_breaks_it_though_its_length_is_right(self, tamper: SQL) -> None:
        for _ in range(3):
            issue("ticket")
        tamper("UPDATE ledger_entry SET value = 4 WHERE value = 1")
        found = only_summary()
        assert (found.expected, found.lowest, found.highest, found.identity_holds) == (3, 2, 4, False)

    def test_a_value_that_comes_twice_breaks_it(self, tamper: SQL) -> None:
        for _ in range(3):
            issue("ticket")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value")
        tamper("UPDATE ledger_entry SET value = 2 WHERE value = 3")
        tamper("UPDATE ledger_entry SET value = 3 WHERE number = 'TKT-000002'")
        assert only_summary().identity_holds  # two rows changed places: still every value once
        tamper("UPDATE ledger_entry SET value = 2 WHERE value = 3")
        assert (only_summary().duplicates, only_summary().identity_holds) == (1, False)

    def test_voids_of_one_period_are_not_those_of_another(self) -> None:
        first, _ = issue("invoice", on=date(2025, 1, 1)), issue("invoice", on=date(2026, 1, 1))
        void(first, reason="test")
        assert [(summary.starts_on.year, summary.void) for summary in summarise()] == [(2025, 1), (2026, 0)]


class TestTheList:
    def test_is_ordered_filtered_and_read_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(continuity, "_BATCH", 3)
        for org in ("b", "", "a"):
            for code in ("ticket", "invoice"):
                for year in (2026, 2025):
                    issue(code, org=org, on=date(year, 1, 1))
        with CaptureQueriesContext(connection) as queries:
            found = [(s.tenant, s.series, s.starts_on.year) for s in summarise()]
        years = (("invoice", 2025), ("invoice", 2026), ("ticket", 1))
        assert found == [(org, *year) for org in ("", "a", "b") for year in years]
        assert len(queries) == 4
        assert [s.tenant for s in summarise(series="ticket")] == ["", "a", "b"]
        assert [s.series for s in summarise(tenant="")] == ["invoice", "invoice", "ticket"]
        assert [s.issued for s in summarise(org="a", series="ticket")] == [2]


def status(*arguments: str) -> tuple[int, str, str]:
    out = io.StringIO()
    try:
        call_command("ledger_status", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


class TestTheCommand:
    def test_shows_a_table(self, tmp_path: Path) -> None:
        path = tmp_path / "old.csv"
        path.write_text("number,issued_at\n7,2024-01-01\n9,2024-01-02\n")
        adopt(path, series="invoice", org="shop", settings=REAL_SERIES, explain_gaps="lost")
        code, out, _ = status()
        header, row, note, verdict = out.splitlines()
        assert code == 0
        assert header.split()[:5] == ["series", "period", "first", "last", "values"]
        assert row.split() == [
            "shop/invoice",
            "for",
            "ever",
            *("7", "9", "3"),
            *("0", "2", "0", "0", "1"),
            *("1", "0", "0", "0", "0"),
            "10",
            *("in", "order"),
        ]
        assert verdict == "In order. Every value was looked at."
        assert note == "1 of the missing values are holes of a previous system, 1 explained."

    def test_shows_json(self) -> None:
        issue("ticket", org="a")
        issue("ticket", org="b")
        code, out, _ = status("--json")
        told = json.loads(out)
        assert (code, told["ok"], [p["tenant"] for p in told["periods"]]) == (0, True, ["a", "b"])
        assert json.loads(status("--json", "--tenant", "a")[1])["periods"][0]["next_number"] == "TKT-000002"

    def test_says_when_nothing_is_there(self) -> None:
        code, out, _ = status()
        assert (code, out.splitlines()[0]) == (0, "No period is open yet; the first number opens one.")
        document = json.loads(status("--json")[1])
        assert (document["periods"], document["pools"], document["ok"]) == ([], [], True)
        assert document["verdict"]["state"] == "in order"
        assert status("--series", "invioce")[0] == 2
        assert status("--tenant", "nobody")[0] == 2

    @pytest.mark.parametrize("as_json", [[], ["--json"]])
    def test_fails_when_the_numbers_do_not_add_up(self, tamper: SQL, as_json: list[str]) -> None:
        issue("ticket", org="shop")
        issue("ticket", org="shop")
        tamper("DELETE FROM ledger_entry WHERE value = 2")
        code, out, error = status(*as_json)
        assert code == 2
        assert error.startswith("Lost or tampered: 1 value is lost or was tampered with (shop/ticket for ever).")
        assert "counter disagrees with its rows (shop/ticket for ever)" in error
        assert ('"ok": false' if as_json else "lost or tampered") in out
        assert "in order" not in out
