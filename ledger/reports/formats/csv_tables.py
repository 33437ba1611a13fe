"""CSV: a zip with a table for each part, since no two have the same columns; one part alone is a plain CSV.

One file can be mailed and kept, and each table in it opens by itself. UTF-8 with a byte order mark, without which
spreadsheets take names for Latin-1; commas, CRLF, as RFC 4180 has it. Spreadsheets in countries with a decimal comma
expect semicolons: ``separated_by(";")``.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import methodcaller
from typing import IO, Any

from django.utils.translation import override

from ledger.reports.formats import Format, Warn
from ledger.reports.formats.cells import cell_text, neutralised, suspicious
from ledger.reports.report import Report
from ledger.reports.rows import Kind, Part

# Columns by their place, with what makes a text of their cells.
_Odd = list[tuple[int, Callable[[Any], str]]]
_ODD: dict[Kind, Callable[[Any], str]] = {
    Kind.MOMENT: methodcaller("isoformat"),
    Kind.VERDICT: cell_text,
    Kind.EVIDENCE: cell_text,
}

# The earliest that a zip can say.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


#: Rows that are written at a time.
_CHUNK = 500


def write(report: Report, target: IO[bytes], warn: Warn, *, separator: str = ",") -> None:
    """A zip of all parts and the header, or the table of the one part. Programs read it: its words are English."""
    with override("en"):
        _write(report, target, separator)


def _write(report: Report, target: IO[bytes], separator: str) -> None:
    if len(report.parts) == 1:
        write_part(report.parts[0], target, separator)
        return
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(entry("header.csv"), "w") as file:
            told = [*report.header.lines(), ("Sentence", str(report.sentence)), ("State", report.verdict.state.value)]
            told += [(str(reason.title), str(reason.text)) for reason in report.reasons]
            told += [("Problem", str(problem)) for problem in report.problems]
            _table(file, ["what", "is"], told, [], separator)
        for part in report.parts:
            with archive.open(entry(f"{part.name}.csv"), "w", force_zip64=True) as file:
                write_part(part, file, separator)


def separated_by(separator: str) -> Format:
    """The format with another separator, which is one character."""
    return replace(FORMAT, write=partial(write, separator=separator))


def entry(name: str) -> zipfile.ZipInfo:
    """A file of a zip, of no time, so that the same report gives the same bytes."""
    made = zipfile.ZipInfo(name, _NO_TIME)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made


def write_part(part: Part, target: IO[bytes], separator: str = ",") -> None:
    """One part as a plain table."""
    columns = part.columns
    # What ``csv`` would write otherwise than we do.
    odd = [(at, _ODD[column.kind]) for at, column in enumerate(columns) if column.kind in _ODD]
    _table(target, [column.name for column in columns], part.cells(), odd, separator)


def _table(target: IO[bytes], header: list[str], rows: Iterable[Sequence[Any]], odd: _Odd, separator: str) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=False)
    csv.writer(text, delimiter=separator).writerow(header)
    lines = iter(rows)
    while chunk := [_plain(row, odd) for row in islice(lines, _CHUNK)]:
        written = io.StringIO(newline="")
        out = csv.writer(written, delimiter=separator)
        out.writerows(chunk)
        # Nearly all is harmless, which one look at many rows tells.
        if suspicious(written.getvalue()):
            written.seek(0)
            written.truncate()
            out.writerows(
                [neutralised(cell, separator) if isinstance(cell, str) else cell for cell in row] for row in chunk
            )
        text.write(written.getvalue())
    # The target is the caller's, and stays open.
    text.detach()


def _plain(row: Sequence[Any], odd: _Odd) -> list[Any]:
    cells = list(row)
    for at, text in odd:
        if cells[at] is not None:
            cells[at] = text(cells[at])
    return cells


FORMAT = Format("csv", "CSV tables", ".zip", "application/zip", streams=True, write=write)
