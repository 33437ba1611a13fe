"""What each page of ``document.py`` is drawn with: head and foot, texts in any script, tables with repeated heads."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uharfbuzz  # noqa: F401  (shapes scripts whose letters join; without it they would come out wrong)
from django.utils.translation import gettext
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from ledger.localization import lazily
from ledger.reports.paper.fonts import Fonts

MARGIN = 12.0
_FOOT = 14.0
_LINE = 1.36  # of the size of the letters
_POINT = 25.4 / 72
_GAP = 1.2  # mm on either side of what stands in a cell
_SMALLEST = 0.72  # of the size of a table's letters: smaller titles can't be read

INK, GREY, RED, GREEN, NAVY = (28, 32, 38), (105, 112, 122), (176, 0, 32), (11, 107, 52), (31, 58, 95)
_STRIPE, _RULE, _ROSE = (246, 248, 250), (208, 214, 222), (253, 231, 234)

# The placeholder for the number of pages until that is known, as wide as a number may be. It has control characters,
# which no drawn text has, so that no typed text is replaced.
_PAGES = "\x01\x02" * 3

_CUT = lazily("… (JSON has it all)")

Color = tuple[int, int, int]


class Paper(FPDF):
    """A document in landscape A4. ``fonts.missing`` collects the scripts that no font has."""

    def __init__(self, fonts: Fonts, head: tuple[str, str], foot: tuple[str, str]) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self.fonts_at_hand = fonts
        self._head, self._foot = head, foot
        self._widths: dict[tuple[str, str], float] = {}
        self._families: dict[Path, str] = {}
        self._covered: set[str] = set()
        self.c_margin = 0
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(auto=False)
        self.alias_nb_pages(_PAGES)
        faces = fonts.text_faces()
        if faces is None:
            self._family, self._known = "helvetica", frozenset(range(32, 127)) | frozenset(range(160, 256))
        else:
            self._family = "text"
            self.add_font("text", "", faces[0])
            self.add_font("text", "B", faces[1])
            self._known = fonts.characters(faces[0]) & fonts.characters(faces[1])

    def close(self) -> None:
        """Close the font files, which fpdf reads until the document is written."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    # Pages

    @property
    def inner_width(self) -> float:
        """The width between the margins, in mm."""
        return float(self.w - 2 * MARGIN)

    def header(self) -> None:
        if self.page_no() > 1:
            self.put(MARGIN, 7, self.inner_width, self._head[0], size=7.5, color=GREY)
            self.put(MARGIN, 7, self.inner_width, self._head[1], size=7.5, color=GREY, align="R")
            self.rule(12)
        self.set_y(16 if self.page_no() > 1 else MARGIN)

    def footer(self) -> None:
        self.rule(self.h - 11)
        self.put(MARGIN, self.h - 9.5, self.inner_width - 42, self._foot[0], size=7, color=GREY)
        self.put(MARGIN, self.h - 6, self.inner_width, self._foot[1], size=7, color=GREY)
        pages = gettext("Page %(n)s of %(all)s") % {"n": self.page_no(), "all": _PAGES}
        self._plain("", 7)
        self.set_text_color(*GREY)
        self.set_xy(MARGIN + self.inner_width - 40, self.h - 9.5)
        self.cell(40, 7 * _LINE * _POINT, pages, align="R")

    def rule(self, y: float) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.2)
        self.line(MARGIN, y, self.w - MARGIN, y)

    def room(self) -> float:
        """The height that is left on the page, in mm."""
        return float(self.h - _FOOT - self.get_y())

    # Texts

    def put(self, x: float, y: float, width: float, text: str, *, size: float, color: Color = INK, **how: Any) -> None:
        """One line at a place; a text that is too long for the width is cut."""
        lines = self.wrapped(text, width, size, bold=how.get("bold", False))
        self.set_text_color(*color)
        self._draw(x, y, width, lines[0] if lines else "", size, **how)

    def facts(self, x: float, y: float, width: float, told: Sequence[tuple[str, str]]) -> float:
        """Labels and their texts, one below the other; returns where the last one ends."""
        size = 8.5
        aside = 4 + max(self._width(self._drawable(label), size, bold=False) for label, _ in told)
        for label, text in told:
            self.put(x, y, aside, label, size=size, color=GREY)
            for line in self.wrapped(text, width - aside, size, bold=True) or [""]:
                self.put(x + aside, y, width - aside, line, size=size, bold=True)
                y += size * _LINE * _POINT
            y += 0.9
        return y

    def paragraph(self, text: str, *, size: float, bold: bool = False, color: Color = INK) -> None:
        """Lines over the whole width, from the current position."""
        for line in self.wrapped(text, self.inner_width, size, bold=bold):
            if self.room() < size * _LINE * _POINT:
                self.add_page()
            self.set_text_color(*color)
            y = self.get_y()
            self._draw(MARGIN, y, self.inner_width, line, size, bold=bold)
            self.set_y(y + size * _LINE * _POINT)

    def wrapped(self, text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
        """The lines of a text, broken at white space; words that are too long break anywhere."""
        lines: list[str] = []
        for paragraph in self._drawable(text).splitlines():
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}" if line else word
                if self._width(longer, size, bold=bold) <= width:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *whole, line = self._broken(word, width, size, bold=bold)
                lines += whole
            lines.append(line)
        return lines

    def _broken(self, word: str, width: float, size: float, *, bold: bool) -> list[str]:
        pieces, piece = [], ""
        if self._width(word, size, bold=bold) <= width:
            return [word]
        for character in word:
            # A mark stays with the letter that it belongs to.
            is_mark = unicodedata.category(character).startswith("M")
            if piece and not is_mark and self._width(piece + character, size, bold=bold) > width:
                pieces.append(piece)
                piece = ""
            piece += character
        return [*pieces, piece]

    def _drawable(self, text: str) -> str:
        """The text with a box for each character that no font has, and without those that can't be drawn."""
        if text.isascii() and text.isprintable():
            return text
        return "".join(map(self._drawable_character, text))

    def _drawable_character(self, character: str) -> str:
        if character in "\n\r" or ord(character) in self._known or character in self._covered:
            return character
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs"):
            # Joiners shape the letters around them, so they stay; the others become spaces.
            return character if character in "\u200c\u200d" and self._families else " "
        face = self.fonts_at_hand.face_for(character)
        if face is None:
            return "\u25a1" if 0x25A1 in self._known else "?"
        if self._family == "helvetica":
            # fpdf falls back from one embedded font to another, never from a built-in one.
            self._family, self._known = "text", self.fonts_at_hand.characters(face)
            self.add_font("text", "", face)
            self.add_font("text", "B", face)
            self._widths.clear()
        elif face not in self._families:
            self._families[face] = f"more{len(self._families)}"
            self.add_font(self._families[face], "", face)
            self.add_font(self._families[face], "B", face)
        self._covered |= set(map(chr, self.fonts_at_hand.characters(face)))
        return character

    def _width(self, text: str, size: float, *, bold: bool) -> float:
        style, widths = "B" if bold else "", self._widths
        if self._is_simple(text):
            # Without shaping, a text is as wide as its letters.
            for character in {character for character in text if (style, character) not in widths}:
                self._plain(style, 10)
                widths[style, character] = self.get_string_width(character) / 10
            return sum(widths[style, character] for character in text) * size
        self._rich(style, size)
        return float(self.get_string_width(text))

    def wide(self, word: str, size: float) -> float:
        """How wide a word is in bold, in mm."""
        return self._width(self._drawable(word), size, bold=True)

    def _plain(self, style: str, size: float) -> None:
        self.set_font(self._family, style, size)
        self.set_text_shaping(False)
        self.set_fallback_fonts([])

    def _rich(self, style: str, size: float) -> None:
        self.set_font(self._family, style, size)
        self.set_text_shaping(self._family != "helvetica")
        self.set_fallback_fonts(list(self._families.values()), exact_match=False)

    def _draw(
        self, x: float, y: float, width: float, line: str, size: float, *, bold: bool = False, align: str = "L"
    ) -> None:
        style = "B" if bold else ""
        if self._is_simple(line):
            # Most texts; fpdf's cells take five times as long.
            indent = width - self._width(line, size, bold=bold) if align == "R" else 0
            self._plain(style, size)
            self.text(x + indent, y + size * _POINT * 1.03, line)
            return
        self._rich(style, size)
        self.set_xy(x, y)
        self.cell(width, size * _LINE * _POINT, line, align=align, new_x=XPos.LEFT, new_y=YPos.TOP)

    def _is_simple(self, text: str) -> bool:
        """Whether the text needs no shaping, and the main font has all of its letters."""
        return text.isascii() or all(
            ord(character) in self._known
            and (character < "\u0300" or "\u0370" <= character < "\u0530" or character in "·–—…")
            for character in text
        )


class Table:
    """A table over the whole width, from the current position; drawn row by row, with its head on each page."""

    def __init__(
        self, paper: Paper, titles: Sequence[str], shares: Sequence[float], right: Sequence[bool], size: float
    ) -> None:
        self.paper, self.titles, self.right, self.size = paper, titles, right, size
        words = [max(paper.wide(word, size) for word in [*title.split(), ""]) for title in titles]
        self.widths = _widths(paper.inner_width, shares, [word * _SMALLEST + 2 * _GAP + 0.3 for word in words])
        # The largest size at which no word of a title is broken.
        room = [(width - 2 * _GAP - 0.2) / word for word, width in zip(words, self.widths, strict=True) if word]
        self.title_size = size * max(_SMALLEST, min(1.0, *room))
        self.step = size * _LINE * _POINT
        self.heading, self.striped = "", False

    def begin(self, heading: str) -> None:
        """Draw the head below a heading, which is repeated with it, and keep room for a row."""
        self.heading, self.striped = heading, False
        lines = self._lines(self.titles, self.title_size, bold=True)
        if self.paper.room() < self._height(lines) + 4 * self.step:
            self.paper.add_page()
        if heading:
            self.paper.paragraph(heading, size=8.5, bold=True)
            self.paper.set_y(self.paper.get_y() + 0.6)
        self._row(lines, self.title_size, bold=True, ink=(255, 255, 255), fill=NAVY)

    def row(self, cells: Sequence[str], *, red: bool) -> None:
        """Draw one row; if there is no room left, on a new page below a new head."""
        lines = self._lines(cells, self.size, bold=red)
        most = int((self.paper.h - _FOOT - 40) / self.step)
        lines = [cell if len(cell) <= most else [*cell[: most - 1], str(_CUT)] for cell in lines]
        if self.paper.room() < self._height(lines):
            self.paper.add_page()
            self.begin(self.heading)
        fill = _ROSE if red else _STRIPE if self.striped else None
        self._row(lines, self.size, bold=red, ink=RED if red else INK, fill=fill)
        self.striped = not self.striped

    def _lines(self, cells: Sequence[str], size: float, *, bold: bool) -> list[list[str]]:
        pairs = zip(cells, self.widths, strict=True)
        return [self.paper.wrapped(cell, width - 2 * _GAP, size, bold=bold) for cell, width in pairs]

    def _height(self, lines: list[list[str]]) -> float:
        return max(1, *map(len, lines)) * self.step + _GAP

    def _row(self, lines: list[list[str]], size: float, *, bold: bool, ink: Color, fill: Color | None) -> None:
        paper, x, y, height = self.paper, MARGIN, self.paper.get_y(), self._height(lines)
        if fill is not None:
            paper.set_fill_color(*fill)
            paper.rect(x, y, paper.inner_width, height, style="F")
        paper.set_text_color(*ink)
        for cell, width, right in zip(lines, self.widths, self.right, strict=True):
            for number, line in enumerate(cell):
                at: dict[str, Any] = {"bold": bold, "align": "R" if right else "L"}
                top = y + _GAP / 2 + number * self.step
                paper._draw(x + _GAP, top, width - 2 * _GAP, line, size, **at)
            x += width
        paper.set_y(y + height)


def _widths(whole: float, shares: Sequence[float], least: Sequence[float]) -> list[float]:
    """Shares of the whole width. A column that would be too narrow gets its minimum; the others share the rest."""
    narrow: set[int] = set()
    while True:
        room = whole - sum(least[at] for at in narrow)
        total = sum(share for at, share in enumerate(shares) if at not in narrow)
        widths = [least[at] if at in narrow else room * share / total for at, share in enumerate(shares)]
        found = {at for at, width in enumerate(widths) if width < least[at] and at not in narrow}
        if not found or len(narrow | found) == len(shares):
            return widths
        narrow |= found
