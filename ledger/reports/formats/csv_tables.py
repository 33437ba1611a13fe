"""CSV: a zip with a table for each part, since no two have the same columns; one part alone is a plain CSV.

UTF-8 with a byte order mark, without which spreadsheets read names as Latin-1; commas and CRLF, as in RFC 4180. In
countries with a decimal comma, spreadsheets expect semicolons: ``separated_by(";")``.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import methodcaller
from typing import IO, Any

from ledger.localization import in_english, to_translate
from ledger.reports.formats import Format, Warn
from ledger.reports.formats.cells import cell_text, needs_quotes, neutralised, suspicious
from ledger.reports.report import Report
from ledger.reports.rows import Kind, Part

# Like ``cell_text``, for columns without None.
_QUICKLY: dict[Kind, Callable[[Any], str]] = {
    Kind.WHOLE: str,
    Kind.VALUE: str,
    Kind.DAY: methodcaller("isoformat"),
    Kind.MOMENT: methodcaller("isoformat"),
}

# The earliest date that a zip can store.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


#: Rows that are written at a time.
_CHUNK = 500


def write(report: Report, target: IO[bytes], warn: Warn, *, separator: str = ",") -> None:
    """A zip of all parts and the header, or the table of the one part. Programs read it: its words are English."""
    if len(report.parts) == 1:
        with in_english():
            write_part(report.parts[0], target, separator)
        return
    with in_english(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(entry("header.csv"), "w") as file:
            told = [*report.header.lines(), ("Sentence", str(report.sentence)), ("State", report.verdict.state.value)]
            told += [(str(reason.title), str(reason.text)) for reason in report.reasons]
            told += [("Problem", str(problem)) for problem in report.problems]
            _table(file, ["what", "is"], told, (Kind.TEXT, Kind.TEXT), separator)
        for part in report.parts:
            with archive.open(entry(f"{part.name}.csv"), "w", force_zip64=True) as file:
                write_part(part, file, separator)


def separated_by(separator: str) -> Format:
    """The format with another separator, which is one character."""
    return replace(FORMAT, write=partial(write, separator=separator))


def entry(name: str) -> zipfile.ZipInfo:
    """A file of a zip with a fixed time, so that the same report gives the same bytes."""
    made = zipfile.ZipInfo(name, _NO_TIME)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made


def write_part(part: Part, target: IO[bytes], separator: str = ",") -> None:
    """One part as a plain table."""
    columns = part.columns
    _table(target, [one.name for one in columns], part.cells(), [one.kind for one in columns], separator)


def _table(
    target: IO[bytes], header: list[str], rows: Iterable[Sequence[Any]], kinds: Sequence[Kind], separator: str
) -> None:
    target.write(codecs.BOM_UTF8 + _lines([header], separator))
    following = iter(rows)
    # By column, which is faster: a register is as long as the ledger, and few of its cells need quotes.
    while chunk := list(islice(following, _CHUNK)):
        columns: list[Sequence[str]] = []
        typed: list[str] = []
        for cells, kind in zip(zip(*chunk, strict=True), kinds, strict=True):
            texts = _texts(cells, kind)
            columns.append(texts)
            typed += _typed(texts, kind)
        lines = zip(*columns, strict=True)
        if suspicious(typed):
            target.write(_lines(([neutralised(text, separator) for text in line] for line in lines), separator))
        elif needs_quotes(typed, separator):
            target.write(_lines(lines, separator))
        else:
            target.write("".join(f"{separator.join(line)}\r\n" for line in lines).encode())


def _texts(cells: tuple[Any, ...], kind: Kind) -> Sequence[str]:
    if cells.count(cells[0]) == len(cells):
        return [cell_text(cells[0])] * len(cells)
    if None in cells:
        return ["" if cell is None else cell_text(cell) for cell in cells]
    if kind is Kind.TEXT:
        return cells
    return list(map(_QUICKLY.get(kind, cell_text), cells))


def _typed(texts: Sequence[str], kind: Kind) -> Iterable[str]:
    """The texts of a column that may need quotes or an apostrophe."""
    if kind in (Kind.WHOLE, Kind.VALUE, Kind.VERDICT):
        return ()
    if kind in (Kind.DAY, Kind.MOMENT):
        # One that no calendar knows is what PostgreSQL says: of these a minus comes before all digits.
        return (min(filter(None, texts), default=""),)
    return set(texts) if texts[0] is texts[-1] else texts  # a column that says the same on every line


def _lines(rows: Iterable[Iterable[str]], separator: str) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator).writerows(rows)
    return written.getvalue().encode()


FORMAT = Format("csv", to_translate("CSV tables"), ".zip", "application/zip", streams=True, write=write)
