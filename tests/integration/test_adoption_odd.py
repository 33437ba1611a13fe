"""Odd values in the file of a previous system: an error that names line and column, and nothing is written."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger.adoption import adopt
from ledger.adoption.rows import METADATA_BYTES
from ledger.models import Adoption, Entry, NumberAdopted, Period
from ledger.spreadsheets import Layout
from tests.integration.adopting import YEARLY, refused

pytestmark = pytest.mark.django_db

LAYOUT = Layout(document_column="document", keep_columns=("note",), encoding="utf-7")
GOOD = "INV-2024-0001,2024-01-01,order:1,fine"
#: A row, the column that is named, and the reason.
ODD = [
    ("INV-2024-9223372036854775807,2024-01-02,order:2,", "number", "after which no other can come"),
    (f"INV-2024-{'9' * 80},2024-01-02,order:2,", "number", "is not like INV"),
    (f"INV-2024-{'9' * 5000},2024-01-02,order:2,", "number", "5009 characters"),
    ("INV-2024-+2AA-1,2024-01-02,order:2,", "number", "nobody can see"),
    ("INV-2024-0002,infinity,order:2,", "issued_at", "the format"),
    ("INV-2024-0002,-infinity,order:2,", "issued_at", "the format"),
    ("INV-2024-0002,294276-12-31,order:2,", "issued_at", "the format"),
    ("INV-2024-0002,0044-03-15 BC,order:2,", "issued_at", "the format"),
    ("INV-2024-0002,2024-01-02,order:+2AA-2,", "document", "nobody can see"),
    (f"INV-2024-0002,2024-01-02,{'o' * 201},", "document", "201 characters"),
    ("INV-2024-0002,2024-01-02,order:2,half +2AA- a character", "note", "lone surrogate"),
    (f"INV-2024-0002,2024-01-02,order:2,{'n' * (METADATA_BYTES + 1)}", "", "most of them in 'note'"),
    (f"INV-2024-0002,2024-01-02,order:2,{'n' * 140_000}", "", "field larger"),
]


def file(folder: Path, *rows: str, name: str | bytes = "old.csv") -> Path:
    path = folder / os.fsdecode(name)
    path.write_bytes("\n".join(["number,issued_at,document,note", *rows, ""]).encode())
    return path


@pytest.mark.parametrize(("row", "column", "reason"), ODD, ids=[reason for _, _, reason in ODD])
def test_an_odd_value(tmp_path: Path, row: str, column: str, reason: str) -> None:
    rows, error = refused(file(tmp_path, GOOD, row), layout=LAYOUT)
    assert [bad.row for bad in rows] == [3]
    assert reason in rows[0].problem
    if column:
        assert rows[0].problem.startswith(f"column {column!r}: ")
    str(error).encode()
    rows[0].problem.encode()
    assert not Entry.objects.exists()
    assert not Period.objects.exists()


def test_the_highest_counter_that_can_be_followed(tmp_path: Path) -> None:
    settings = {**YEARLY, "template": "{counter}", "calendar": "never"}
    adopt(file(tmp_path, f"{2**63 - 2},2024-01-01,order:1,"), series="invoice", layout=LAYOUT, settings=settings)
    assert NumberAdopted.objects.get().value == 2**63 - 2


@pytest.mark.parametrize("name", [b"old-\xff.csv", b"old\x1b[31m.csv", b"old\n.csv"])
def test_an_odd_name_of_a_file(tmp_path: Path, name: bytes) -> None:
    path = file(tmp_path, GOOD, name=name)
    adopt(path, series="invoice", layout=LAYOUT, settings=YEARLY)
    assert "�" in Adoption.objects.get().source
    _, error = refused(path, layout=LAYOUT)  # its period is in use by now
    str(error).encode()


def test_the_command_tells_the_same(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD, ODD[0][0], name=b"old-\xff.csv")
    out, err = io.StringIO(), io.StringIO()
    options = ["--series", "invoice", "--template", "INV-{year}-{counter:04}", "--time-zone", "UTC"]
    with pytest.raises(CommandError) as caught:
        call_command("ledger_adopt", str(path), *options, stdout=out, stderr=err)
    told = f"{out.getvalue()}{err.getvalue()}{caught.value}"
    assert "column 'number'" in told
    told.encode()
    assert not Entry.objects.exists()
