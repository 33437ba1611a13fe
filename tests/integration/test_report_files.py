"""The continuity report as files: what a reader of each gets, and what nobody can smuggle into it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from contextlib import closing
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.db import transaction
from django.utils import translation

from ledger import define_series, issue, issue_many, void
from ledger.errors import ReportError
from ledger.localization import word
from ledger.models import Entry, Period
from ledger.reports.formats import format_named, formats, xlsx
from ledger.reports.formats.cells import neutralised, suspicious
from ledger.reports.formats.csv_tables import separated_by
from ledger.reports.formats.json_document import json_schema
from ledger.reports.paper import document, fonts
from ledger.reports.paper.fonts import Fonts, installed
from ledger.reports.report import continuity_report
from ledger.reports.rows import DeclaredGapRow, InProgressRow, PeriodRow, VoidRow, columns_of
from tests.integration.queues import reserve
from tests.integration.reporting import (
    PINNED,
    csv_tables,
    eventful,
    flagged,
    number,
    pdf as opened,
    pdf_text,
    sheets,
    unguarded,
    written,
)

pytestmark = pytest.mark.django_db(transaction=True)

ATTACK = "=cmd|' /C calc'!A0"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "guides" / "report.md"


def attacked() -> None:
    """A ledger in which every text that somebody can type begins a formula."""
    define_series("bill", org="=org", template="=B{year}-{counter}", time_zone="UTC")
    entry = number("bill", date(2026, 1, 1), org="=org", document="+document")
    void(entry, reason=ATTACK, by="@who", replacement="-other")


def _inks(file: bytes, color: str) -> bool:
    """Whether the first page has anything of the color."""
    with opened(file) as document:
        page = document[0]
        image = page.render(scale=1).to_pil().convert("RGB")
        page.close()
    found = [rgb for _, rgb in image.getcolors(1 << 24)]
    if color == "red":
        return any(red > 150 and green < 60 and blue < 80 for red, green, blue in found)
    return any(red < 60 and green > 90 and blue < 90 for red, green, blue in found)


class TestEveryFormat:
    @pytest.mark.parametrize("name", formats())
    def test_gives_the_same_bytes_twice(self, name: str) -> None:
        eventful()
        first, second = (written(name, tenant="shop", tax_id="DE1") for _ in range(2))
        assert first == second
        number("bill", date(2026, 2, 4), org="shop")
        assert written(name, tenant="shop", tax_id="DE1") != first

    def test_is_found_by_its_name(self) -> None:
        assert sorted(formats()) == ["csv", "json", "pdf", "xlsx"]
        with pytest.raises(ReportError, match="'odt' is unknown.*csv, json, pdf, xlsx"):
            format_named("odt")

    @pytest.mark.parametrize(("name", "module"), [("xlsx", "xlsxwriter"), ("pdf", "fpdf")])
    def test_says_what_to_install(self, name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setitem(sys.modules, module, None)
        for paper in ("pages", "document"):
            monkeypatch.delitem(sys.modules, f"ledger.reports.paper.{paper}", raising=False)
        with pytest.raises(ReportError, match=r"pip install 'django-folio\[reports\]'"):
            written(name, tenant="shop")


class TestJson:
    def test_is_what_its_schema_says(self) -> None:
        eventful()
        document = json.loads(written("json", tenant="shop"))
        schema = json_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())
        assert document["schema"] == "folio.continuity/1"
        assert document["header"]["made_at"] == "2026-11-21T17:30:00+05:30"
        assert [len(document["parts"][name]) for name in ("summary", "voids", "gaps", "in_progress")] == [1, 1, 3, 1]
        assert document["parts"]["gaps"][0]["before_on"] == "2026-01-31"
        assert document["parts"]["gaps"][0]["evidence"]["reservation"]["actor"] == "checkout"
        del document["parts"]["gaps"][0]["cause"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)

    @pytest.mark.parametrize("row", [PeriodRow, VoidRow, DeclaredGapRow, InProgressRow])
    def test_each_column_is_documented(self, row: Any) -> None:
        text = DOCS.read_text(encoding="utf-8")
        assert [column.name for column in columns_of(row) if f"`{column.name}`" not in text] == []

    def test_says_what_is_wrong(self) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("DELETE FROM ledger_entry WHERE value = 8")
        document = json.loads(written("json", tenant="shop"))
        assert (document["ok"], document["parts"]["summary"][0]["adds_up"]) == (False, False)
        assert "do not add up" in document["problems"][0]


class TestCsv:
    def test_is_a_table_for_each_part(self) -> None:
        eventful()
        tables = csv_tables(written("csv", tenant="shop"))
        assert list(tables) == ["header", "summary", "voids", "gaps", "in_progress", "dating", "series", "settings"]
        assert {"what": "State", "is": "unexplained"} in tables["header"]
        assert tables["summary"][0]["expected"] == "8"
        gap = tables["gaps"][2]
        assert (gap["start"], gap["end"], gap["before_number"], gap["after_on"]) == (
            "6",
            "6",
            "B2026-005",
            "2026-02-03",
        )
        assert json.loads(gap["evidence"])["cause"] == "not committed"

    def test_runs_nothing(self) -> None:
        attacked()
        tables = csv_tables(written("csv", tenant="=org"))
        (row,) = tables["voids"]
        assert row["reason"] == "'" + ATTACK
        assert (row["number"], row["document"]) == ("'=B2026-1", "'+document")
        assert (row["voided_by"], row["replacement"]) == ("'@who", "'-other")
        assert {"what": "Company", "is": "'=org"} in tables["header"]

    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("=1+1", "'=1+1"),
            ("x;=1+1", "x;'=1+1"),
            ("x;=1+1;\t@SUM(A1)", "x;'=1+1;'\t'@SUM(A1)"),
            ('x"; "-2', 'x";\' "-2'),
            ("\n=1", "'\n'=1"),
            ("\ttab", "'\ttab"),
            ("two, -5 EUR", "two, -5 EUR"),
            ("INV-1; 3 < 4", "INV-1; 3 < 4"),
        ],
    )
    def test_no_cell_is_a_formula_whatever_a_spreadsheet_parts_cells_by(self, text: str, safe: str) -> None:
        assert neutralised(text) == safe
        assert safe == text or suspicious(["1", text])
        for separator in ";\t|":
            for cell in safe.replace("\n", separator).split(separator):
                assert not cell.lstrip(' "').startswith(("=", "@", "-")), (separator, cell)

    def test_another_separator(self) -> None:
        eventful()
        out = BytesIO()
        with continuity_report(tenant="shop") as report:
            separated_by(";").write(report.only("gaps"), out, print)
        first, second = out.getvalue().decode("utf-8-sig").splitlines()[:2]
        assert first.startswith("series;period;start;end;count")
        assert second.startswith("bill;2026-01-01 to 2026-12-31;3;3;1;B2026-003")

    def test_what_one_row_needs_is_done_among_many(self) -> None:
        """Rows are looked at by the hundred."""
        define_series("bill", template="B{counter}", calendar="never", time_zone="UTC")
        with transaction.atomic():
            issue_many("bill", documents=["a", "b;=1+1", "=c"], on=date(2026, 1, 1))
        out = BytesIO()
        with continuity_report() as report:
            format_named("csv").write(report.only("register"), out, print)
        rows = list(csv.DictReader(StringIO(out.getvalue().decode("utf-8-sig"))))
        assert [row["document"] for row in rows] == ["a", "b;'=1+1", "'=c"]


class TestXlsx:
    def test_has_real_dates_and_numbers_heads_that_stay_and_filters(self) -> None:
        eventful()
        found = sheets(written("xlsx", tenant="shop"))
        assert list(found)[:5] == ["Report", "Summary", "Void numbers", "Missing numbers", "Numbers in progress"]
        gaps = found["Missing numbers"]
        assert 'state="frozen"' in gaps
        assert '<autoFilter ref="A1:R4"/>' in gaps
        assert gaps.count('customWidth="1"') > 3
        # 2026-01-31 is day 46053 of Excel; the value and the count are numbers too.
        assert re.search(r'<c r="I2" s="\d+"><v>46053</v></c>', gaps)
        assert re.search(r'<c r="C2" s="\d+"><v>3</v></c>', gaps)
        assert re.search(r'<c r="H2" s="\d+" t="inlineStr"><is><t>B2026-002</t>', gaps)
        # A moment as the clock shows it in Kolkata, a fraction of a day.
        assert re.search(r'<c r="H2" s="\d+"><v>\d{5}\.\d+</v></c>', found["Void numbers"])

    def test_runs_nothing(self) -> None:
        attacked()
        found = sheets(written("xlsx", tenant="=org"))
        assert not [name for name, xml in found.items() if "<f>" in xml or "<hyperlink" in xml]
        assert re.search(r't="inlineStr"><is><t>=cmd\|', found["Void numbers"])

    def test_a_moment_bears_its_offset(self) -> None:
        eventful()
        assert "&quot;+05:30&quot;" in sheets(written("xlsx", tenant="shop"))["styles"]

    def test_the_register_goes_on_on_another_sheet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setattr(xlsx, "MAX_ROWS", 6)
        out = BytesIO()
        with continuity_report(tenant="shop") as report:
            format_named("xlsx").write(report.only("register"), out, print)
        found = sheets(out.getvalue())
        both = [found["Register of numbers"], found["Register of numbers (2)"]]
        assert [len(re.findall(r'<row r="', xml)) for xml in both] == [6, 4]

    def test_goes_on_on_another_sheet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setattr(xlsx, "MAX_ROWS", 3)
        found = sheets(written("xlsx", tenant="shop"))
        both = [found["Missing numbers"], found["Missing numbers (2)"]]
        assert [len(re.findall(r'<row r="', xml)) for xml in both] == [3, 2]
        assert "B2026-006" in both[1]
        assert all("<t>Explanation</t>" in xml and "<autoFilter" in xml for xml in both)

    def test_cuts_no_text_in_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setattr(xlsx, "MAX_TEXT", 60)
        assert "the JSON file has it all" in sheets(written("xlsx", tenant="shop"))["Missing numbers"]

    def test_shows_in_red_what_does_not_add_up(self) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("DELETE FROM ledger_entry WHERE value = 8")
        found = sheets(written("xlsx", tenant="shop"))
        assert "do not add up" in found["Report"]
        (style,) = re.findall(r'<c r="\w+" s="(\d+)" t="inlineStr"><is><t>NO</t>', found["Summary"])
        look = re.findall(r"<xf [^>]*>", found["styles"].split("<cellXfs")[1])[int(style)]
        font = re.findall(r"<font>.*?</font>", found["styles"])[int(re.findall(r'fontId="(\d+)"', look)[0])]
        assert "FFB00020" in font


class TestPdf:
    def test_has_a_summary_to_sign_and_numbered_pages(self) -> None:
        eventful()
        file = written("pdf", tenant="shop", tax_id="DE123456789")
        text = pdf_text(file)
        for words in ("DE123456789", "Unexplained.", "Approved by", "B2026-008", "card refused", "wrong address"):
            assert words in text
        with opened(file) as document:
            assert f"Page {len(document)} of {len(document)}" in text

    def test_no_date_is_broken_over_two_lines(self) -> None:
        eventful()
        series = define_series("nfe", org="shop", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
        number("nfe", date(2026, 12, 30), org="shop")
        flagged(Period.objects.get(series=series))
        number("nfe", date(2026, 12, 30), org="shop")
        text = pdf_text(written("pdf", tenant="shop"))
        assert "2026-12-30" in text
        assert not re.search(r"\b\d{4}-(\d\d-\d?)?(?=\s)", text)

    @pytest.mark.parametrize("language", ["de", "es", "fr", "pt-br"])
    def test_breaks_no_word_of_a_title_in_any_language(self, language: str) -> None:
        eventful()
        with translation.override(language):
            text = pdf_text(written("pdf", tenant="shop"))
            titles = [told.title for row in (PeriodRow, VoidRow) for told in columns_of(row)[2:] if told.share]
            titles.append(str(word("unexplained")))
        assert [one for title in titles for one in title.split() if one not in text] == []

    def test_repeats_the_heads_of_a_table_on_each_page(self) -> None:
        define_series("bill", template="B{year}-{counter}", time_zone="UTC")
        for _ in range(40):
            void(number("bill", date(2026, 1, 1)), reason="a long reason, in many words, " * 12)
        file = written("pdf")
        with opened(file) as document:
            pages = len(document)
        assert pages > 3
        # The last ones belong to the parts after it.
        assert pdf_text(file).count("Replaced by") >= pages - 3
        assert pdf_text(file).count("bill · 2026-01-01 to 2026-12-31") >= pages - 1

    def test_says_in_red_what_does_not_add_up(self) -> None:
        eventful()
        with unguarded() as cursor:
            cursor.execute("DELETE FROM ledger_entry WHERE value = 8")
        file = written("pdf", tenant="shop")
        assert "Lost or tampered." in pdf_text(file)
        assert "Everything adds up" not in pdf_text(file)
        assert (_inks(file, "red"), _inks(file, "green")) == (True, False)

    def test_is_green_only_where_nothing_is_open(self) -> None:
        series = define_series("bill", template="B{year}-{counter}", time_zone="UTC", allocation="reserved")
        number("bill", date(2026, 1, 1))
        assert (_inks(written("pdf"), "red"), _inks(written("pdf"), "green")) == (False, True)
        reserve(Period.objects.get(series=series), on=date(2026, 1, 2))
        file = written("pdf")
        assert "2 numbers: 1 valid, 0 void, 0 missing, 1 in progress." in pdf_text(file)
        assert not _inks(file, "green")

    def test_has_no_more_rows_than_somebody_reads_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        eventful()
        monkeypatch.setattr(document, "MAX_ROWS", 2)
        warnings: list[str] = []
        text = pdf_text(written("pdf", tenant="shop", warnings=warnings))
        assert "1 more row is not on paper" in text
        assert warnings == ["3 rows are not on paper, which says so; the other formats have them all."]

    def test_joins_letters_from_right_to_left(self) -> None:
        arabic = Fonts([path for path in installed() if "Bold" not in path.name]).face_for("ع")
        if arabic is None:
            pytest.skip("no font of this machine has Arabic letters")
        with transaction.atomic():
            entry = issue("ticket", on=date(2026, 1, 1), document="فاتورة")
        void(Entry.objects.get(pk=entry.pk), reason="عنوان خاطئ")
        warnings: list[str] = []
        file = written("pdf", warnings=warnings)
        assert warnings == []
        shown = pdf_text(file)
        # Each letter is mapped back to what was typed, whatever its shape; what is stored is one shape after the other
        # from left to right, hence the last letter first.
        assert "عنوان" in shown or "عنوان"[::-1] in shown

    def test_shapes_letters_as_their_neighbours_want_them(self) -> None:
        fonts_at_hand = Fonts(installed())
        if fonts_at_hand.text_faces() is None or fonts_at_hand.face_for("ع") is None:
            pytest.skip("no font of this machine has Arabic letters")
        from ledger.reports.paper.pages import Paper

        with closing(Paper(fonts_at_hand, ("", ""), ("", ""))) as paper:
            paper.add_page()
            assert paper.wrapped("ععع", 100, 10) == ["ععع"]
            joined = paper._width("ععع", 10, bold=False)
            assert joined != pytest.approx(3 * paper._width("ع", 10, bold=False))

    def test_warns_of_a_script_without_a_font_and_does_not_guess(self, monkeypatch: pytest.MonkeyPatch) -> None:
        latin = [path for path in installed() if path.name.startswith(("DejaVuSans.", "DejaVuSans-Bold."))]
        monkeypatch.setattr(fonts, "installed", lambda: latin)
        void(number("ticket", date(2026, 1, 1), document="आदेश"), reason="गलत पता")
        warnings: list[str] = []
        text = pdf_text(written("pdf", warnings=warnings))
        assert [re.findall(r"script (\w+)", warning) for warning in warnings] == [["Devanagari"]]
        assert "Boxes stand for letters of the script Devanagari" in text

    def test_signs_of_no_script_want_no_font_of_that_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        latin = [path for path in installed() if path.name.startswith(("DejaVuSans.", "DejaVuSans-Bold."))]
        monkeypatch.setattr(fonts, "installed", lambda: latin)
        void(number("ticket", date(2026, 1, 1)), reason="fallen \N{RECEIPT}")
        warnings: list[str] = []
        assert "Boxes stand for some signs" in pdf_text(written("pdf", warnings=warnings))
        assert ["Noto Emoji" in warning for warning in warnings] == [True]

    def test_without_any_font_it_is_latin_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fonts, "installed", list)
        void(number("ticket", date(2026, 1, 1), document="order:1"), reason="zurück an Müller – Привет")
        warnings: list[str] = []
        text = pdf_text(written("pdf", warnings=warnings))
        assert "zurück an Müller" in text
        assert [re.findall(r"some signs|script \w+", warning) for warning in warnings] == [
            ["some signs"],
            ["script Cyrillic"],
        ]

    def test_a_text_that_looks_like_a_placeholder_stays_as_it_is(self) -> None:
        void(number("ticket", date(2026, 1, 1)), reason="{nb} **not bold** \\ (bracket")
        text = pdf_text(written("pdf"))
        assert "{nb} **not bold** \\ (bracket" in text, text


def test_the_fonts_are_found_without_fontconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    faces = installed()
    if not faces:
        pytest.skip("this machine has no fonts")
    shutil.copy(faces[0], tmp_path / faces[0].name)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path, tmp_path / "missing"])
    assert installed() == [tmp_path / faces[0].name]


def test_made_at_may_be_pinned() -> None:
    eventful()
    assert PINNED.isoformat() == "2026-11-21T12:00:00+00:00"
    assert json.loads(written("json", tenant="shop"))["header"]["made_at"].startswith("2026-11-21T17:30:00")
