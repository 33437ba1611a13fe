"""Exports as accounting programs write them: each is taken with the figures that it has, or refused in plain words."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command

from ledger import issue, preview
from ledger.adoption import adopt
from ledger.models import AdoptedGap, Entry, NumberAdopted
from ledger.spreadsheets import Layout
from ledger.verification import verify
from tests.integration.adopting import YEARLY, Write

pytestmark = pytest.mark.django_db


def workbook(**sheets: list[list[Any]]) -> bytes:
    """An XLSX file; dates are cells with the form of a date."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return target.getvalue()


def spreadsheet(rows: list[list[str]]) -> bytes:
    """An ODS file with one sheet of texts."""
    cells = "".join(f"<table:table-row>{''.join(_cell(cell) for cell in row)}</table:table-row>" for row in rows)
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content{spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="Invoices">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return target.getvalue()


def _cell(text: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def lines(*rows: str) -> bytes:
    return "\n".join([*rows, ""]).encode()


@dataclass(frozen=True)
class Export:
    """A file, how it is read, and either the figures that must come out, or what the error must say."""

    name: str
    content: bytes
    options: tuple[str, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    suffix: str = ".csv"


COLUMNS = ("--number-column=No", "--date-column=Date")
AMERICAN = ("--template={counter}", "--calendar=never", "--time-zone=America/New_York")
YEAR = ("--template=INV-{year}-{counter:04}", "--time-zone=Europe/Berlin")
PLAIN = ("--template=INV-{counter:04}", "--calendar=never", "--time-zone=Europe/Berlin")
DATEV = lines(
    '"EXTF";700;21;"Buchungsstapel";13;20251105101500000;;"RE";"";"";29098;55003;20250101;4;20250101;20251231;"2025"',
    "Umsatz;Konto;Belegdatum;Belegfeld 1;Generalumkehr (GU)",
    "119,00;10001;3112;INV-2025-0002;",
    "119,00;10001;101;INV-2025-0001;",
    "20,00;10002;101;INV-2025-0001;",
    "50,00;10003;102;;",
)

TAKEN = [
    Export(
        "a row for each line item",
        lines("No,Date,Item,Amount", "INV-2025-0001,2025-01-02,A,1", "INV-2025-0001,2025-01-02,B,2",
              "INV-2025-0003,2025-01-04,C,3"),
        (*COLUMNS, *YEAR),
        {"rows": 2, "rows_read": 3, "missing": 1},
    ),
    Export(
        "line items that say the status once",
        lines("No,Date,Status", "INV-2025-0001,2025-01-02,void", "INV-2025-0001,2025-01-02,",
              "INV-2025-0002,2025-01-02,paid"),
        (*COLUMNS, *YEAR, "--void-column=Status"),
        {"rows": 2, "voids": 1, "statuses": [["void", "void", 1], ["", "valid", 1], ["paid", "valid", 1]]},
    ),
    Export(
        "payments and drafts between the invoices",
        lines("Type,No,Date,Status", "Invoice,INV-2025-0001,2025-01-02,Sent", "Payment,P-77,2025-01-03,",
              "Invoice,,2025-01-04,Draft", "Invoice,INV-2025-0002,2025-01-05,VOIDED"),
        (*COLUMNS, *YEAR, "--where=Type=Invoice", "--void-column=Status"),
        {"rows": 2, "voids": 1, "left_out": {"not where Type=Invoice": 1, "drafts by Status": 1}},
    ),
    Export(
        "two kinds in one list",
        lines("No,Date", "INV-0001,2025-01-02", "CN-0001,2025-01-03", "INV-0002,2025-02-02"),
        (*COLUMNS, *PLAIN, "--only-prefix=INV-"),
        {"rows": 2, "left_out": {"not only prefix INV-": 1},
         "runs": [{"prefix": "INV-", "numbers": 2, "first_number": "INV-0001", "last_number": "INV-0002",
                   "first_date": "2025-01-02", "last_date": "2025-02-02"}]},
    ),
    Export(
        "two prefixes that count on together",
        lines("No,Date", "A1,2025-01-02", "B2,2025-01-03", "A3,2025-01-04"),
        (*COLUMNS, "--template={counter}", "--calendar=never", "--time-zone=UTC",
         r"--pattern=(?P<kind>[AB])(?P<counter>\d+)"),
        {"rows": 3, "missing": 0, "next": "4",
         "runs": [{"prefix": "A", "numbers": 2, "first_number": "A1", "last_number": "A3",
                   "first_date": "2025-01-02", "last_date": "2025-01-04"},
                  {"prefix": "B", "numbers": 1, "first_number": "B2", "last_number": "B2",
                   "first_date": "2025-01-03", "last_date": "2025-01-03"}]},
    ),
    Export(
        "lines above the header, group headings, subtotals and a total",
        lines("Invoice list", "Acme Ltd, 2025", "", "No,Date,Amount", "January,,", "INV-2025-0001,2025-01-02,5",
              "Total January,,5", "INV-2025-0002,2025-02-02,5", "TOTAL,,10"),
        (*COLUMNS, *YEAR, "--skip=No=Total*", "--skip=Date="),
        {"rows": 2, "rows_read": 5, "left_out": {"skip Date=": 1, "skip No=Total*": 2}},
    ),
    Export(
        "a header that stands twice, and is named",
        lines("No,Date", "old,old", "No,Date", "INV-2025-0001,2025-01-02"),
        (*COLUMNS, *YEAR, "--header-row=3"),
        {"rows": 1, "rows_read": 1},
    ),
    Export(
        "sep=;",
        lines("sep=;", "No;Date", "INV-2025-0001;2025-01-02"),
        (*COLUMNS, *YEAR),
        {"rows": 1},
    ),
    Export(
        "semicolons that nobody has named, and blank rows of them",
        lines("No;Date;Name", "INV-2025-0001;2025-01-02;Möller, Söhne", ";;", "INV-2025-0002;2025-01-02;"),
        (*COLUMNS, *YEAR),
        {"rows": 2, "rows_read": 2},
    ),
    Export(
        "tabs, with empty fields at the end",
        lines("No\tDate", "INV-2025-0001\t2025-01-02\t\t"),
        (*COLUMNS, *YEAR),
        {"rows": 1},
        suffix=".tsv",
    ),
    Export(
        "UTF-16 with its mark",
        "No\tDate\r\nINV-2025-0001\t2025-01-02\r\n".encode("utf-16"),
        (*COLUMNS, *YEAR),
        {"rows": 1},
    ),
    Export(
        "cp1252",
        "No;Date;Käufer\nINV-2025-0001;2025-01-02;Möller\n".encode("cp1252"),
        (*COLUMNS, *YEAR, "--customer-column=Käufer", "--encoding=cp1252"),
        {"rows": 1},
    ),
    Export(
        "German month names",
        lines("No;Date", "INV-2025-0001;3. März 2025", "INV-2025-0002;4. Oktober 2025"),
        (*COLUMNS, *YEAR, "--date-format=%d. %B %Y", "--language=de"),
        {"rows": 2, "dates": ["2025-03-03", "2025-10-04"]},
    ),
    Export(
        "short French month names",
        lines("No;Date", "INV-2025-0001;3 févr. 2025", "INV-2025-0002;4 août 2025"),
        (*COLUMNS, *YEAR, "--date-format=%d %b %Y", "--language=fr"),
        {"rows": 2, "dates": ["2025-02-03", "2025-08-04"]},
    ),
    Export(
        "zeros that a spreadsheet has dropped",
        lines("No,Date", "7,2025-01-02", "INV-2025-8,2025-01-03"),
        (*COLUMNS, *YEAR, "--restore-zeros", r"--pattern=(INV-\d+-)?(?P<counter>\d+)"),
        {"rows": 2, "numbers": ["INV-2025-0007", "INV-2025-0008"], "next": "INV-2025-0009"},
    ),
    Export(
        "zeros dropped behind the year",
        lines("No,Date", "INV-2025-7,2025-01-02", "INV-2025-10,2025-01-03"),
        (*COLUMNS, *YEAR, "--restore-zeros"),
        {"rows": 2, "numbers": ["INV-2025-0007", "INV-2025-0010"]},
    ),
    Export(
        "voids in German",
        lines("No,Date,Stand", "INV-2025-0001,2025-01-02,storniert", "INV-2025-0002,2025-01-02,bezahlt"),
        (*COLUMNS, *YEAR, "--void-column=Stand", "--valid-values=bezahlt"),
        {"rows": 2, "voids": 1},
    ),
    Export(
        "a status number",
        lines("No,Date,Status", "INV-2025-0001,2025-01-02,4", "INV-2025-0002,2025-01-02,2"),
        (*COLUMNS, *YEAR, "--void-column=Status", "--void-values=4", "--valid-values=2"),
        {"rows": 2, "voids": 1},
    ),
    Export(
        "a cancellation date",
        lines("No,Date,Cancelled on", "INV-2025-0001,2025-01-02,2025-02-01", "INV-2025-0002,2025-01-02,"),
        (*COLUMNS, *YEAR, "--void-column=Cancelled on", "--void-values=*"),
        {"rows": 2, "voids": 1, "statuses": [["any other text", "void", 1], ["", "valid", 1]]},
    ),
    Export(
        "times in UTC that don't say so",
        lines("No,Date", "INV-2025-0001,2024-12-31 23:30"),
        (*COLUMNS, *YEAR, "--file-time-zone=UTC"),
        {"rows": 1, "dates": ["2025-01-01"]},
    ),
    Export(
        "a number whose text says another year than its date",
        lines("No,Date", "INV-2025-0001,2024-12-31", "INV-2024-0009,2024-12-30"),
        (*COLUMNS, *YEAR),
        {"rows": 2, "contradicting": 1, "examples": ["the number INV-2025-0001 is dated 2024-12-31"],
         "next": "INV-2025-0002"},
    ),
    Export(
        "DATEV, whose dates have no year",
        DATEV,
        ("--profile=datev", *YEAR),
        {"rows": 2, "rows_read": 4, "dates": ["2025-01-01", "2025-12-31"], "left_out": {"skip Belegfeld 1=": 1}},
    ),
    Export(
        "Xero",
        lines("ContactName,InvoiceNumber,InvoiceDate,Total,Type,Status",
              "Acme,INV-0001,31/12/2025,100.00,Sales Invoice,Awaiting Payment",
              "Acme,INV-0001,31/12/2025,100.00,Sales Invoice,Awaiting Payment",
              "Acme,INV-0002,31/12/2025,5.00,Sales Invoice,Voided", "Acme,,31/12/2025,7.00,Sales Invoice,Draft"),
        ("--profile=xero", *PLAIN),
        {"rows": 2, "voids": 1, "rows_read": 4},
    ),
    Export(
        "QuickBooks",
        lines("Acme Ltd", "Transaction List by Date", "", "Date,Transaction Type,Num,Name,Memo/Description,Amount",
              '12/31/2025,Invoice,1001,Bob,Boiler,"1,250.00"', "12/31/2025,Payment,77,Bob,,50.00", "TOTAL,,,,,"),
        ("--profile=quickbooks", *AMERICAN),
        {"rows": 1, "left_out": {"skip Num=": 1, "no kind that is taken: Transaction Type=Payment": 1}},
    ),
    Export(
        "QuickBooks, modern view",
        lines("Acme Ltd", "Transaction List by Date", '"January-December, 2025"',
              "Transaction date,Transaction type,Num,Name,Description,Split,Amount",
              "12/31/2025,Invoice,1001,Bob,Boiler,Sales,350.00", "12/31/2025,Payment,77,Bob,,,50.00"),
        ("--profile=quickbooks-modern", *AMERICAN),
        {"rows": 1, "left_out": {"no kind that is taken: Transaction type=Payment": 1}},
    ),
    Export(
        "QuickBooks, its credit memos alone",
        lines("Date,Transaction Type,Num,Name,Amount", "12/31/2025,Invoice,1001,Bob,350.00",
              "12/31/2025,Credit Memo,1001,Bob,-50.00", "12/31/2025,Credit Note,1002,Bob,-50.00"),
        ("--profile=quickbooks", "--only-kind=credit-note", *AMERICAN),
        {"rows": 2, "left_out": {"no kind that is taken: Transaction Type=Invoice": 1}},
    ),
    Export(
        "kinds in words of its own",
        lines("No,Date,Art", "INV-2025-0001,2025-01-02,Rechnung", "G-1,2025-01-02,Gutschrift",
              "Q-1,2025-01-02,Angebot"),
        (*COLUMNS, *YEAR, "--kind-column=Art", "--kinds=invoice=Rechnung", "--kinds=credit-note=Gutschrift"),
        {"rows": 1, "left_out": {"no kind that is taken: Art=Gutschrift": 1, "no kind that is taken: Art=Angebot": 1}},
    ),
    Export(
        "one file for each quarter, in Windows lines and quotes",
        b'"No","Date"\r\n"INV-2025-0004","2025-04-01"\r\n"INV-2025-0005","2025-06-30"\r\n',
        (*COLUMNS, *YEAR),
        {"rows": 2, "missing": 0, "next": "INV-2025-0006"},
    ),
    Export(
        "Odoo",
        workbook(Sheet1=[["Number", "Invoice Partner Display Name", "Invoice/Bill Date", "Total in Currency Signed",
                          "Status In Payment"],
                         ["INV/2025/00001", "Bob", date(2025, 1, 2), 100.0, "Partially Paid"],
                         ["INV/2025/00009", "Bob", date(2025, 1, 2), 100.0, "Draft"],
                         ["/", "Bob", date(2025, 1, 2), 100.0, "Draft"],
                         ["INV/2025/00002", "Bob", date(2025, 1, 2), 7.5, "Cancelled"]]),
        ("--profile=odoo", "--template=INV/{year}/{counter:05}", "--time-zone=UTC"),
        {"rows": 2, "voids": 1, "rows_read": 4},
        suffix=".xlsx",
    ),
    Export(
        "Zoho",
        lines("Invoice Date,Invoice ID,Invoice Number,Invoice Status,Customer Name,Item Name,SubTotal,Total",
              "2025-01-02,9,INV-0001,Closed,Bob,A,9,10", "2025-01-02,9,INV-0001,Closed,Bob,B,9,10",
              "2025-01-03,10,INV-0002,Void,Eve,A,9,10", "2025-01-04,11,INV-0003,Draft,Eve,A,9,10"),
        ("--profile=zoho", *PLAIN),
        {"rows": 2, "voids": 1},
    ),
    Export(
        "a workbook with a title and numbers as numbers",
        workbook(Notes=[["nothing here"]], Invoices=[["Our invoices"], [], ["No", "Date"], [7, date(2025, 1, 2)],
                                                     [8, date(2025, 1, 3)]]),
        (*COLUMNS, "--template={counter}", "--calendar=never", "--time-zone=UTC"),
        {"rows": 2, "dates": ["2025-01-02", "2025-01-03"]},
        suffix=".xlsx",
    ),
    Export(
        "ODS",
        spreadsheet([["No", "Date"], ["INV-2025-0001", "2025-01-02"]]),
        (*COLUMNS, *YEAR),
        {"rows": 1},
        suffix=".ods",
    ),
    Export(
        "JSON lines",
        lines('{"No": "INV-2025-0001", "Date": "2025-01-02", "items": [1]}', "",
              '{"Date": "2025-01-03", "No": "INV-2025-0002", "void": true}'),
        (*COLUMNS, *YEAR, "--void-column=void"),
        {"rows": 2, "voids": 1},
        suffix=".jsonl",
    ),
]  # fmt: skip

REFUSED = [
    Export(
        "rules that leave every row out",
        lines("No,Date,Art", "INV-2025-0001,2025-01-02,Rechnung", "INV-2025-0002,2025-01-02,Rechnung"),
        (*COLUMNS, *YEAR, "--where=Art=Invoice", "--apply"),
        error="has no number to take over: all of its 2 rows are left out: 2 (not where Art=Invoice).",
    ),
    Export(
        "a list of another kind",
        lines("No,Date,Art", "INV-2025-0001,2025-01-02,Rechnung"),
        (*COLUMNS, *YEAR, "--kind-column=Art", "--kinds=invoice=Rechnung", "--only-kind=receipt"),
        error="all of its 1 rows are left out: 1 (no kind that is taken: Art=Rechnung)",
    ),
    Export(
        "a kind that nobody knows",
        lines("No,Date,Art", "INV-2025-0001,2025-01-02,Rechnung"),
        (*COLUMNS, *YEAR, "--kind-column=Art", "--kinds=bill=Rechnung"),
        error="The kinds bill don't say which rows have them.",
    ),
    Export(
        "kinds without the words of their column",
        lines("No,Date,Art", "INV-2025-0001,2025-01-02,Rechnung"),
        (*COLUMNS, *YEAR, "--kind-column=Art", "--kinds=invoice"),
        error="The kinds invoice don't say which rows have them.",
    ),
    Export(
        "a status that nobody has classified",
        lines("No,Date,Status", "INV-2025-0001,2025-01-02,3", "INV-2025-0002,2025-01-02,refunded"),
        (*COLUMNS, *YEAR, "--void-column=Status"),
        error="The column 'Status' of 'export.csv' has values that nobody has classified: '3' (1), 'refunded' (1).",
    ),
    Export(
        "a date format without a year",
        lines("No,Date", "INV-2025-0001,0201"),
        (*COLUMNS, *YEAR, "--date-format=%d%m"),
        error="The date format '%d%m' has no year.",
    ),
    Export(
        "a date format without a day",
        lines("No,Date", "INV-2025-0001,01/2025"),
        (*COLUMNS, *YEAR, "--date-format=%m/%Y"),
        error="The date format '%m/%Y' has no day.",
    ),
    Export(
        "an amended number",
        lines("No,Date", "INV-2025-0001,2025-01-02", "INV-2025-0001-1,2025-01-03"),
        (*COLUMNS, *YEAR),
        error="row 3: column 'No': the number 'INV-2025-0001-1' is not like INV-{year}-{counter:04}",
    ),
    Export(
        "one number with two dates",
        lines("No,Date", "INV-2025-0001,2025-01-02", "INV-2025-0001,2025-01-03"),
        (*COLUMNS, *YEAR),
        error="row 3: the number 'INV-2025-0001' is that of row 2 as well, with another date",
    ),
    Export(
        "one number, void and not",
        lines("No,Date,S", "INV-2025-0001,2025-01-02,void", "INV-2025-0001,2025-01-02,paid"),
        (*COLUMNS, *YEAR, "--void-column=S"),
        error="is that of row 2 as well, with another document or status",
    ),
    Export(
        "a total that no rule leaves out",
        lines("No,Date,Amount", "INV-2025-0001,2025-01-02,1", "TOTAL,,1"),
        (*COLUMNS, *YEAR),
        error="row 3: column 'No': the number 'TOTAL' is not like INV-{year}-{counter:04}",
    ),
    Export(
        "a cell of a workbook",
        workbook(March=[["No", "Date"], ["INV-2025-0001", date(2025, 1, 2)], ["INV-2025-0002", "soon"]]),
        (*COLUMNS, *YEAR),
        error="sheet 'March', row 3: column 'Date': the date 'soon' doesn't have the format",
        suffix=".xlsx",
    ),
    Export(
        "two sheets that would do",
        workbook(Q1=[["No", "Date"]], Q2=[["No", "Date"]]),
        (*COLUMNS, *YEAR),
        error="has these columns in more than one sheet: Q1, Q2",
        suffix=".xlsx",
    ),
    Export(
        "other columns",
        lines("Number;Datum", "1;2"),
        (*COLUMNS, *YEAR),
        error="has no column 'No'; it has Number, Datum",
    ),
    Export(
        "DATEV without its first line",
        DATEV.split(b"\n", 1)[1],
        ("--profile=datev", *YEAR),
        error="has no date in row 1, cell 15",
    ),
    Export(
        "no JSON",
        lines('{"No": "INV-2025-0001", "Date": "2025-01-02"}', "{"),
        (*COLUMNS, *YEAR),
        error="row 2: it is no JSON",
        suffix=".jsonl",
    ),
]


def run(path: Path, *options: str) -> tuple[dict[str, Any], str]:
    """What the command says in JSON, and its error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("ledger_adopt", str(path), "--series=invoice", "--json", *options, stdout=out, stderr=err)
    except CommandError as error:
        return json.loads(out.getvalue()), str(error)
    return json.loads(out.getvalue()), ""


@pytest.mark.parametrize("export", TAKEN, ids=lambda export: export.name)
def test_an_export_is_taken_with_its_figures(tmp_path: Path, export: Export) -> None:
    path = tmp_path / f"export{export.suffix}"
    path.write_bytes(export.content)
    told, error = run(path, *export.options)
    assert error == ""
    assert not Entry.objects.exists(), "nothing is written without --apply"
    assert run(path, *export.options, "--apply")[1] == ""
    entries = NumberAdopted.objects.order_by("period", "value")
    told["next"] = told["periods"][-1]["next_number"]
    told["dates"] = [str(entry.issued_on) for entry in entries]
    told["numbers"] = [entry.number for entry in entries]
    assert {name: told[name] for name in export.figures} == export.figures
    assert [str(finding) for finding in verify()] == []


@pytest.mark.parametrize("export", REFUSED, ids=lambda export: export.name)
def test_an_export_is_refused_in_plain_words(tmp_path: Path, export: Export) -> None:
    path = tmp_path / f"export{export.suffix}"
    path.write_bytes(export.content)
    told, error = run(path, *export.options)
    assert export.error in error + " ".join(f"{row['place']}: {row['problem']}" for row in told["bad_rows"])
    assert "(?" not in error
    assert not Entry.objects.exists()


def test_the_figures_that_an_accountant_checks(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(TAKEN[2].content)
    out = io.StringIO()
    call_command("ledger_adopt", str(path), "--series=invoice", *TAKEN[2].options, stdout=out, stderr=io.StringIO())
    told = out.getvalue()
    assert "2 numbers of list.csv would be adopted into series invoice, 1 of them void; 4 rows were read." in told
    assert "Left out: 1 rows (not where Type=Invoice)." in told
    assert "The void column says 'VOIDED' 1 times: void." in told
    assert ["INV-2025-", "2", "INV-2025-0001", "INV-2025-0002", "2025-01-02", "2025-01-05"] in [
        line.split() for line in told.splitlines()
    ]
    assert "Nothing was written; --apply does it." in told


class TestAFileThatGoesOn:
    def test_is_taken_after_the_first(self, write: Write) -> None:
        adopt(write("INV-2025-0001,2025-01-02", "INV-2025-0003,2025-03-02"), series="invoice", settings=YEARLY)
        result = adopt(write("INV-2025-0006,2025-04-02", "INV-2025-0007,2025-04-03"), series="invoice")
        assert [(one.first_value, one.last_value, one.next_number) for one in result.periods] == [
            (1, 7, "INV-2025-0008")
        ]
        gaps = AdoptedGap.objects.order_by("first_value").values_list("first_value", "last_value")
        assert list(gaps) == [(2, 2), (4, 5)]
        assert [str(finding) for finding in verify()] == []

    def test_is_refused_before_it(self, write: Write) -> None:
        adopt(write("INV-2025-0006,2025-04-02"), series="invoice", settings=YEARLY)
        with pytest.raises(Exception, match="comes before 6, which an earlier adoption has come to"):
            adopt(write("INV-2025-0001,2025-01-02"), series="invoice")

    def test_is_refused_after_a_number_of_folios_own(self, write: Write) -> None:
        adopt(write("INV-2025-0001,2025-01-02"), series="invoice", settings=YEARLY)
        issue("invoice", on=date(2025, 5, 5))
        with pytest.raises(Exception, match="has numbers in the period"):
            adopt(write("INV-2025-0006,2025-04-02"), series="invoice")


def test_a_contradicting_number_keeps_text_and_date(write: Write) -> None:
    adopt(write("INV-2025-0004,2024-12-31T23:00"), series="invoice", settings=YEARLY)
    entry = NumberAdopted.objects.get()
    assert (entry.number, entry.issued_on, entry.period.starts_on) == (
        "INV-2025-0004",
        date(2024, 12, 31),
        date(2025, 1, 1),
    )
    assert entry.issued_at == datetime(2024, 12, 31, 22, tzinfo=UTC)
    assert entry.metadata == {"contradiction": "the number INV-2025-0004 is dated 2024-12-31"}
    assert preview("invoice", on=date(2025, 1, 2)) == "INV-2025-0005"
    assert [str(finding) for finding in verify()] == []


def test_a_sheet_and_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "ours.json"
    own.write_text('{"layout": {"number_column": "No", "date_column": "Date", "sheet": "Q2"}}')
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(Q1=[["No", "Date"]], Q2=[["No", "Date"], ["INV-2025-0001", date(2025, 5, 2)]]))
    assert run(path, f"--profile={own}", *YEAR)[0]["rows"] == 1
    own.write_text('{"layout": {"colour": "red"}}')
    assert "a layout has no colour" in run(path, f"--profile={own}", *YEAR)[1]


@pytest.mark.parametrize("condition", ["Status", "=x"])
def test_a_condition_names_a_column(write: Write, condition: str) -> None:
    with pytest.raises(Exception, match="names no column"):
        adopt(write("INV-2025-0001,2025-01-02"), series="invoice", settings=YEARLY, layout=Layout(where=(condition,)))
