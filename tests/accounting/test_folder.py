"""The system of kind "file": exports that people drop in a folder are read by the workers' sweep, or refused."""

from __future__ import annotations

import io
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from ledger import define_series, issue
from ledger.models import Entry, RemoteReading
from ledger.reconciliation import findings
from workers.accounting import folder, systems
from workers.accounting.errors import Misconfigured, UnexpectedAnswer, Unsupported
from workers.reconciliation import reconcile

pytestmark = pytest.mark.django_db(transaction=True)

LAYOUT = {"number_column": "No", "date_column": "Date"}


@pytest.fixture
def numbers() -> list[str]:
    define_series("invoice", template="INV-{counter:04}", calendar="never", time_zone="UTC")
    found = []
    for n in (1, 2):
        with transaction.atomic():
            found.append(str(issue("invoice", document=f"o:{n}", on=date(2026, 3, n))))
    return found


def books(place: Path, **options: Any) -> override_settings:
    return configured(options={"folder": str(place), "layout": LAYOUT, **options})


def configured(**system: Any) -> override_settings:
    return override_settings(LEDGER_ACCOUNTING={"SYSTEMS": {"books": {"adapter": "file", "grace": 0, **system}}})


def drop(folder: Path, name: str, *rows: str, old: float = 60.0, columns: str = "No,Date") -> Path:
    """A file that was written some seconds ago."""
    path = folder / name
    path.write_text("\n".join([columns, *rows, ""]))
    written = path.stat().st_mtime - old
    os.utime(path, (written, written))
    return path


def open_findings() -> set[tuple[str, str]]:
    return {(one.kind, one.subject) for one in findings(system="books")}


def test_a_file_is_read_and_put_aside(tmp_path: Path, numbers: list[str]) -> None:
    drop(tmp_path, "all.csv", f"{numbers[0]},2026-03-01", "X-9,2026-03-01")
    with books(tmp_path):
        done = reconcile("books")
        # It was written before the numbers were issued: nothing can be missing in it.
        assert (done.documents, open_findings()) == (2, {("unknown", "X-9")})
        assert [path.name for path in tmp_path.rglob("*.csv")] == ["all.csv"]
        assert (tmp_path / "read" / "all.csv").exists()
        again = reconcile("books")
        assert (again.pages, again.documents) == (0, 0)
        drop(tmp_path, "all.csv", *(f"{number},2026-03-01" for number in numbers), old=11.0)
        reconcile("books")
    assert open_findings() == set()
    assert (tmp_path / "read" / "all-2.csv").exists()


def test_one_that_is_bad_is_refused_with_its_rows_and_keeps_no_other(tmp_path: Path, numbers: list[str]) -> None:
    drop(tmp_path, "bad.csv", f"{numbers[0]},2026-03-01", "X-9,soon", old=90.0)
    drop(tmp_path, "good.csv", *(f"{number},2026-03-01" for number in numbers))
    with books(tmp_path):
        with pytest.raises(UnexpectedAnswer, match=r"bad\.csv can't be read"):
            reconcile("books")
        row = RemoteReading.objects.get(system="books")
        assert (row.needs_person, "bad.csv" in row.error) == (True, True)
    assert "row 3: column 'Date': the date 'soon'" in (tmp_path / "refused" / "bad.csv.txt").read_text()
    assert (tmp_path / "read" / "good.csv").exists()
    assert open_findings() == set()


def test_what_still_grows_and_what_is_hidden_wait(tmp_path: Path, numbers: list[str]) -> None:
    for name, old in (("new.csv", 0.0), (".hidden.csv", 60.0), ("load.csv.part", 60.0)):
        drop(tmp_path, name, "X-9,2026-03-01", old=old)
    with books(tmp_path):
        assert reconcile("books").documents == 0
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_of_each_month(tmp_path: Path, numbers: list[str]) -> None:
    with books(tmp_path, complete="month"):
        drop(tmp_path, "2026-03.csv", *(f"{number},2026-03-01" for number in numbers))
        reconcile("books")
        assert open_findings() == set()
        drop(tmp_path, "invoices_202603_new.csv", f"{numbers[0]},2026-03-01", old=30.0)
        reconcile("books")
        assert open_findings() == {("deleted", numbers[1])}
        drop(tmp_path, "no month.csv", "X-1,2026-03-01")
        with pytest.raises(UnexpectedAnswer):
            reconcile("books")
    assert "has no month" in (tmp_path / "refused" / "no month.csv.txt").read_text()


def test_the_command_reads_it_as_any_system(tmp_path: Path, numbers: list[str]) -> None:
    drop(tmp_path, "all.csv", *(f"{number},2026-03-01" for number in numbers))
    out = io.StringIO()
    with books(tmp_path):
        call_command("ledger_reconcile", "--system=books", stdout=out)
    assert "2 documents on 1 pages read" in out.getvalue()
    assert "Nothing differs." in out.getvalue()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"folder": "/nowhere"}, "there is no folder '/nowhere'"),
        ({"complete": "week"}, "'complete' is 'week'"),
        ({"layout": {"colour": "red"}}, "colour"),
        ({"profile": "nobody"}, "The profile 'nobody'"),
    ],
)
def test_settings_that_are_no_good(tmp_path: Path, numbers: list[str], options: dict[str, Any], told: str) -> None:
    with books(tmp_path, **options):
        with pytest.raises(Misconfigured, match=told):
            reconcile("books")
        with pytest.raises(CommandError) as error:
            call_command("ledger_reconcile", "--system=books", stdout=io.StringIO())
    assert error.value.returncode == 3


def test_nothing_can_be_written_into_it(tmp_path: Path) -> None:
    with books(tmp_path):
        system = systems.connect("books")
        assert systems.system("books").adapter == "file"
        for ask in (lambda: system.find(number="1"), lambda: system.cancel("1"), lambda: system.changed(None)):
            with pytest.raises(Unsupported):
                ask()


def test_kinds_and_the_series_that_have_them(
    tmp_path: Path, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Written after the numbers were issued, so that they can be missing.
    monkeypatch.setattr(folder, "SETTLED", -120.0)
    define_series("rma", template="RMA-{counter}", calendar="never", time_zone="UTC")
    with transaction.atomic():
        issue("rma", document="o:1", on=date(2026, 3, 1))
    layout = {**LAYOUT, "kind_column": "Type", "kinds": ["invoice=Invoice", "credit-note=Credit"]}
    rows = [
        *(f"{number},2026-03-01,Invoice" for number in numbers),
        "RMA-1,2026-03-01,Credit",
        "P-1,2026-03-01,Payment",
    ]
    for series, expected in (
        ({"invoice": "invoice", "rma": "credit-note"}, set()),
        (["invoice", "rma"], {("missing", "RMA-1")}),
    ):
        drop(tmp_path, "all.csv", *rows, old=-60.0, columns="No,Date,Type")
        with configured(options={"folder": str(tmp_path), "layout": layout}, series=series):
            reconcile("books")
        assert open_findings() == expected


def describe(entry: Entry) -> dict[str, Any]:
    return {"total": Decimal("100.00"), "currency": "EUR"}


def test_amounts_are_compared_with_what_the_hook_says(tmp_path: Path, numbers: list[str]) -> None:
    layout = {**LAYOUT, "total_column": "Total", "decimal_comma": True}
    drop(tmp_path, "all.csv", f"{numbers[0]},2026-03-01,100", f"{numbers[1]},2026-03-02,1.100", columns="No,Date,Total")
    with configured(options={"folder": str(tmp_path), "layout": layout}, describe=f"{__name__}:describe"):
        reconcile("books")
        assert open_findings() == {("other-amount", numbers[1])}
        drop(
            tmp_path, "all.csv", f"{numbers[0]},2026-03-01,100", f"{numbers[1]},2026-03-02,100", columns="No,Date,Total"
        )
        reconcile("books")
    assert open_findings() == set()
