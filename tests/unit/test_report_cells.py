"""No cell of a spreadsheet runs as a formula, and each font is asked which letters it has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.reports.formats.cells import cell_text, neutralised
from ledger.reports.paper.fonts import Fonts, installed


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1+1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "'=1",
        "x;=1+1",
        "x\t@SUM(A1)",
    ],
)
def test_what_could_begin_a_formula_is_shown_as_a_text(text: str) -> None:
    shown = neutralised(text)
    sign = next(place for place, sign in enumerate(shown) if sign in "=+-@＝＋－＠")
    assert shown[:sign].rstrip().endswith("'") or shown.startswith("'")
    assert shown.replace("'", "") == text.replace("'", ""), "nothing is lost"


@pytest.mark.parametrize("text", ["", "INV-2026-000001", "a=b", "Müller & Söhne", "1-2"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert neutralised(text) == text


def test_cells_as_texts_lose_nothing() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    cells: tuple[object, ...] = (None, True, False, 7, date(2026, 1, 2), moment, {"b": 1, "a": "ü"}, {}, "text")
    assert [cell_text(cell) for cell in cells] == [
        "",
        "yes",
        "no",
        "7",
        "2026-01-02",
        "2026-01-02T03:04:05.678901+00:00",
        '{"a": "ü", "b": 1}',
        "",
        "text",
    ]


class TestFonts:
    def test_a_letter_that_no_font_has_is_told_by_its_script(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.ttf"
        broken.write_bytes(b"no font at all")
        fonts = Fonts([broken])
        assert fonts.text_faces() is None
        assert fonts.face_for("न") is None
        assert fonts.face_for("漢") is None
        assert fonts.missing == {"Devanagari", "Han"}

    def test_a_face_is_one_that_has_the_letter(self) -> None:
        fonts = Fonts(installed())
        if fonts.text_faces() is None:
            pytest.skip("no font of this machine suits most texts: install fonts-dejavu or fonts-noto")
        face = fonts.face_for("é")
        assert face is not None
        assert ord("é") in fonts.characters(face)
        assert not fonts.missing
