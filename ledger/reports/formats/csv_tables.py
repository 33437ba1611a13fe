"""CSV: a zip with a table for each part, since no two have the same columns; one part alone is a plain CSV.

One file can be mailed and kept, and each table in it opens by itself. UTF-8 with a byte order mark, without which
spreadsheets take names for Latin-1; commas, CRLF, as RFC 4180 has it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from typing import IO, Any

from ledger.reports.formats import Format, Warn
from ledger.reports.formats.cells import cell_text, harmless, neutralised
from ledger.reports.report import Report
from ledger.reports.rows import Part

# The earliest that a zip can say, so that the same report gives the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write(report: Report, target: IO[bytes], warn: Warn) -> None:
    """A zip of all parts and the header, or the table of the one part."""
    if len(report.parts) == 1:
        _part(report.parts[0], target)
        return
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(_entry("header.csv"), "w") as file:
            told = [*report.header.lines(), ("State", report.verdict.state.value)]
            _table(file, ["what", "is"], [*told, *(("Problem", problem) for problem in report.problems)])
        for part in report.parts:
            with archive.open(_entry(f"{part.name}.csv"), "w", force_zip64=True) as file:
                _part(part, file)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _part(part: Part, target: IO[bytes]) -> None:
    _table(target, [column.name for column in part.columns], part.cells())


def _table(target: IO[bytes], header: list[str], rows: Iterable[Iterable[Any]]) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=False)
    out = csv.writer(text)
    out.writerow(header)
    for row in rows:
        # What is plain, as nearly all is, costs no call.
        out.writerow(
            [
                cell
                if cell is None or type(cell) is int or (type(cell) is str and harmless(cell[:1]))
                else (neutralised(cell) if isinstance(cell, str) else cell_text(cell))
                for cell in row
            ]
        )
    # The target is the caller's, and stays open.
    text.detach()


FORMAT = Format("csv", "CSV tables", ".zip", "application/zip", streams=True, write=write)
