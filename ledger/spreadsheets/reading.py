"""Opens a table that people exported, finds its header, and numbers its rows as a spreadsheet shows them.

CSV with any separator and encoding is read in constant memory, and so are JSON lines; a workbook (XLSX, XLS, ODS) is
loaded whole, up to a limit.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ledger.errors import InvalidArgument, TableError
from ledger.spreadsheets.layout import Layout
from ledger.spreadsheets.source import Source

#: The largest workbook, unpacked, in bytes.
MAX_WORKBOOK = 512 * 1024 * 1024

# The header is at most so many rows down.
_ABOVE = 100
_DELIMITERS = ",;\t|"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class Record(NamedTuple):
    """A row of the table: its number, as a spreadsheet shows it, and its cells; or why it can't be read."""

    row: int
    cells: list[Any]
    problem: str | None = None


class Origin(Protocol):
    """The source of a table: its name, how far it was read, and the digest of what was read."""

    name: str
    size: int
    position: int

    def sha256(self) -> str: ...
    def close(self) -> None: ...


@dataclass
class Table:
    """An open table, read up to its header. ``records`` can be read once.

    ``kind`` and ``cell`` are the words of errors for the table and one of its columns.
    """

    source: Origin
    header: list[str]
    records: Iterator[Record]
    above: list[list[Any]] = field(default_factory=list)
    sheet: str | None = None
    kind: str = "file"
    cell: str = "column"

    @property
    def name(self) -> str:
        return self.source.name

    def __str__(self) -> str:
        return f"The {self.kind} {self.name!r}"

    def place(self, row: int) -> str:
        """The place of a row, as a person finds it."""
        return f"row {row}" if self.sheet is None else f"sheet {self.sheet!r}, row {row}"

    def column(self, name: str) -> int:
        """The place of a column in a row; raises TableError where the header has no such column, or two."""
        wanted = _tidy(name)
        if self.header.count(wanted) == 1:
            return self.header.index(wanted)
        known = ", ".join(one[:40] for one in self.header[:30])
        raise TableError(
            f"{self} has {'two columns' if wanted in self.header else 'no column'} {name!r}; it has {known}.",
            rule="Each column that is read is in the header, once.",
            remedy="Name them, for example --number-column 'Invoice no' --date-column Date, or the header's row: "
            "--header-row 4.",
        )

    def completed(self, layout: Layout) -> Layout:
        """The layout, with its years read from a cell above the header where it says so (``1:15``: row 1, cell 15)."""
        return replace(layout, years_from=self._above(layout.years_from), years_to=self._above(layout.years_to))

    def _above(self, text: str | None) -> str | None:
        row, colon, cell = (text or "").partition(":")
        if not colon:
            return text
        try:
            return date.fromisoformat(text_of(self.above[int(row) - 1][int(cell) - 1])).isoformat()
        except (IndexError, ValueError) as error:
            raise TableError(
                f"{self} has no date in row {row}, cell {cell}.",
                rule="Its dates have no year; the lines above the header name it.",
                remedy="Export it again with all its lines, or name the years: --years-from 2026-01-01 --years-to "
                "2026-12-31.",
            ) from error

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


def open_table(path: Path | str, layout: Layout, columns: tuple[str, ...] = ()) -> Table:
    """Open a file and find its header, which has ``columns``, by default those of the layout.

    Raises TableError if the file is no table or has no header; ``Table.column`` does if a column is missing. Raises
    InvalidArgument for a layout that works for no file, and for a path that can't be read.
    """
    _check(layout)
    wanted = [_tidy(name) for name in columns or layout.columns()]
    source = Source(Path(path))
    try:
        begin = source.begins(4)
        if begin.startswith((_ZIP, _OLE)):
            return _workbook(source, layout, wanted)
        if begin.startswith(b"{") or Path(path).suffix in (".jsonl", ".ndjson"):
            return _json_lines(source, layout, wanted)
        return _text(source, layout, wanted)
    except BaseException:
        source.close()
        raise


def text_of(cell: Any) -> str:
    """A cell as text: whole numbers without a fraction, dates in ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()


def _text(source: Source, layout: Layout, wanted: list[str]) -> Table:
    """CSV with whichever separator has the wanted columns in one row."""
    lines = source.lines(layout.encoding)
    first = next(lines, "")
    named = first.strip().casefold()
    said = None
    if named.startswith("sep=") and len(named) == len("sep=;"):
        # A spreadsheet doesn't show this line; the next one is its row 1.
        said = named[-1]
        first = next(lines, "")
    # In memory are only the lines in which the header is looked for.
    top = [line for line in [first, *islice(lines, _ABOVE)] if line]
    given = layout.delimiter or said or ("\t" if source.name.lower().endswith((".tsv", ".tab")) else None)
    tried = given or _DELIMITERS
    found = [(at, _parsed(top[at:], one), one) for one in tried for at in range(len(top))]
    at, header, delimiter = _header(source, found, wanted, layout.header_row)
    rest = chain(top[at:], lines)
    reader = csv.reader(rest, delimiter=delimiter, strict=True)
    records = _records(reader, at)
    next(records)
    above = [_parsed([line], delimiter) for line in top[:at]]
    return Table(source, header, records, above)


def _parsed(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _records(reader: Any, above: int) -> Iterator[Record]:
    """The records of a CSV reader, numbered as in a spreadsheet: a quoted field may have several lines."""
    row = above
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(row, [], f"it is no line of CSV ({error})")
            continue
        yield Record(row, cells)


def _json_lines(source: Source, layout: Layout, wanted: list[str]) -> Table:
    """An object in each line; the columns are the names that the first one has, and those that are wanted."""
    lines = enumerate(source.lines(layout.encoding), 1)
    top = list(islice(lines, 1))
    first = next((_object(line) for _, line in top), {})
    if not isinstance(first, dict):
        raise TableError(
            f"The file {source.name!r} is not in JSON lines: {first}.",
            rule='Each line of it is one JSON object, such as {"number": "INV-1", "issued_at": "2026-03-31"}.',
            remedy="Export it again in JSON lines, or as CSV.",
        )
    header = list(dict.fromkeys([*first, *(wanted if first else [])]))

    def records() -> Iterator[Record]:
        for row, line in chain(top, lines):
            made = _object(line) if line.strip() else {}
            if isinstance(made, str):
                yield Record(row, [], made)
            else:
                yield Record(row, [made.get(name) for name in header])

    # The first object must have the two that matter; the others may be left out where they are empty.
    return Table(source, header if set(wanted[:2]) <= set(first) else list(first), records())


def _object(line: str) -> dict[str, Any] | str:
    try:
        # A number as it is written: 007.10 isn't one in JSON, but 1.10 would lose its zero.
        made = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({error})"
    if not isinstance(made, dict):
        return "it is no JSON object"
    if nested := [name for name, value in made.items() if isinstance(value, dict | list)]:
        made = {name: value for name, value in made.items() if name not in nested}
    return made


def _workbook(source: Source, layout: Layout, wanted: list[str]) -> Table:
    """The table in the sheet that has the wanted columns in one row."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ModuleNotFoundError as error:
        raise TableError(
            f"The file {source.name!r} is a workbook, and python-calamine, which reads workbooks, isn't installed.",
            rule="Workbooks (XLSX, XLS, ODS) are read with the extra 'spreadsheets'.",
            remedy="pip install 'django-folio[spreadsheets]'; or save the sheet as CSV in UTF-8.",
        ) from error
    content = source.everything()
    try:
        if content.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > MAX_WORKBOOK:
                raise CalamineError(f"it has {unpacked:,} bytes, and at most {MAX_WORKBOOK:,} are read")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = book.sheet_names if layout.sheet is None else [layout.sheet]
        if layout.sheet is not None and layout.sheet not in book.sheet_names:
            raise TableError(
                f"The workbook {source.name!r} has no sheet {layout.sheet!r}; it has {', '.join(book.sheet_names)}.",
                rule="A table is one sheet of a workbook.",
                remedy="Name it as the workbook does: --sheet.",
            )
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except (CalamineError, PasswordError, zipfile.BadZipFile, NotImplementedError) as error:
        raise TableError(
            f"The file {source.name!r} is an archive or an old file of a spreadsheet, and can't be read: {error}.",
            rule="A workbook is an XLSX, XLS or ODS file without a password.",
            remedy="Open it in the spreadsheet program and save its sheet as XLSX, or as CSV in UTF-8.",
        ) from error
    found = [
        (at, [text_of(cell) for cell in cells], name)
        for name, rows in sheets.items()
        for at, cells in enumerate(rows[: _ABOVE + 1])
    ]
    at, header, sheet = _header(source, found, wanted, layout.header_row, sheets=True)
    rows = sheets[sheet]
    records = (Record(row, cells) for row, cells in enumerate(rows[at + 1 :], at + 2))
    return Table(source, header, records, rows[:at], sheet)


def _header(
    source: Source,
    found: Iterable[tuple[int, list[str], str]],
    names: list[str],
    row: int | None,
    *,
    sheets: bool = False,
) -> tuple[int, list[str], str]:
    """The row with the wanted columns, or with most of them: its place, its cells, and its separator or sheet.

    Raises TableError if the file has no rows, or if two sheets have such a row.
    """
    wanted = set(names)
    found = [
        (at, [_tidy(cell) for cell in cells], where)
        for at, cells, where in found
        if any(cell.strip() for cell in cells) and row in (None, at + 1)
    ]
    if not found:
        where = f"no row {row}" if row else "no rows: it is empty"
        raise TableError(
            f"The file {source.name!r} has {where}.",
            rule=f"A row among the first {_ABOVE} names the columns, and each further one is a document.",
            remedy="Export it again with a header, and name its row with --header-row.",
        )
    rivals = {where: None for _, cells, where in found if wanted <= set(cells)}
    if sheets and len(rivals) > 1:
        raise TableError(
            f"The workbook {source.name!r} has these columns in more than one sheet: {', '.join(rivals)}.",
            rule="A table is one sheet of a workbook.",
            remedy="Name it: --sheet.",
        )
    return max(found, key=lambda each: (len(wanted & set(each[1])), -each[0], len(each[1])))


def _tidy(name: str) -> str:
    """A column's name without extra spaces and line breaks."""
    return " ".join(name.split())


def _check(layout: Layout) -> None:
    """Refuse options that work for no file."""
    layout.columns()
    if layout.delimiter is not None and (len(layout.delimiter) != 1 or layout.delimiter in '"\r\n\0 '):
        raise InvalidArgument(
            f"The delimiter {layout.delimiter!r} can't separate the fields of a line.",
            rule="A delimiter is one character, and no quote, space or line break.",
            remedy="Pass ',' or ';', or 'tab' for the tabulator.",
        )
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=layout.encoding or "utf-8")
    except LookupError as error:
        raise InvalidArgument(
            f"The file can't be read in this encoding: {error}.",
            rule="An encoding is one that Python knows.",
            remedy="Name it like --encoding cp1252.",
        ) from error
