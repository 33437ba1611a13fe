"""The languages: every text that people see is marked and translated; programs read English in each of them."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from babel.messages.catalog import Catalog
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.template.base import Lexer, TokenType
from django.test import Client
from django.utils.translation import override

from ledger.localization import day_told, numbers_told, period_told, quantity
from ledger.reports.formats import formats
from ledger.reports.report import continuity_report
from ledger.site import settings as site_settings
from tests import messages
from tests.integration.pages import addresses, client, shop
from tests.integration.reporting import eventful, pdf_text

LEDGER = messages.LEDGER
CODES = [language.replace("_", "-").lower() for language in messages.LANGUAGES]


class TestCatalogues:
    @pytest.mark.parametrize("language", messages.LANGUAGES)
    def test_say_everything_and_keep_what_stands_in_the_texts(self, language: str) -> None:
        catalogue, wanted = messages.catalogue_of(language), messages.template()
        known = {(one.id, one.context) for one in catalogue if one.id}
        assert known == {(one.id, one.context) for one in wanted if one.id}, "run python -m tests.messages"
        wrong = [fault for one in catalogue if one.id for fault in faults(one)]
        assert not wrong

    def test_are_those_of_the_stand_alone_site(self) -> None:
        assert [code for code, _ in site_settings.LANGUAGES] == ["en", *CODES]

    @pytest.mark.parametrize("language", messages.LANGUAGES)
    def test_are_compiled(self, language: str) -> None:
        path = messages.po_file(language).with_suffix(".mo")
        assert path.read_bytes() == messages.compiled(messages.catalogue_of(language)), "run python -m tests.messages"

    def test_faults_are_found(self) -> None:
        made = Catalog(locale="de")
        for original, translation in (
            ("%(n)s values", "%(m)s Werte"),
            ("in <code>a</code>", "in a"),
            ("All", ""),
            ("Say so", 'Sagen Sie "ja"'),
        ):
            assert list(faults(made.add(original, translation))), original
        assert list(faults(made.add(("%(n)s value", "%(n)s values"), ("%(n)s Wert", ""))))
        assert list(faults(made.add("void", "storniert", flags=["fuzzy"])))
        assert not list(faults(made.add("%(a)s of %(b)s", "%(b)s: %(a)s")))


def faults(one: Any) -> Iterator[tuple[str, str]]:
    """The mistakes in a translation: the original, and why."""
    originals = one.id if isinstance(one.id, tuple) else (one.id,)
    translations = one.string if isinstance(one.string, tuple | list) else (one.string,)
    if one.fuzzy:
        yield originals[0], "fuzzy"
    for text in translations or ("",):
        if not text:
            yield originals[0], "missing"
            continue
        # A plural form may leave the number out: "one value".
        kept = [sorted(_KEPT.findall(original)) for original in originals]
        if sorted(_KEPT.findall(text)) not in kept:
            yield originals[0], f"placeholders or markup: {text}"
        if '"' in text and not any('"' in original for original in originals):
            yield originals[0], f"a quotation mark ends an attribute: {text}"


_KEPT = re.compile(r"%\(\w+\)s|%[sd%]|</?\w+[^>]*>")


class _Visible(HTMLParser):
    """The texts of a page that people see, without code."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"input", "br", "meta", "link", "img", "path"}:
            self.within.append(tag)
        self.texts += [value for name, value in attrs if value and name in _SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"code", "script", "style"} & set(self.within):
            self.texts.append(data)


_SPOKEN = {"aria-label", "title", "placeholder", "data-title", "alt"}
_WORD = re.compile(r"[A-Za-z]{2}")


class TestEveryTextIsMarked:
    @pytest.mark.parametrize("path", sorted((LEDGER / "templates").rglob("*.html")), ids=lambda path: path.stem)
    def test_in_templates(self, path: Path) -> None:
        assert unmarked_html(path.read_text(encoding="utf-8")) == []

    @pytest.mark.parametrize(
        "path",
        sorted(
            path
            for room in ("web", "admin", "reports", "reports/formats", "reports/paper", "judging", "templatetags")
            for path in (LEDGER / room).glob("*.py")
            # Programs read these.
            if path.stem not in {"prometheus", "metrics", "decorators", "csv_tables", "json_document"}
            and not path.stem.endswith("sql")
        ),
        ids=lambda path: f"{path.parent.name}-{path.stem}",
    )
    def test_in_python(self, path: Path) -> None:
        assert unmarked_python(path.read_text(encoding="utf-8")) == []

    def test_what_is_not_is_found(self) -> None:
        assert unmarked_html("{% load i18n %}<p>{% translate 'All' %} of them</p>") == ["of them"]
        assert unmarked_html('<p aria-label="All of them">{{ one }}</p>') == ["All of them"]
        assert unmarked_html("<code>manage.py</code> · Folio") == []
        assert unmarked_python('x = Question(title="Add a range")') == ["Add a range"]
        assert unmarked_python('told = f"{n} values are left"') == ["values are left"]
        assert unmarked_python('x = forms.CharField(max_length=3)\ny = _("Add a range")') == ["forms.CharField"]

    @pytest.mark.django_db(transaction=True)
    def test_on_the_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a language that puts each text in brackets, no text of Folio's own is outside of them."""
        made = shop("berlin", "B")
        reader = client("reader", "view_entry", "view_findingraised", "view_sweeprun", "void_number", "explain_gap")
        from django.utils.translation import trans_real

        trans_real.gettext("")
        monkeypatch.setattr("django.utils.translation._trans.gettext", _bracketed)
        monkeypatch.setattr("django.utils.translation._trans.pgettext", lambda context, text: _bracketed(text))
        monkeypatch.setattr("django.utils.translation._trans.ngettext", lambda one, many, n: _bracketed(many))
        outside: dict[str, str] = {}
        for name in ("overview", "series", "rules", "period", "register", "number", "gaps", "alarms", "findings"):
            for address, query in addresses(made)[name][:1]:
                page = _Visible()
                page.feed(reader.get(address, query).content.decode())
                whole = "\n".join(page.texts)
                for _depth in range(4):
                    whole = re.sub(r"⟦[^⟦⟧]*⟧", "", whole)
                outside |= {text.strip(): address for text in whole.splitlines() if _WORD.search(text)}
        left = {text: where for text, where in outside.items() if "secret" not in text and not _OURS.search(text)}
        assert not left


#: What no language changes: names, keys, codes and units.
_OURS = re.compile(
    r"^[·\s]*(Folio|reader|berlin|invoice|postgres|UTC|sweep|PDF|JSON|B-[\d{].*|document-text|year|serial"
    r"|(B-2026-\d+|invoice)? *· berlin( · Folio)?|· (berlin|sweep).*)[·\s]*$"
)


def _bracketed(text: str) -> str:
    return f"⟦{text}⟧" if text else ""


def unmarked_html(source: str) -> list[str]:
    """The texts of a template outside of Django's tags for translation."""
    kept, inside = [], False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK:
            inside = token.contents.split()[0] in {"blocktranslate", "plural"}
        elif token.token_type is TokenType.TEXT and not inside:
            kept.append(token.contents)
    page = _Visible()
    page.feed("".join(kept))
    texts = (text.strip() for text in page.texts)
    return [text for text in texts if _WORD.search(text) and text.strip("· ") not in _BRAND]


#: The name, an example of a month, and classes of the admin.
_BRAND = {"Folio", "2026-11", "app- model- ledger-confirm"}

#: Calls whose texts aren't for people, or which Django shows as they are.
_UNSEEN = {
    *messages.MARKS,
    "ngettext",
    "not_granted",
    "Format",
    "format_html",
    "format_html_join",
    "getattr",
    "replace",
}


def unmarked_python(source: str) -> list[str]:
    """Texts for people that no function marks, and form fields whose labels Django would make of their names."""
    tree = ast.parse(source)
    passed: set[int] = set()
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in _UNSEEN or name.endswith(("Error", "exception")) or name.startswith("Invalid"):
                passed |= {id(child) for child in ast.walk(node)}
            if name.endswith("Field") and ast.unparse(node.func).startswith("forms."):
                found += [] if any(word.arg == "label" for word in node.keywords) else [ast.unparse(node.func)]
        if isinstance(node, ast.Raise):
            passed |= {id(child) for child in ast.walk(node)}
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            passed.add(id(body[0].value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            text = node.value.strip()
            is_text = re.search(r"[a-z]{2,} [a-z(]", text) and not re.search(r"SELECT|FROM |WHERE|[<{]|^\(", text)
            if is_text and text not in _NO_TEXTS:
                found.append(text)
    return found


#: Keys that other words express, and what libraries read.
_NO_TEXTS = {"left out", "never used", "not used yet", "Folio, with fpdf2", "whole number", "repeatable read"}
#: What an alarm says, which stands in the ledger in one language.
_NO_TEXTS |= {"The rules", "are broken,", "manage.py ledger_rules tells more."}


class TestWords:
    @pytest.mark.parametrize(
        ("code", "day", "count", "span"),
        [
            ("en", "2026-11-30", "1,234,567", "2026-01-01 to 2026-12-31"),
            ("de", "30.11.2026", "1.234.567", "01.01.2026 bis 31.12.2026"),
            ("fr", "30/11/2026", "1\xa0234\xa0567", None),
            ("pt-br", "30/11/2026", "1.234.567", None),
        ],
    )
    def test_dates_and_quantities_are_the_languages(self, code: str, day: str, count: str, span: str | None) -> None:
        from datetime import date

        with override(code):
            assert day_told(date(2026, 11, 30)) == day
            assert quantity(1_234_567) == count
            assert span is None or period_told("2026-01-01 to 2026-12-31") == span

    @pytest.mark.parametrize("code", CODES)
    def test_one_is_not_told_as_many(self, code: str) -> None:
        with override(code):
            one, many = (numbers_told(valid=n, void=0, missing=0) for n in (1, 2))
            assert one.replace("1", "2") != many
            assert "missing" not in many

    def test_a_word_of_one_is_not_that_of_many(self) -> None:
        with override("pt-br"):
            told = numbers_told(valid=7, void=1, missing=2)
        assert "1 cancelado," in told
        assert "7 válidos" in told


@pytest.mark.django_db(transaction=True)
class TestPages:
    def test_are_told_in_the_readers_language(self, settings: Any) -> None:
        made = shop("berlin", "B")
        reader = client("reader", "view_entry", "view_findingraised")
        settings.LANGUAGE_CODE = "de"
        page = reader.get(f"/ledger/period/{made.period.pk}/").content.decode()
        assert '<html lang="de">' in page
        for told in ("storniert", "Lücken", "Nächste Nummer", "01.03.2026", "01.01.2026 bis 31.12.2026"):
            assert told in page, told
        for left in ("Next number", "Voids", "of 2026-"):
            assert left not in page, left
        assert "gültig" in reader.get("/ledger/register/", {"tenant": "berlin"}).content.decode()

    def test_filters_ask_for_the_same_in_each_language(self, settings: Any) -> None:
        shop("berlin", "B")
        reader = client("reader", "view_entry", "view_findingraised")
        settings.LANGUAGE_CODE = "pt-br"
        page = reader.get("/ledger/gaps/", {"tenant": "berlin", "gaps-state": "explained"}).content.decode()
        assert '<option value="explained" selected>' in page
        assert "B-2026-0005" in page
        assert "B-2026-0009" not in page

    def test_addresses_and_values_are_not_grouped(self, settings: Any) -> None:
        made = shop("berlin", "B")
        type(made.period).objects.filter(pk=made.period.pk).update(last_value=123_456)
        settings.USE_THOUSAND_SEPARATOR, settings.LANGUAGE_CODE = True, "de"
        page = client("reader", "view_entry").get(f"/ledger/period/{made.period.pk}/").content.decode()
        assert "123.4" in page
        shown = re.findall(r'(?:href|value|d|viewBox)="([^"]*)"', page)
        assert not [text for text in shown if re.search(r"\d\.\d{3}(?!\d)", text) and not text.startswith("M")]

    def test_the_admin_too(self, settings: Any) -> None:
        shop("berlin", "B")
        User.objects.create_superuser("root", password="x")
        keeper = Client()
        keeper.force_login(User.objects.get(username="root"))
        settings.LANGUAGE_CODE = "de"
        page = keeper.get("/admin/ledger/entry/").content.decode()
        for told in ("Nummernkreis", "storniert", "Beleg"):
            assert told in page, told


@pytest.mark.django_db(transaction=True)
class TestFiles:
    def test_the_report_on_paper_is_the_readers(self) -> None:
        eventful()
        with override("de"):
            file = written("pdf")
        assert b"/Lang (de)" in file
        text = pdf_text(file)
        for told in ("storniert", "fehlend", "Unternehmen", "Seite 1 von"):
            assert told.casefold() in text.casefold(), told
        assert pypdfium2.PdfDocument(file).get_metadata_dict()["Title"] != "Continuity of numbers"

    @pytest.mark.parametrize("name", ["csv", "json"])
    def test_programs_read_the_same_in_each_language(self, name: str) -> None:
        eventful()
        english = written(name)
        for code in CODES:
            with override(code):
                assert written(name) == english, code

    def test_programs_read_the_same_in_the_package_and_from_commands(self, settings: Any) -> None:
        eventful()
        settings.LANGUAGE_CODE = "de"
        told = client("reader", "view_entry").get("/ledger/package/", {"tenant": "shop", "month": "2026-02"})
        with zipfile.ZipFile(io.BytesIO(b"".join(told.streaming_content))) as archive:  # type: ignore[attr-defined]
            report = json.loads(archive.read("report.json"))
            register = list(csv.DictReader(io.StringIO(archive.read("register.csv").decode("utf-8-sig"))))
            assert "storniert" in archive.read("CONTENTS.txt").decode()
        assert "void" in report["sentence"]
        assert {"valid", "void", "missing"} >= {line["state"] for line in register} - {"reserved"}
        output = io.StringIO()
        with suppress(CommandError):  # gaps are to be explained
            call_command("ledger_rules", "--json", stdout=output)
        assert json.loads(output.getvalue())["series"][0]["series"] == "bill"


def written(name: str) -> bytes:
    """The report of the shop in one format, made at a fixed moment."""
    from tests.integration.reporting import PINNED

    target = io.BytesIO()
    with continuity_report(tenant="shop", made_at=PINNED, made_by="ada") as report:
        formats()[name].write(report, target, lambda warning: None)
    return target.getvalue()
