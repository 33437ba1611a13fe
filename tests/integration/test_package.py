"""The package: all that is handed over for a span of dates, in one zip."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger import define_series
from ledger.calendars import Span, named_span
from ledger.errors import InvalidCalendar
from ledger.failures import Failures
from ledger.seals.sealing import seal_all
from tests.integration.reporting import eventful, number, pdf_text, sheets

pytestmark = pytest.mark.django_db(transaction=True)


def packed(path: Path, *arguments: str) -> dict[str, bytes]:
    """The files of a package."""
    with pytest.raises(CommandError) as told:
        call_command("ledger_report", "--tenant", "shop", "--output", str(path), "--verbosity", "0", *arguments)
    assert told.value.returncode == 1, "gaps are to be explained"
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_has_all_series_of_the_span_in_every_form_and_says_what_is_in_it(tmp_path: Path) -> None:
    eventful()
    define_series("late", org="shop", template="L{counter:02}", calendar="never", time_zone="UTC")
    number("late", date(2026, 2, 3), org="shop", document="late:1")
    seal_all(Failures(), using="default")
    files = packed(tmp_path / "february.zip", "--package", "2026-02")
    assert list(files) == [
        *("CONTENTS.txt", "SHA256SUMS", "report.pdf", "report.xlsx", "register.csv", "report.json", "seals.jsonl")
    ]
    contents = files["CONTENTS.txt"].decode()
    for told in ("2026-02-01 to 2026-02-28", "bill, late", "to explain", *list(files)[1:]):
        assert told in contents, told
    lines = files["SHA256SUMS"].decode().splitlines()
    sums = {line.split()[1]: line.split()[0] for line in lines}
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name not in ("CONTENTS.txt", "SHA256SUMS")
    }
    register = list(csv.DictReader(io.StringIO(files["register.csv"].decode("utf-8-sig"))))
    assert [line["number"] for line in register] == ["B2026-005", "B2026-006", "B2026-007", "B2026-008", "L01"]
    document = json.loads(files["report.json"])
    assert [row["series"] for row in document["parts"]["summary"]] == ["bill", "late"]
    assert document["sentence"] in contents
    assert "B2026-008" in pdf_text(files["report.pdf"])
    assert "B2026-005" in sheets(files["report.xlsx"])["Void numbers"]
    assert json.loads(files["seals.jsonl"].splitlines()[0])["tenant"] == "shop"
    assert (tmp_path / "february.zip.sha256").read_text().endswith("  february.zip\n")


def test_without_a_seal_there_is_no_file_of_seals(tmp_path: Path) -> None:
    eventful()
    assert "seals.jsonl" not in packed(tmp_path / "year.zip", "--package", "2026")


def test_has_its_own_dates_and_formats(tmp_path: Path) -> None:
    eventful()
    with pytest.raises(CommandError, match="leave out --from and --format"):
        call_command("ledger_report", "--package", "2026-02", "--from", "2026-02-01", "--format", "pdf")


def test_dates_have_names() -> None:
    assert named_span("2024-02") == Span(date(2024, 2, 1), date(2024, 2, 29))
    assert named_span("2026") == Span(date(2026, 1, 1), date(2026, 12, 31))
    assert named_span("2026-01-15..2026-03-31") == Span(date(2026, 1, 15), date(2026, 3, 31))
    for text in ("2026-13", "26-01", "november", "", "2026-1", "2026-01-01", ".."):
        with pytest.raises(ValueError):  # noqa: PT011  (argparse says it)
            named_span(text)
    with pytest.raises(InvalidCalendar, match="ends before it starts"):
        named_span("2026-03-01..2026-02-01")
