"""``ledger_adopt`` as people and scripts call it: options, exit codes, JSON, progress; and its memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger import preview
from ledger.models import AdoptedGap, Adoption, Entry, GapExplained, NumberAdopted, NumberVoided, Series
from tests.integration.adopting import REAL_FILE, REAL_PATTERN

REAL = [
    str(REAL_FILE),
    "--series=invoice",
    "--template={counter}",
    "--calendar=never",
    "--time-zone=Europe/London",
    f"--pattern={REAL_PATTERN}",
]


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """Some of the real numbers, and the same options."""
    path = tmp_path / "some.csv"
    path.write_text("".join(REAL_FILE.read_text().splitlines(keepends=True)[:200]))
    return [str(path), *REAL[1:]]


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, and standard error with the error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("ledger_adopt", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


@pytest.mark.django_db
class TestTheCommand:
    def test_takes_over_the_real_file(self) -> None:
        code, out, err = run(*REAL, "--apply", "--tenant=retailer", "--by=ann", "--explain-gaps=never invoiced")
        assert code == 0
        assert "25,900 numbers of online-retail-invoices.csv adopted into series invoice of retailer" in out
        assert next(line for line in out.splitlines() if line.startswith("for ever")).split() == [
            "for",
            "ever",
            "536365",
            "581587",
            "25,900",
            "19,323",
            "2,409",
            "581588",
        ]
        assert "2,409 gaps explained." in out
        assert "reading 100 %" in err
        adoption = Adoption.objects.get()
        assert (adoption.tenant, adoption.source, adoption.actor) == ("retailer", "online-retail-invoices.csv", "ann")
        assert adoption.options["layout"]["pattern"] == REAL_PATTERN
        assert adoption.options["settings"]["template"] == "{counter}"

    def test_says_the_same_as_json(self, small: list[str]) -> None:
        code, out, _ = run(*small, "--apply", "--json")
        told = json.loads(out)
        assert (code, told["ok"], told["rows"]) == (0, True, Entry.objects.count())
        gaps = [gap.last_value - gap.first_value + 1 for gap in AdoptedGap.objects.all()]
        assert (told["missing"], told["missing_ranges"]) == (sum(gaps), len(gaps))
        assert len(gaps) > 10
        assert told["periods"][0]["next_number"] == preview("invoice") != ""
        assert told["adoption"] == Adoption.objects.get().pk

    def test_a_dry_run_writes_nothing(self, small: list[str]) -> None:
        code, out, _ = run(*small)
        assert code == 0
        assert "would be adopted" in out
        assert "Nothing was written; --apply does it." in out
        assert [m._default_manager.count() for m in (Series, Entry, Adoption, AdoptedGap)] == [0] * 4

    def test_every_option_of_the_layout_arrives(self, tmp_path: Path) -> None:
        path = tmp_path / "alt.csv"
        path.write_bytes(
            "Nr\tDatum\tBeleg\tKunde\tLand\tStatus\n"
            "R-7\t31.12.2024 23:30\to:1\tMöller\tDE\tSTORNO\nR-9\t31.12.2024 23:40\to:2\t\t\t\n".encode("cp1252")
        )
        code, _, err = run(
            *(str(path), "--series=bill", "--template=R-{counter}", "--calendar=never", "--time-zone=Europe/Berlin"),
            *("--number-column=Nr", "--date-column=Datum", "--document-column=Beleg", "--customer-column=Kunde"),
            *("--keep-columns=Land", "--void-column=Status", "--void-values=Storno,weg", "--void-reason=Storno"),
            *(
                "--delimiter=tab",
                "--encoding=cp1252",
                "--date-format=%d.%m.%Y %H:%M",
                "--explain-gaps=verloren",
                "--apply",
            ),
        )
        assert code == 0, err
        first = NumberAdopted.objects.get(number="R-7")
        assert (first.document, first.metadata) == ("o:1", {"customer": "Möller", "Land": "DE"})
        assert NumberVoided.objects.get().reason == "Storno"
        assert GapExplained.objects.get().explanation == "verloren"

    def test_each_bad_row_is_told_and_nothing_written(self, tmp_path: Path) -> None:
        path = tmp_path / "old.csv"
        path.write_text("number,issued_at\n1,2024-01-01\nx,2024-01-01\n2,soon\n")
        arguments = [str(path), "--series=s", "--template={counter}", "--calendar=never"]
        code, out, err = run(*arguments)
        assert code == 1
        assert [line.split(":")[0] for line in out.splitlines()] == ["row 3", "row 4"]
        assert "Nothing was adopted: 2 faults." in err
        code, out, _ = run(*arguments, "--json")
        told = json.loads(out)
        assert (code, told["ok"], [row["row"] for row in told["bad_rows"]]) == (1, False, [3, 4])
        assert told["error"]["problem"].startswith("The file 'old.csv' has 2 bad rows: row 3:")
        assert Series.objects.count() == 0

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["missing.csv", "--series=s", "--template={counter}", "--calendar=never"], "No such file"),
            ([str(REAL_FILE), "--series=s", "--template=nothing"], "has no {counter}"),
            ([str(REAL_FILE), "--series=s"], "no series 's'"),
            ([*REAL, "--pattern=("], "can't be read"),
            ([*REAL, "--time-zone=Mars/Base"], "Mars/Base"),
            ([*REAL, "--explain-gaps= "], "says nothing"),
        ],
    )
    def test_bad_options_are_code_2(self, arguments: list[str], told: str) -> None:
        code, _, err = run(*arguments)
        assert (code, told in err) == (2, True), err
        code, out, _ = run(*arguments, "--json")
        assert (code, json.loads(out)["ok"]) == (2, False)

    def test_a_file_adopted_before_is_code_1(self, small: list[str]) -> None:
        assert run(*small, "--apply")[0] == 0
        code, _, err = run(*small)
        assert code == 1
        assert "adopted before" in err


# Its own peak, not its parent's, with which ru_maxrss would begin on Linux.
_MEASURED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from ledger.adoption import adopt
result = adopt(sys.argv[2], series="memory", dry_run=True, on_bad_row=lambda row: None,
               settings={"template": "{counter}", "calendar": "never", "time_zone": "UTC"})
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(result.rows, int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.django_db
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        with path.open("w") as file:
            file.write("number,issued_at,customer\n")
            file.writelines(f"{value},2024-05-05T12:00,customer {value}\n" for value in range(1, rows + 1))
        name = str(connection.settings_dict["NAME"])
        command = [sys.executable, "-c", _MEASURED, name, str(path)]
        done: Any = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == 0, done.stderr
        adopted, megabytes = done.stdout.split()
        assert int(adopted) == rows
        return int(megabytes)

    small, large = peak(2_000), peak(60_000)
    assert large - small < 12, f"{small} MB for 2,000 rows, {large} MB for 60,000"
