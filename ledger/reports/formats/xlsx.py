"""XLSX: a sheet for the header and one for each part, with real dates and numbers, written row by row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import IO, TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from ledger.localization import day_form, period_told, to_translate, word
from ledger.reports.formats import Format, Warn, needs
from ledger.reports.formats.cells import evidence_text, offset_text
from ledger.reports.report import Report
from ledger.reports.rows import Column, Kind, Part

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.worksheet import Worksheet

#: The most rows of a sheet, including the row of titles; further rows go to another sheet.
MAX_ROWS = 1_048_576
#: Characters that the name of a sheet can have.
MAX_NAME = 31
#: Characters that a cell can have.
MAX_TEXT = 32_767
# Excel has no earlier date; such a cell is a text.
_FIRST_DAY = date(1900, 3, 1)

#: Widths by kind, by default _WIDTH, and by name.
_WIDTHS = {Kind.WHOLE: 12, Kind.VALUE: 14, Kind.DAY: 12, Kind.MOMENT: 27, Kind.VERDICT: 10, Kind.EVIDENCE: 50}
_WIDTH = 22
_WIDE = {"reason": 50, "explanation": 50, "document": 28, "cause": 34, "period": 25}


_LOOKS: dict[Kind | str | timezone, dict[str, Any]] = {
    Kind.WHOLE: {"num_format": "#,##0"},
    Kind.VALUE: {"num_format": "0"},
    "title": {"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True},
    "label": {"bold": True},
    "heading": {"bold": True, "font_size": 16},
    "good": {"bold": True, "font_color": "#0B6B34"},
}


@dataclass(slots=True)
class _Looks:
    """The cell formats of one workbook by kind, plain and in red; those of moments by their offset."""

    book: "Workbook"
    made: "dict[tuple[Kind | str | timezone, bool], CellFormat]" = field(default_factory=dict)

    def of(self, kind: Kind | str | timezone, *, red: bool = False) -> "CellFormat":
        if (kind, red) not in self.made:
            properties = {"valign": "top", "font_name": "Arial", "font_size": 10, **_LOOKS.get(kind, {})}
            if kind is Kind.DAY:
                properties |= {"num_format": _day_form(), "align": "left"}
            if isinstance(kind, timezone):
                properties |= {"num_format": f'{_day_form()} hh:mm:ss "{offset_text(kind)}"', "align": "left"}
            if red:
                properties |= {"font_color": "#B00020", "bg_color": "#FDE7EA", "bold": True}
            self.made[(kind, red)] = self.book.add_format(properties)
        return self.made[(kind, red)]


def _day_form() -> str:
    """The date format: the language's own, if that has only digits."""
    form = day_form() if set(day_form()) <= set("dmY./-") else "Y-m-d"
    return "".join({"d": "dd", "m": "mm", "Y": "yyyy"}.get(sign, sign) for sign in form)


def write(report: Report, target: IO[bytes], warn: Warn) -> None:
    """The whole workbook; its rows wait in temporary files, not in memory."""
    try:
        from xlsxwriter import Workbook
    except ModuleNotFoundError as error:
        raise needs("XlsxWriter") from error
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        made_at = report.header.made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        book.set_properties({"title": str(report.title), "comments": report.header.version, "created": made_at})
        looks = _Looks(book)
        _header(book.add_worksheet(_("Report")), report, looks)
        for part in report.parts:
            _part(book, part, looks)


def _header(sheet: "Worksheet", report: Report, looks: _Looks) -> None:
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, str(report.title), looks.of("heading"))
    verdict = looks.of("good" if report.is_green else Kind.TEXT, red=not report.ok)
    plain, red = looks.of(Kind.TEXT), looks.of(Kind.TEXT, red=True)
    told = [(label, text, plain) for label, text in report.header.lines()]
    told += [(_("State"), report.verdict.state.label, verdict), (_("Numbers"), report.sentence, verdict)]
    told += [(reason.title, reason.text, red if reason.good is False else plain) for reason in report.reasons]
    told += [("", problem, red) for problem in report.problems]
    for at, (label, text, look) in enumerate(told, 2):
        if label:
            sheet.write_string(at, 0, str(label), looks.of("label"))
        sheet.write_string(at, 1, str(text), look)


def _part(book: "Workbook", part: Part, looks: _Looks) -> None:
    columns = part.columns
    sheet = _sheet(book, part, 1, looks)
    at, number = 1, 1
    for cells in part.cells():
        if at == MAX_ROWS:
            sheet.autofilter(0, 0, at - 1, len(columns) - 1)
            number += 1
            sheet, at = _sheet(book, part, number, looks), 1
        red = any(cell is False for cell in cells)
        for position, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            _write(sheet, at, position, column, cell, looks, red=red)
        at += 1
    sheet.autofilter(0, 0, max(at - 1, 1), len(columns) - 1)


def _sheet(book: "Workbook", part: Part, number: int, looks: _Looks) -> "Worksheet":
    ending = "" if number == 1 else f" ({number})"
    sheet = book.add_worksheet(f"{str(part.title)[: MAX_NAME - len(ending)]}{ending}")
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L&F&C&A&R{_('Page')} &P / &N")
    for position, column in enumerate(part.columns):
        sheet.set_column(position, position, _WIDE.get(column.name, _WIDTHS.get(column.kind, _WIDTH)))
        sheet.write_string(0, position, column.title, looks.of("title"))
    return sheet


def _write(sheet: "Worksheet", at: int, position: int, column: Column, cell: Any, looks: _Looks, *, red: bool) -> None:
    """One cell. A text is always written as a text, so nothing that somebody typed can become a formula or a link."""
    look = looks.of(column.kind, red=red)
    if cell is None:
        sheet.write_blank(at, position, None, look)
    elif isinstance(cell, bool):
        sheet.write_string(at, position, _("yes") if cell else _("NO"), look)
    elif isinstance(cell, int) and abs(cell) < 10**15:  # beyond, Excel would round it
        sheet.write_number(at, position, cell, look)
    elif isinstance(cell, datetime):
        # A cell has no time zone, so its number format shows the offset.
        look = looks.of(timezone(cell.utcoffset() or timedelta(0)), red=red)
        sheet.write_datetime(at, position, cell.replace(tzinfo=None, microsecond=0), look)
    elif isinstance(cell, date) and cell >= _FIRST_DAY:
        sheet.write_datetime(at, position, cell, look)
    else:
        told = {Kind.WORD: word, Kind.PERIOD: period_told}.get(column.kind, str)
        text = evidence_text(cell) if isinstance(cell, Mapping) else str(told(cell))
        if len(text) > MAX_TEXT:
            cut = _("… (cut here; the JSON file has it all)")
            text = text[: MAX_TEXT - len(cut)] + cut
        sheet.write_string(at, position, text, look)


_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMAT = Format("xlsx", to_translate("Excel workbook"), ".xlsx", _TYPE, streams=False, write=write)
