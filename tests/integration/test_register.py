"""The register: every number on a line of its own, from which an auditor can do the report again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger import define_series, void
from ledger.actions import declare
from ledger.adoption import adopt
from ledger.failures import Failures
from ledger.gaps import GapRange
from ledger.models import Entry, Period
from ledger.reconciliation import BookSettings
from ledger.reports.formats import format_named
from ledger.reports.report import continuity_report
from ledger.seals.reading import Coverage
from ledger.seals.sealing import seal_all
from tests.integration.paper_books import PaperSystem
from tests.integration.reporting import eventful, number, part_rows

pytestmark = pytest.mark.django_db(transaction=True)


def lines(**asked: Any) -> list[dict[str, str]]:
    """The register as a CSV file, read by somebody who has nothing else."""
    out = io.BytesIO()
    with continuity_report(**asked) as report:
        format_named("csv").write(report.only("register"), out, print)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))


def test_every_value_has_its_line() -> None:
    eventful()
    assert [(line["value"], line["number"], line["state"], line["document"]) for line in lines(tenant="shop")] == [
        ("1", "B2026-001", "valid", "order:1"),
        ("2", "B2026-002", "valid", "order:2"),
        ("3", "B2026-003", "missing", ""),
        ("4", "B2026-004", "missing", ""),
        ("5", "B2026-005", "void", "order:5"),
        ("6", "B2026-006", "missing", ""),
        ("7", "B2026-007", "reserved", "order:7"),
        ("8", "B2026-008", "valid", "order:8"),
    ]


def test_a_void_number_says_when_by_whom_and_why_and_a_missing_one_why() -> None:
    eventful()
    found = {line["value"]: line for line in lines(tenant="shop")}
    five = found["5"]
    assert (five["voided_by"], five["reason"], five["replaced_by"]) == ("bea", "wrong address", "order:8")
    assert five["voided_at"].endswith("+05:30"), "in the series' zone, with its offset"
    assert found["1"]["issued_at"].endswith("+05:30")
    assert (found["3"]["reason"], found["3"]["explained_by"]) == ("card refused", "ada")
    assert (found["4"]["reason"], found["4"]["explained_by"]) == ("not committed", "")


def test_the_report_is_done_again_from_the_register_alone() -> None:
    eventful()
    define_series("late", org="shop", template="L{counter:02}", calendar="never")
    for day in (3, 1, 2):
        number("late", date(2026, 3, day), org="shop", document=f"late:{day}")
    register = lines(tenant="shop")
    for summary in part_rows("summary", tenant="shop"):
        of_it = [line for line in register if line["series"] == summary.series]
        states = Counter[str]()
        for line in of_it:
            states[line["state"]] += int(line["last_value"]) - int(line["value"]) + 1
        assert states["valid"] + states["void"] == summary.issued
        assert states["void"] == summary.void
        assert states["missing"] + states["lost"] == summary.missing
        assert states["reserved"] + states["free"] == summary.in_progress
        values = [value for line in of_it for value in range(int(line["value"]), int(line["last_value"]) + 1)]
        assert values == list(range(summary.first, summary.last + 1)), "without a hole, and none twice"
        dates = [line["issued_on"] for line in of_it if line["state"] in ("valid", "void")]
        assert sum(later < earlier for earlier, later in pairwise(dates)) == summary.out_of_order


def test_two_spans_of_dates_are_the_whole() -> None:
    eventful()
    january = lines(tenant="shop", until=date(2026, 1, 31))
    later = lines(tenant="shop", since=date(2026, 2, 1))
    assert january + later == lines(tenant="shop")
    assert [line["value"] for line in january] == ["1", "2", "3", "4"]


def test_a_hole_of_an_adopted_history_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("number,issued_at\nOLD-0001,2025-01-02\nOLD-0005,2025-01-03\n")
    adopt(file, series="old", settings={"template": "OLD-{counter:04}", "calendar": "never"})
    assert [(line["value"], line["last_value"], line["number"], line["state"]) for line in lines(series="old")] == [
        ("1", "1", "OLD-0001", "valid"),
        ("2", "4", "OLD-0002 to OLD-0004", "missing"),
        ("5", "5", "OLD-0005", "valid"),
    ]


def test_it_says_which_books_confirm_a_number() -> None:
    eventful()
    system = PaperSystem(BookSettings("xero", tenant="shop", grace=timedelta(0)))
    system.put("a", "B2026-001")
    system.read()
    confirmed = {line["number"]: line["confirmed_by"] for line in lines(tenant="shop")}
    assert (confirmed["B2026-001"], confirmed["B2026-002"]) == ("xero", "")


def test_the_command_writes_it_and_ends_as_the_report_does(tmp_path: Path) -> None:
    eventful()
    for name in ("all.csv", "all.xlsx", "all.json"):
        with pytest.raises(CommandError, match="explain") as told_so:
            call_command("ledger_register", "--tenant", "shop", "--output", str(tmp_path / name), "--verbosity", "0")
        assert told_so.value.returncode == 1
        assert (tmp_path / name).stat().st_size > 500
    assert (tmp_path / "all.csv").read_text("utf-8-sig").count("\n") == 9


def test_it_says_by_which_seal_a_number_is_covered() -> None:
    eventful()
    assert {line["sealed_in"] for line in lines(tenant="shop")} == {""}
    seal_all(Failures(), using="default")
    number("bill", date(2026, 2, 3), org="shop", document="order:9")
    sealed = {line["value"]: line["sealed_in"] for line in lines(tenant="shop")}
    # A reservation is no event, and what is newer is in no seal yet.
    assert sealed == {**dict.fromkeys("1234568", "1"), "7": "", "9": ""}
    seal_all(Failures(), using="default")
    assert lines(tenant="shop")[-1]["sealed_in"] == "2"


def test_a_number_is_in_the_first_seal_that_saw_its_transaction_and_in_a_later_era_in_the_first() -> None:
    none = frozenset[int]()
    of_eras = {1: ([100, 200], [frozenset({90}), none], [1, 2]), 3: ([50], [none], [3])}
    sealed = Coverage(of_eras)
    found = [sealed.number(1, 80), sealed.number(1, 90), sealed.number(1, 150), sealed.number(1, 300)]
    assert found == [1, 2, 2, 3]
    assert (sealed.number(2, 7), sealed.number(3, 49), sealed.number(3, 50)) == (3, 3, None)


def test_a_missing_number_says_to_whom_it_was_declared() -> None:
    eventful()
    period = Period.objects.get()
    declare([GapRange(period, 3, 4)], authority="BR NF-e", reference="135", by="ada")
    declared = {line["value"]: line["declared"] for line in lines(tenant="shop")}
    assert (declared["3"], declared["4"], declared["6"]) == ("BR NF-e 135", "BR NF-e 135", "")


def test_a_document_that_looks_like_a_formula_stays_a_text() -> None:
    define_series("bill", template="B{counter}", calendar="never")
    number("bill", date(2026, 1, 1), document="=1+1")
    (line,) = lines()
    assert line["document"] == "'=1+1"
    void(Entry.objects.get(), reason="@SUM(A1)", by="ada")
    (line,) = lines()
    assert line["reason"] == "'@SUM(A1)"
