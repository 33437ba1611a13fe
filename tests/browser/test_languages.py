"""The main pages in other languages: their longer words have room, on a desk's screen and on a phone's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_admin import fits, shoot
from tests.browser.test_pages import accessible, berlin, start
from tests.integration.pages import Shop

__all__ = ["berlin", "start"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("de", {"overview": "Übersicht", "period": "storniert", "register": "gültig", "gap": "Lücke"}),
        ("pt-br", {"overview": "Visão geral", "period": "cancelado", "register": "válido", "gap": "acuna"}),
    ],
)
def test_pages_in_other_languages(
    page: Page, start: str, berlin: Shop, settings: Any, screenshots: Path, code: str, words: dict[str, str]
) -> None:
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = code, True
    period = f"period/{berlin.period.pk}"
    pages = {
        "overview": "?tenant=berlin",
        "period": f"{period}/",
        "gap": f"{period}/5/",
        "register": "register/?tenant=berlin",
        "findings": "findings/?tenant=berlin",
        "void": f"{period}/1/void/",
    }
    for name, path in pages.items():
        page.goto(start + path)
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("main")).to_contain_text(words.get(name, "B-2026" if name == "void" else ""))
        shoot(page, screenshots, f"{code}-{name}")
        fits(page)
    accessible(page)
    # A step of the number line leads to its values, whatever separates thousands.
    page.goto(f"{start}{period}/")
    page.locator(".steps a").first.click()
    expect(page.locator("h1")).to_contain_text("B-2026-0001")
