"""The report on paper: the front page, the parts as tables, and warnings about missing fonts."""

from collections.abc import Mapping
from contextlib import closing
from datetime import date, datetime
from typing import IO, Any

from django.utils.translation import get_language, gettext as _, ngettext

from ledger.localization import day_told, moment_told, period_told, quantity, word
from ledger.reports.formats import Warn
from ledger.reports.paper import fonts as faces
from ledger.reports.paper.pages import GREEN, GREY, INK, MARGIN, RED, Paper, Table
from ledger.reports.report import Report
from ledger.reports.rows import Kind, Part

#: The most rows on paper: a PDF is built in memory, and nobody reads more. The PDF says in red how many it leaves out.
MAX_ROWS = 20_000

_SIZE = 6.8


def draw(report: Report, target: IO[bytes], warn: Warn) -> None:
    """Write the whole document."""
    header, fonts = report.header, faces.Fonts(faces.installed())
    foot = f"Folio {header.version} · {moment_told(header.made_at, header.made_at.tzinfo)} · {header.position}"
    sealed = str(header.sealed)
    feet = (foot, f"{sealed[:1].upper()}{sealed[1:]}")
    with closing(Paper(fonts, (str(report.title), f"{header.owner} · {header.series}"), feet)) as paper:
        _draw(paper, report, target, warn)


def _draw(paper: Paper, report: Report, target: IO[bytes], warn: Warn) -> None:
    header, fonts = report.header, paper.fonts_at_hand
    paper.set_creation_date(header.made_at)
    paper.set_title(str(report.title))
    paper.set_producer("Folio, with fpdf2")
    paper.set_lang(get_language() or "en")
    paper.add_page()
    _front(paper, report)
    left_out = 0
    for number, part in enumerate(report.parts):
        left_out += _part(paper, part)
        if number == 0:
            _signatures(paper)
    if left_out:
        said = ngettext(
            "%(n)s row is not on paper, which says so; the other formats have it.",
            "%(n)s rows are not on paper, which says so; the other formats have them all.",
            left_out,
        )
        warn(said % {"n": quantity(left_out)})
    paper.set_y(paper.get_y() + 3)
    for name in sorted(fonts.missing):
        # In Unicode, characters of all scripts, such as emoji, are Common.
        is_common = name == "Common"
        signs = _("some signs") if is_common else _("letters of the script %(name)s") % {"name": name}
        font = "Emoji" if is_common else f"Sans {name}"
        install = _(
            "No font of this machine has %(signs)s; boxes stand for them. "
            "Install one, such as Noto %(font)s, and make the report again."
        )
        warn(install % {"signs": signs, "font": font})
        said = _("Boxes stand for %(signs)s, for which there was no font.") % {"signs": signs}
        paper.paragraph(said, size=8, color=RED)
    target.write(paper.output())


def _front(paper: Paper, report: Report) -> None:
    paper.put(MARGIN, MARGIN, paper.inner_width, str(report.title), size=20, bold=True)
    lines = report.header.lines()
    rows, left = (len(lines) + 1) // 2, paper.inner_width * 0.38  # the right column is longer
    ends = [
        paper.facts(MARGIN + at, MARGIN + 13, width - 4, told)
        for at, width, told in ((0, left, lines[:rows]), (left, paper.inner_width - left, lines[rows:]))
    ]
    paper.set_y(max(ends) + 3)
    state = report.verdict.state.label
    told = [str(report.sentence), f"{state[:1].upper()}{state[1:]}."]
    if report.ok:
        told.append(_("Everything adds up: by the counters, and by the rows alone."))
    color = GREEN if report.is_green else INK if report.ok else RED
    for text in told:
        paper.paragraph(text, size=13, bold=True, color=color)
    paper.set_y(paper.get_y() + 1)
    for reason in report.reasons:
        y = paper.get_y()
        paper.put(MARGIN, y, 60, str(reason.title), size=8.5, color=GREY)
        color = RED if reason.good is False else INK
        paper.put(MARGIN + 60, y, paper.inner_width - 60, str(reason.text), size=8.5, bold=True, color=color)
        paper.set_y(y + 4.6)
    for problem in report.problems:
        paper.paragraph(str(problem), size=9, bold=True, color=RED)
    paper.set_y(paper.get_y() + 2)


def _signatures(paper: Paper) -> None:
    if paper.room() < 30:
        paper.add_page()
    y, third = paper.get_y() + 18, paper.inner_width / 3
    labels = (_("Prepared by (name, signature)"), _("Approved by (name, signature)"), _("Place and date"))
    for number, label in enumerate(labels):
        x = MARGIN + number * third
        paper.set_draw_color(*GREY)
        paper.line(x, y, x + third - 12, y)
        paper.put(x, y + 1, third - 12, label, size=7.5, color=GREY)
    paper.set_y(y + 10)


def _part(paper: Paper, part: Part) -> int:
    """Draw one part; returns how many of its rows were left out."""
    if paper.room() < 40:
        paper.add_page()
    paper.set_y(paper.get_y() + 3)
    paper.paragraph(str(part.title), size=13, bold=True)
    if part.note:
        paper.paragraph(str(part.note), size=7.5, color=GREY)
    paper.set_y(paper.get_y() + 1)
    shown = [(at, column) for at, column in enumerate(part.columns) if column.share and (at > 1 or not part.grouped)]
    columns = [column for _, column in shown]
    right = [column.kind in (Kind.WHOLE, Kind.VALUE) for column in columns]
    table = Table(paper, [column.title for column in columns], [column.share for column in columns], right, _SIZE)
    whose: tuple[str, ...] | None = None
    drawn = left_out = 0
    for cells in part.cells():
        if drawn == MAX_ROWS:
            left_out += 1
            continue
        if whose is None or (part.grouped and cells[:2] != whose):
            whose = cells[:2]
            heading = f"{whose[0]} · {period_told(whose[1])}" if part.grouped else ""
            paper.set_y(paper.get_y() + (3 if drawn else 0))
            table.begin(heading)
        red = any(cell is False for cell in cells)
        table.row([_text(cells[at], column.kind) for at, column in shown], red=red)
        drawn += 1
    if not drawn:
        paper.paragraph(_("None."), size=9)
    if left_out:
        said = ngettext(
            "%(n)s more row is not on paper. CSV, JSON and XLSX have it.",
            "%(n)s more rows are not on paper. CSV, JSON and XLSX have them all.",
            left_out,
        )
        paper.paragraph(said % {"n": quantity(left_out)}, size=9, bold=True, color=RED)
    return left_out


def _text(cell: Any, kind: Kind) -> str:
    if isinstance(cell, bool):
        return _("yes") if cell else _("NO")
    if isinstance(cell, int):
        return quantity(cell) if kind is Kind.WHOLE else str(cell)
    if isinstance(cell, datetime):
        return moment_told(cell, cell.tzinfo)
    if isinstance(cell, Mapping):
        stated = {name: value for name, value in sorted(cell.items()) if name != "cause" and value not in (None, "")}
        return "; ".join(f"{word(name.replace('_', ' '))}: {_text(value, Kind.TEXT)}" for name, value in stated.items())
    if isinstance(cell, date):
        return day_told(cell)
    if kind is Kind.PERIOD:
        return period_told(cell)
    return str(word(cell) if kind is Kind.WORD else cell or "")
