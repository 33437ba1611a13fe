"""The continuity report of a real retailer's numbers, and the command that writes it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from ledger.reports.formats import formats
from ledger.reports.formats.json_document import json_schema
from ledger.reports.report import continuity_report
from tests.databases import ROOT, database_alias, migrated_database
from tests.integration import full_ledger
from tests.integration.adopting import adopt_real_file
from tests.integration.reporting import csv_tables, pdf_text, rows, sheets, written

ALIAS = "retail"
MADE_AT = "2026-11-21T12:00:00+00:00"


@pytest.fixture(scope="module")
def retail(django_db_blocker: Any) -> Iterator[str]:
    """The retailer's ledger, in a database of its own that nobody changes; its URL."""
    with migrated_database("folio_retail") as url, database_alias(ALIAS, url), django_db_blocker.unblock():
        adopt_real_file(explain_gaps="never invoiced", by="ada", using=ALIAS)
        yield url


@pytest.fixture
def tampered(retail: str) -> Iterator[Any]:
    """Runs statements with the guards off, for as long as the test lasts, in a transaction with a snapshot."""
    connection = connections[ALIAS]
    with transaction.atomic(using=ALIAS):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield lambda *statements: full_ledger.tampered(connection, *statements)
        transaction.set_rollback(True, using=ALIAS)


@cache
def file(name: str) -> bytes:
    """The report in a format."""
    return written(name, made_by="ada", using=ALIAS)


def of_a_month(name: str) -> bytes:
    """The report of January 2011, which is a tenth as long."""
    return written(name, made_by="ada", since=date(2011, 1, 1), until=date(2011, 1, 31), using=ALIAS)


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and what was said of an error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("ledger_report", *arguments, "--by", "ada", "--database", ALIAS, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


@pytest.mark.usefixtures("retail")
class TestTheFigures:
    def test_are_those_of_the_file(self) -> None:
        with continuity_report(series="invoice", using=ALIAS) as report:
            (row,) = rows(report, "summary")
            assert (row.expected, row.issued, row.missing) == (45_223, 25_900, 19_323)
            assert (row.missing_ranges, row.out_of_order) == (2_409, 5)
            assert (row.first, row.last, row.duplicates, row.in_progress, row.lost) == (536_365, 581_587, 0, 0, 0)
            assert (row.expected_from_rows, row.adds_up, report.ok) == (45_223, True, True)
            gaps = rows(report, "gaps")
        assert len(gaps) == 2_409
        assert sum(gap.count for gap in gaps) == 19_323
        assert max(gap.count for gap in gaps) == 75
        assert {gap.explanation for gap in gaps} == {"never invoiced"}
        for gap in gaps:
            digits = [int(number.lstrip("CA")) for number in (gap.before_number, gap.after_number)]
            assert digits == [gap.start - 1, gap.end + 1]
            assert gap.end - gap.start + 1 == gap.count
        assert [gap.start for gap in gaps] == sorted(gap.start for gap in gaps)

    def test_of_its_months_add_up_to_those_of_the_whole(self) -> None:
        firsts = [date(2010, 12, 1), *(date(2011, month, 1) for month in range(1, 13)), date(2012, 1, 1)]
        total = {"expected": 0, "issued": 0, "missing": 0, "void": 0}
        for first, following in pairwise(firsts):
            until = date.fromordinal(following.toordinal() - 1)
            with continuity_report(since=first, until=until, using=ALIAS) as report:
                (row,) = rows(report, "summary")
                assert row.adds_up
                assert sum(gap.count for gap in rows(report, "gaps")) == row.missing
            for figure in total:
                total[figure] += getattr(row, figure)
        assert total == {"expected": 45_223, "issued": 25_900, "missing": 19_323, "void": 0}

    def test_stand_in_every_file(self) -> None:
        document = json.loads(file("json"))
        jsonschema.validate(document, json_schema())
        assert len(document["parts"]["gaps"]) == 2_409
        assert len(csv_tables(file("csv"))["gaps"]) == 2_409
        assert sheets(file("xlsx"))["Missing numbers"].count("<row ") == 2_410
        text = pdf_text(file("pdf"))
        assert "45,223" in text
        assert text.count("never invoiced") == 2_409


class TestTheCommand:
    @pytest.mark.usefixtures("retail")
    def test_writes_each_format_by_the_name_of_its_file_and_the_same_bytes_again(self, tmp_path: Path) -> None:
        for known in formats().values():
            path = tmp_path / f"report{known.suffix}"
            month = ["--from", "2011-01-01", "--to", "2011-01-31"]
            code, out, error = command("--output", str(path), "--made-at", MADE_AT, *month)
            assert (code, error) == (0, "")
            assert "Everything adds up" in out
            assert path.read_bytes() == of_a_month(known.name)
            digest, name = (tmp_path / f"{path.name}.sha256").read_text().split()
            assert (digest, name) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
        names = [f"report{known.suffix}{more}" for known in formats().values() for more in ("", ".sha256")]
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)

    def test_writes_to_standard_output_and_to_a_plain_table(self, retail: str, tmp_path: Path) -> None:
        run = [sys.executable, "manage.py", "ledger_report", "--made-at", MADE_AT, "--by", "ada"]
        environment = {"DATABASE_URL": retail, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        told = subprocess.run(run, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True)
        assert told.stdout == file("json")
        path = tmp_path / "gaps.csv"
        assert command("--part", "gaps", "--output", str(path))[0] == 0
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        assert lines[0].startswith("series,period,start,end,count")
        assert len(lines) == 2_410

    @pytest.mark.usefixtures("retail")
    def test_says_how_it_went_for_scripts(self, tmp_path: Path) -> None:
        path = tmp_path / "report.json"
        code, out, _ = command("--output", str(path), "--json")
        assert (code, json.loads(out)) == (
            0,
            {
                "output": str(path),
                "state": "in order",
                "ok": True,
                "problems": [],
                "warnings": [],
                "sentence": "45,223 numbers: 25,900 valid, 0 void, 19,323 missing.",
            },
        )
        assert json.loads(command("--schema")[1]) == json_schema()

    def test_ends_with_2_if_the_numbers_do_not_add_up(self, tampered: Any, tmp_path: Path) -> None:
        tampered("DELETE FROM ledger_entry WHERE value = 581587")
        path = tmp_path / "report.json"
        code, out, error = command("--output", str(path))
        assert code == 2
        assert "invoice, for ever: the numbers do not add up" in error
        assert "Everything adds up" not in out
        assert not json.loads(path.read_text())["ok"]

    def test_ends_with_2_if_values_are_lost(self, tampered: Any, tmp_path: Path) -> None:
        tampered("DELETE FROM ledger_entry WHERE value = 540000")
        code, _, error = command("--output", str(tmp_path / "report.json"))
        assert (code, "1 value is lost" in error) == (2, True)

    @pytest.mark.usefixtures("retail")
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--format", "pdf"], "add --output report.pdf"),
            (["--format", "xlsx"], "add --output report.xlsx"),
            (["--json"], "add --output"),
            (["--output", "report.csv"], "--output report.zip"),
            (["--output", "/nowhere/at/all/report.json"], "Nothing can be written"),
            (["--series", "invioce"], "no series 'invioce'"),
            (["--tenant", "nobody"], "'nobody' has no series"),
            (["--on", "2011-01-01", "--from", "2011-01-01"], "Both a period"),
            (["--from", "2011-02-01", "--to", "2011-01-01"], "ends before it starts"),
            (["--part", "holes"], "no part 'holes'"),
        ],
    )
    def test_ends_with_2_if_the_options_are_invalid(self, arguments: list[str], words: str) -> None:
        code, _, error = command(*arguments)
        assert (code, words in error) == (2, True), error

    @pytest.mark.usefixtures("retail")
    def test_leaves_a_file_as_it_was_if_it_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "report.xlsx"
        path.write_text("the last one")
        monkeypatch.setitem(sys.modules, "xlsxwriter", None)
        code, _, error = command("--output", str(path))
        assert (code, path.read_text()) == (2, "the last one")
        assert "django-folio[reports]" in error
        assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]
