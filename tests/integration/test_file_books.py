"""Books in a file, for all days or for some: the findings are the same as a live system's; nothing is half read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings

from ledger import define_series, issue
from ledger.errors import ReconciliationError
from ledger.models import Entry, ExpectedDocument, RemoteDocument, RemoteReading
from ledger.reconciliation import BookSettings, count_confirmed, describing, findings
from ledger.reconciliation.files import FileRead, reconcile_file
from ledger.reconciliation.mirror import LostDocuments
from ledger.spreadsheets import Layout
from tests.integration.adopting import Write
from tests.integration.paper_books import DAY, PaperSystem
from tests.integration.test_exports import spreadsheet, workbook
from tests.integration.test_reconciliation import KINDS, system

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["system"]

ONE, TWO, THREE = (f"INV-2026-00000{n}" for n in (1, 2, 3))

FILE = BookSettings("file", grace=timedelta(0))
LAYOUT = Layout(date_column="date", document_column="order", void_column="state", total_column="total")
HEADER = ("id", "number", "date", "order", "state", "total")
KEYED = replace(LAYOUT, id_column="id")


def export(folder: Path, papers: PaperSystem) -> Path:
    """What the live system has, as its program exports it: without what is deleted, and without keys of its own."""
    path = folder / "books.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for one in papers.papers.values():
            if one.state != "deleted":
                writer.writerow([one.remote_id, one.number, one.issued_on, one.reference, one.state, one.total])
    return path


def differs(read: FileRead) -> set[tuple[str, str]]:
    return {(each.kind, each.subject) for each in read.findings}


#: For each system, ``describe`` returns what an amount should be.
LIVE_ALONE = {"other-amount"}
#: Without keys of the program's own, what was renumbered is gone, and a second document of that day is a line item.
WITH_KEYS = {
    "duplicate": set(),
    "missing": {("deleted", ONE)},
    "other-number": {("deleted", ONE), ("other-number", ONE)},
    "reused": set(),
}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - LIVE_ALONE))
def test_the_findings_are_those_of_a_live_system(system: PaperSystem, tmp_path: Path, kind: str) -> None:
    system.differs()
    assert differs(reconcile_file(export(tmp_path, system), FILE, KEYED)) == set()
    KINDS[kind][0](system)
    live = system.differs()
    assert live
    assert differs(reconcile_file(export(tmp_path, system), FILE, KEYED)) == live


@pytest.mark.parametrize("kind", sorted(set(KINDS) - LIVE_ALONE))
def test_without_keys_what_they_alone_tell_is_told_otherwise(system: PaperSystem, tmp_path: Path, kind: str) -> None:
    reconcile_file(export(tmp_path, system), FILE, LAYOUT)
    KINDS[kind][0](system)
    expected = WITH_KEYS.get(kind, {(kind, KINDS[kind][1])})
    assert differs(reconcile_file(export(tmp_path, system), FILE, LAYOUT)) == expected


class TestTheWhole:
    def test_rows_of_line_items_are_one_document(self, system: PaperSystem, write: Write) -> None:
        rows = [f"{ONE},{DAY}", f"{ONE},{DAY}", f"{TWO},{DAY}", f"{THREE},{DAY}"]
        read = reconcile_file(write(*rows, header="number,date"), FILE, Layout(date_column="date"))
        assert (read.rows_read, read.documents, read.findings) == (4, 3, ())
        assert read.compared.full

    def test_what_was_issued_after_the_export_is_not_missing(self, system: PaperSystem, write: Write) -> None:
        path = write(f"{ONE},{DAY}", header="number,date")
        early = reconcile_file(path, FILE, Layout(date_column="date"), as_of=date(2020, 1, 1))
        assert early.findings == ()
        assert len(reconcile_file(path, FILE, Layout(date_column="date")).findings) == 2

    def test_a_file_without_documents_is_refused(self, system: PaperSystem, write: Write) -> None:
        path = write(f"X,{DAY},", header="number,date,kind")
        with pytest.raises(ReconciliationError, match="has no document: by it, everything would be gone"):
            reconcile_file(path, FILE, Layout(date_column="date", where=("kind=invoice",)))
        assert not RemoteReading.objects.filter(system="file").exists()

    def test_a_file_that_lost_most_documents_is_refused(self, system: PaperSystem, write: Write) -> None:
        for n in range(10):
            system.put(f"x{n}", f"X-{n}")
        rows = [f"X-{n},{DAY}" for n in range(10)]
        reconcile_file(write(*rows, header="number,date"), FILE, Layout(date_column="date"))
        with pytest.raises(LostDocuments):
            reconcile_file(write(rows[0], header="number,date"), FILE, Layout(date_column="date"))
        assert not RemoteDocument.objects.filter(system="file", state="deleted").exists()

    @pytest.mark.parametrize("suffix", ["xlsx", "ods", "jsonl", "csv"])
    def test_any_form_of_table_says_the_same(self, system: PaperSystem, tmp_path: Path, suffix: str) -> None:
        rows = [["number", "date"], [ONE, str(DAY)], [TWO, str(DAY)], ["X-9", str(DAY)]]
        path = tmp_path / f"books.{suffix}"
        if suffix in ("xlsx", "ods"):
            path.write_bytes(workbook(Books=rows) if suffix == "xlsx" else spreadsheet(rows))
        else:
            said = [json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]
            path.write_text("\n".join(said if suffix == "jsonl" else [",".join(row) for row in rows]))
        read = reconcile_file(path, FILE, Layout(date_column="date"))
        assert differs(read) == {("missing", THREE), ("unknown", "X-9")}


class TestSomeDays:
    MARCH = (date(2026, 3, 1), date(2026, 3, 31))

    @pytest.fixture
    def read_before(self, system: PaperSystem, tmp_path: Path) -> Path:
        """The whole was read; one document is of April."""
        with transaction.atomic():
            issue("invoice", document="order:4", on=date(2026, 4, 1))
        system.put("r4", "INV-2026-000004", reference="order:4", issued_on=date(2026, 4, 1))
        path = export(tmp_path, system)
        assert reconcile_file(path, FILE, LAYOUT).findings == ()
        return path

    def test_a_document_missing_within_them_is_deleted(
        self, system: PaperSystem, read_before: Path, write: Write
    ) -> None:
        path = write(f"{TWO},{DAY}", f"{THREE},{DAY}", "INV-2026-000004,2026-04-01", header="number,date")
        read = reconcile_file(path, FILE, Layout(date_column="date"), complete=self.MARCH)
        assert differs(read) == {("deleted", ONE)}
        assert read.left_out == {"not within the days that are complete": 1}

    def test_documents_of_other_days_stay(self, system: PaperSystem, read_before: Path, write: Write) -> None:
        path = write(*(f"{number},{DAY}" for number in (ONE, TWO, THREE)), header="number,date")
        assert reconcile_file(path, FILE, Layout(date_column="date"), complete=self.MARCH).findings == ()

    def test_some_days_are_enough_to_begin_with(self, system: PaperSystem, write: Write) -> None:
        path = write("INV-2026-000004,2019-04-01", header="number,date")
        span = (date(2019, 4, 1), date(2019, 4, 30))
        read = reconcile_file(path, FILE, Layout(date_column="date"), complete=span)
        assert "missing" not in {kind for kind, _ in differs(read)}


class TestNothingIsHalfRead:
    def test_bad_rows_are_told_with_their_place(self, system: PaperSystem, write: Write) -> None:
        told: list[str] = []
        path = write(f"{ONE},{DAY}", ",2026-03-01", f"{TWO},soon", header="number,date")
        with pytest.raises(ReconciliationError, match="has 2 bad rows: row 3: column 'number': it has no number"):
            reconcile_file(path, FILE, Layout(date_column="date"), on_bad_row=lambda row: told.append(str(row)))
        assert told[1].startswith("row 4: column 'date': the date 'soon' doesn't have the format")
        assert not RemoteDocument.objects.filter(system="file").exists()

    def test_a_status_that_nobody_has_classified(self, system: PaperSystem, write: Write) -> None:
        path = write(f"{ONE},{DAY},gone", header="number,date,state")
        with pytest.raises(ReconciliationError, match=r"nobody has classified: 'gone' \(1\)"):
            reconcile_file(path, FILE, Layout(date_column="date", void_column="state"))

    def test_a_dry_run_writes_nothing(self, system: PaperSystem, write: Write) -> None:
        read = reconcile_file(write("X,2026-03-01"), FILE, Layout(), dry_run=True)
        assert ("unknown", "X") in differs(read)
        assert not RemoteDocument.objects.filter(system="file").exists()
        assert list(findings(system="file")) == []

    def test_amounts(self, system: PaperSystem, write: Write) -> None:
        layout = Layout(total_column="total", decimal_comma=True)
        reconcile_file(write(f'{ONE},{DAY},"1.234,50 €"', header="number,issued_at,total"), FILE, layout)
        assert RemoteDocument.objects.get(system="file").total == Decimal("1234.50")


class TestKinds:
    """A series is compared only with documents of its kind."""

    TYPED = Layout(
        date_column="date",
        kind_column="type",
        kinds=("invoice=Sales Invoice", "credit-note=Credit Memo|Credit Note"),
        total_column="total",
        customer_column="name",
    )
    COLUMNS = "number,date,type,total,name"

    @pytest.fixture
    def credit(self, system: PaperSystem) -> str:
        define_series("credit-note", template="CN-{counter:04}", calendar="never", time_zone="UTC")
        with transaction.atomic():
            return str(issue("credit-note", document="return:1", on=DAY))

    def read(self, write: Write, *rows: str, layout: Layout = TYPED, books: BookSettings = FILE) -> FileRead:
        invoices = [f"{number},{DAY},Sales Invoice,1,Bob" for number in (ONE, TWO, THREE)]
        return reconcile_file(write(*invoices, *rows, header=self.COLUMNS), books, layout)

    def test_a_credit_note_is_found_among_credit_notes(self, system: PaperSystem, credit: str, write: Write) -> None:
        read = self.read(write, f"{credit},{DAY},Credit Memo,-1,Bob", f"P-1,{DAY},Payment,1,Bob")
        assert (differs(read), read.documents, read.kinds) == (set(), 4, {"invoice": 3, "credit-note": 1})
        assert read.left_out == {"no kind that is taken: type=Payment": 1}
        assert set(RemoteDocument.objects.filter(system="file").values_list("number", "kind")) == {
            (ONE, "invoice"), (TWO, "invoice"), (THREE, "invoice"), (credit, "credit-note")
        }  # fmt: skip
        assert count_confirmed(system="file") == 4

    def test_an_invoice_does_not_count_as_a_credit_note(self, system: PaperSystem, credit: str, write: Write) -> None:
        read = self.read(write, f"{credit},{DAY},Sales Invoice,1,Bob")
        assert differs(read) == {("missing", credit), ("unknown", credit)}
        assert count_confirmed(system="file") == 3
        assert differs(self.read(write, f"{credit},{DAY},Credit Note,1,Bob")) == set()

    def test_a_number_may_stand_there_once_for_each_kind(self, system: PaperSystem, credit: str, write: Write) -> None:
        rows = [f"{credit},{DAY},Credit Memo,1,Bob", f"{credit},{DAY},Sales Invoice,1,Bob"]
        assert differs(self.read(write, *rows)) == {("unknown", credit)}
        assert RemoteDocument.objects.filter(system="file").count() == 5

    def test_without_kinds_any_document_has_the_number(self, system: PaperSystem, credit: str, write: Write) -> None:
        untyped = replace(self.TYPED, kind_column=None, kinds=())
        assert differs(self.read(write, f"{credit},{DAY},Sales Invoice,1,Bob", layout=untyped)) == set()

    def test_a_series_of_another_kind_is_not_compared_and_says_so(
        self, system: PaperSystem, credit: str, write: Write
    ) -> None:
        read = self.read(write, layout=replace(self.TYPED, kind_column=None, kinds=("invoice",)))
        assert (differs(read), read.compared.unread) == (set(), {"credit-note": "credit-note"})
        path = write(*(f"{number},{DAY}" for number in (ONE, TWO, THREE)), header="number,date")
        _, out, _ = run(str(path), "--system=file", "--date-column=date", "--kinds=invoice")
        assert "Of these: 3 invoice." in out
        assert "Series credit-note isn't compared: the file has no kind credit-note." in out

    def test_a_series_may_say_of_what_kind_it_is(self, system: PaperSystem, write: Write) -> None:
        define_series("rma", template="RMA-{counter}", calendar="never", time_zone="UTC")
        with transaction.atomic():
            issue("rma", document="return:1", on=DAY)
        row = f"RMA-1,{DAY},Credit Memo,1,Bob"
        assert differs(self.read(write, row)) == {("missing", "RMA-1")}
        assert differs(self.read(write, row, books=replace(FILE, kinds={"rma": "credit-note"}))) == set()
        path = write(f"{ONE},{DAY},Sales Invoice,1,Bob", row, header=self.COLUMNS)
        options = ("--system=other", "--date-column=date", "--kind-column=type", "--kinds=credit-note=Credit Memo")
        code, out, _ = run(str(path), *options, "--series=rma=credit-note")
        assert (code, "Nothing differs." in out) == (0, True)


def describe(entry: Entry) -> dict[str, Any]:
    if entry.number == THREE:
        raise LookupError("no order")
    return {"total": Decimal("100.00"), "customer": "Bob"}


class TestAmounts:
    """What LEDGER["DESCRIBE"] says of a number is compared with what the file says."""

    LAYOUT = Layout(date_column="date", total_column="total", customer_column="name")

    def path(self, write: Write, *told: str) -> Path:
        rows = [f"{number},{DAY},{what}" for number, what in zip((ONE, TWO, THREE), told, strict=True)]
        return write(*rows, header="number,date,total,name")

    @override_settings(LEDGER={"DESCRIBE": f"{__name__}.describe"})
    def test_amounts_and_customers(self, system: PaperSystem, write: Write) -> None:
        path = self.path(write, "90,Bob", "100.00,Eve", "1,Eve")
        read = reconcile_file(path, FILE, self.LAYOUT, dry_run=True)
        assert (differs(read), read.described) == ({("other-amount", ONE), ("other-amount", TWO)}, True)
        assert not ExpectedDocument.objects.exists()
        code, out, _ = run(
            str(path), "--system=file", "--date-column=date", "--total-column=total", "--customer-column=name"
        )
        assert (code, out.count("another amount")) == (1, 2), out
        assert differs(reconcile_file(self.path(write, "100,Bob", "100,Bob", "1,Eve"), FILE, self.LAYOUT)) == set()

    def test_a_statement_of_the_hook_that_fails_ends_nothing(self, system: PaperSystem, write: Write) -> None:
        def broken(entry: Entry) -> dict[str, Any]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
            raise AssertionError

        assert (
            differs(reconcile_file(self.path(write, "9,B", "9,B", "9,B"), FILE, self.LAYOUT, describe=broken)) == set()
        )

    def test_more_than_a_minute_can_ask_for(
        self, system: PaperSystem, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(describing, "_DESCRIBING", 0.0)
        path = self.path(write, "9,Bob", "9,Bob", "9,Bob")
        with override_settings(LEDGER={"DESCRIBE": f"{__name__}.describe"}):
            _, out, _ = run(str(path), "--system=file", "--date-column=date", "--total-column=total")
        assert "Not all amounts are compared yet" in out

    def test_customers_without_amounts(self, system: PaperSystem, write: Write) -> None:
        layout = replace(self.LAYOUT, total_column=None)
        read = reconcile_file(self.path(write, "1,Bob", "1,Eve", "1,Eve"), FILE, layout, describe=describe)
        assert differs(read) == {("other-amount", TWO)}


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("ledger_books", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


class TestTheCommand:
    def test_datev(self, tmp_path: Path) -> None:
        """EXTF in cp1252, whose dates have no year, for November alone."""
        define_series("invoice", template="RE-{counter:04}", calendar="never", time_zone="Europe/Berlin")
        with transaction.atomic():
            issue("invoice", document="o:1", on=date(2025, 11, 3))
        path = tmp_path / "EXTF.csv"
        path.write_bytes(
            (
                '"EXTF";700;21;"Buchungsstapel";13;20251205101500000;;"RE";"";"";29098;55003;20250101;4;20251101;'
                '20251130;"Müller"\n'
                "Umsatz;Konto;Belegdatum;Belegfeld 1;Generalumkehr (GU)\n"
                "119,00;10001;311;RE-0001;\n119,00;10001;311;RE-0001;\n50,00;10002;2711;RE-0009;\n"
            ).encode("cp1252")
        )
        options = (str(path), "--system=datev", "--profile=datev", "--from=2025-11-01", "--to=2025-11-30")
        code, out, err = run(*options, "--json")
        told: dict[str, Any] = json.loads(out)
        assert (code, told["documents"], told["rows_read"]) == (1, 2, 3)
        assert [(one["kind"], one["number"]) for one in told["findings"]] == [("unknown", "RE-0009")]
        assert "1 finding is unresolved." in err

    def test_in_order(self, system: PaperSystem, tmp_path: Path) -> None:
        options = (str(export(tmp_path, system)), "--system=file", "--date-column=date", "--void-column=state")
        code, out, _ = run(*options)
        assert (code, "Nothing differs." in out) == (0, True)

    @pytest.mark.parametrize(
        ("options", "told"),
        [(["--from=2026-01-01"], "--from and --to go together"), (["--profile=nobody"], "The profile 'nobody'")],
    )
    def test_invalid_options(self, write: Write, options: list[str], told: str) -> None:
        code, _, err = run(str(write("1,2026-01-01")), "--system=file", *options)
        assert (code, told in err) == (2, True), err
