"""The page that compares books in a file: it looks first, names mistakes in plain words, and keeps the layout."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client, override_settings

from ledger import define_series, issue
from ledger.models import Entry, RemoteDocument
from ledger.reconciliation import findings
from ledger.spreadsheets import Layout, profile
from ledger.web import books
from tests.integration.pages import client

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/ledger/books/"
COLUMNS = {"system": "tax advisor", "number_column": "No", "date_column": "Date"}
ROWS = ("No;Date;Name", "INV-0001;02.03.2026;Bob", "X-9;03.03.2026;Eve")
GERMAN = {**COLUMNS, "date_format": "%d.%m.%Y"}


@pytest.fixture
def keeper() -> Client:
    define_series("invoice", template="INV-{counter:04}", calendar="never", time_zone="UTC")
    with transaction.atomic():
        issue("invoice", document="o:1", on=date(2026, 3, 2))
    return client("keeper", "view_entry", "view_findingraised", "read_books")


def post(who: Client, do: str, *rows: str, **said: Any) -> Any:
    file = SimpleUploadedFile("list.csv", "\n".join([*(rows or ROWS), ""]).encode())
    return who.post(ADDRESS, {"do": do, "file": file, **said})


def test_looks_first_and_writes_nothing(keeper: Client) -> None:
    told = post(keeper, "look", **GERMAN).content.decode()
    assert "<td>Bob</td>" in told
    assert '<option value="Name">' in told
    assert "2 rows, 2 documents" in told
    assert "X-9" in told.split("What would be found")[1]
    assert not RemoteDocument.objects.exists()


def test_then_compares(keeper: Client) -> None:
    answer = post(keeper, "read", **GERMAN)
    assert (answer.status_code, answer["Location"]) == (302, "/ledger/findings/")
    assert [(one.kind, one.number) for one in findings(system="tax advisor")] == [("unknown", "X-9")]
    assert "2 documents of list.csv were compared." in keeper.get("/ledger/findings/").content.decode()


def test_a_span_of_days(keeper: Client) -> None:
    post(keeper, "read", **GERMAN, first="2026-03-03", last="2026-03-31")
    assert list(RemoteDocument.objects.values_list("number", flat=True)) == ["X-9"]
    assert "Name both days" in post(keeper, "look", **GERMAN, first="2026-03-03").content.decode()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (COLUMNS, "row 2: column &#x27;Date&#x27;: the date &#x27;02.03.2026&#x27; doesn&#x27;t have the format"),
        ({"system": "x"}, "has no column &#x27;number&#x27;; it has No, Date, Name"),
        ({**GERMAN, "where": "Name"}, "names no column"),
        ({**GERMAN, "date_format": "%d.%m"}, "has no year"),
        ({**GERMAN, "system": ""}, "This field is required"),
        ({**GERMAN, "void_column": "Name"}, "nobody has classified: &#x27;Bob&#x27; (1), &#x27;Eve&#x27; (1)"),
    ],
)
def test_says_what_is_wrong_beside_the_first_rows(keeper: Client, said: dict[str, str], told: str) -> None:
    answer = post(keeper, "read", **said)
    assert (answer.status_code, told in answer.content.decode()) == (200, True), answer.content.decode()
    assert not RemoteDocument.objects.exists()


def test_words_of_the_void_column_and_rules_for_rows(keeper: Client) -> None:
    said = {**GERMAN, "void_column": "Name", "void_values": "Eve|Mallory", "valid_values": "Bob", "skip": "No=INV*"}
    told = post(keeper, "look", **said).content.decode()
    assert "“Eve” 1 time: void" in told
    assert "left out: 1 row (skip No=INV*)" in told


KINDS = {"kind_column": "Type", "kinds": "invoice=Sales Invoice; credit-note=Credit Note|Credit Memo"}
TYPED = ("No;Date;Type;Total;Name", "INV-0001;02.03.2026;Sales Invoice;90,00;Bob", "X-9;03.03.2026;Quote;1;Eve")


def amount(entry: Entry) -> dict[str, Any]:
    return {"total": Decimal(100)}


def test_kinds_and_amounts(keeper: Client) -> None:
    define_series("receipt", template="RCP-{counter}", calendar="never", time_zone="UTC")
    with override_settings(LEDGER={"DESCRIBE": f"{__name__}.amount"}):
        told = post(keeper, "look", *TYPED, **GERMAN, **KINDS, total_column="Total").content.decode()
    assert "<li>invoice: 1</li>" in told
    assert "series receipt isn&#x27;t compared: the file has no kind receipt" in told.replace("isn't", "isn&#x27;t")
    assert "left out: 1 row (no kind that is taken: Type=Quote)" in told
    assert "another amount there" in told.split("What would be found")[1]
    with override_settings(LEDGER={"DESCRIBE": f"{__name__}.amount"}):
        said = {**GERMAN, **KINDS, "total_column": "Total", "decimal_comma": "on"}
        right = post(keeper, "look", *TYPED[:1], TYPED[1].replace("90,00", "100,00"), **said).content.decode()
    assert "another amount there" not in right
    saved = json.loads(post(keeper, "save", *TYPED, **GERMAN, **KINDS).content)["layout"]
    assert (saved["kind_column"], saved["kinds"]) == (
        "Type",
        ["invoice=Sales Invoice", "credit-note=Credit Note|Credit Memo"],
    )


def test_what_an_error_names_can_be_said_on_the_page(keeper: Client) -> None:
    """Encodings, headers, sheets, month names, drafts: the page has a field for each."""
    content = "Liste\nNo;Date;Stand\nINV-0001;2. März 2026;gebucht\nX-1;3. März 2026;offen\n".encode("cp1252")
    said = {**COLUMNS, "date_format": "%d. %B %Y", "void_column": "Stand", "valid_values": "gebucht"}
    for more, told in (
        ({}, "is not encoded in utf-8"),
        ({"encoding": "cp1252"}, "doesn&#x27;t have the format"),
        ({"encoding": "cp1252", "language": "de"}, "nobody has classified: &#x27;offen&#x27; (1)"),
        ({"encoding": "cp1252", "language": "de", "draft_values": "offen", "header_row": 1}, "has no column"),
        ({"encoding": "cp1252", "language": "de", "draft_values": "offen", "header_row": 2}, "2 rows, 2 documents"),
    ):
        file = SimpleUploadedFile("list.csv", content)
        shown = keeper.post(ADDRESS, {"do": "look", "file": file, **said, **more}).content.decode()
        assert told in shown, more


def test_keeps_the_layout_as_a_profile(keeper: Client, tmp_path: Any) -> None:
    answer = post(keeper, "save", **GERMAN, where="Name=Bob|Eve")
    assert answer["Content-Disposition"] == 'attachment; filename="profile.json"'
    path = tmp_path / "profile.json"
    path.write_bytes(answer.content)
    assert json.loads(answer.content)["title"] == "tax advisor"
    expected = Layout(number_column="No", date_column="Date", date_format="%d.%m.%Y", where=("Name=Bob|Eve",))
    assert profile(str(path)) == expected


def test_a_file_that_is_too_large(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "LARGEST", 10)
    assert "Use manage.py ledger_books instead" in post(keeper, "read", **GERMAN).content.decode()
    assert not RemoteDocument.objects.exists()


def test_a_path_is_refused_as_a_profile(keeper: Client, tmp_path: Any) -> None:
    """The page takes only names of profiles: it reads no file of the server."""
    (tmp_path / "mine.json").write_text('{"layout": {}}')
    told = post(keeper, "look", **GERMAN, profile=str(tmp_path / "mine.json")).content.decode()
    assert "Select a valid choice" in told


def test_the_file_goes_along_to_the_next_step(keeper: Client) -> None:
    seen = post(keeper, "look", **GERMAN)
    kept = {name: seen.context[name] for name in ("kept", "kept_name")}
    assert f'name="kept" value="{kept["kept"]}"' in seen.content.decode()
    done = keeper.post(ADDRESS, {"do": "read", **kept, **GERMAN})
    assert (done.status_code, RemoteDocument.objects.count()) == (302, 2)
    # Another file goes before it.
    seen = keeper.post(
        ADDRESS, {"do": "look", "file": SimpleUploadedFile("b.csv", b"No;Date\nB-1;02.03.2026\n"), **kept, **GERMAN}
    )
    assert (seen.context["kept_name"], seen.context["rows"]) == ("b.csv", [["B-1", "02.03.2026"]])


@pytest.mark.parametrize("kept", ["", "no base64", "bm8gemxpYg=="])
def test_without_a_file_it_asks_for_one(keeper: Client, kept: str) -> None:
    seen = keeper.post(ADDRESS, {"do": "look", "kept": kept, "kept_name": "a.csv", **GERMAN})
    assert "file" in seen.context["form"].errors
    assert RemoteDocument.objects.count() == 0


def test_a_file_too_large_for_fields_is_asked_for_again(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "_KEPT", 10)
    seen = post(keeper, "look", **GERMAN)
    assert "choose the file once more" in seen.content.decode()
    assert 'name="kept"' not in seen.content.decode()
