"""The questions that people come with: each answer is read off a page, after few clicks from the overview."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import transaction
from playwright.sync_api import Locator, Page, expect

from ledger import define_series, issue, void
from ledger.models import GapExplained, Period
from ledger.sweeps import registry
from tests.browser.test_admin import on_a_desk
from tests.browser.test_pages import EVERYTHING, accessible, log_in
from tests.integration.pages import flag, shop, user

pytestmark = pytest.mark.django_db(transaction=True)


class Visitor:
    """Somebody who begins at the overview; each click is counted, and so is each line that is filled in and sent."""

    def __init__(self, page: Page, start: str) -> None:
        self.page, self.clicks = page, 0
        page.goto(start)

    def click(self, target: Locator) -> None:
        with self.page.expect_event("load"):
            target.click()
        self.clicks += 1

    def link(self, name: str) -> None:
        self.click(self.page.get_by_role("link", name=name).first)

    def button(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name).first)


@pytest.fixture
def visitor(page: Page, live_server: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A shop with 38 numbers: 35 need an explanation, one is void. A second shop differs from its books."""
    monkeypatch.setattr(registry, "_sweeps", {})
    define_series("invoice", org="berlin", template="I-{year}-{counter:04}", time_zone="UTC")
    for day, gaps in ((date(2026, 3, 30), 20), (date(2026, 4, 1), 15)):
        with transaction.atomic():
            issue("invoice", org="berlin", document=f"order:{day}", on=day)
        for _ in range(gaps):
            flag(Period.objects.get(), "card")
    with transaction.atomic():
        last = issue("invoice", org="berlin", document="order:last", on=date(2026, 4, 2))
    void(last, reason="payment reversed", by="ruth")
    shop("cairo", "C")
    for tenant in ("dresden", "essen"):
        define_series("invoice", org=tenant, template="I-{year}-{counter:04}", time_zone="UTC")
    user("maria", *EVERYTHING)
    log_in(page, live_server, "maria")
    return Visitor(page, f"{live_server.url}/ledger/")


def row(visitor: Visitor, tenant: str) -> Locator:
    return visitor.page.locator("#series tbody tr").filter(has_text=tenant)


def test_is_every_number_of_the_month_accounted_for(visitor: Visitor) -> None:
    visitor.click(row(visitor, "berlin").get_by_role("link", name="invoice", exact=True))
    visitor.page.locator("#month").fill("2026-03")
    visitor.click(visitor.page.locator("main form", has=visitor.page.locator("#month")).get_by_role("button"))
    expect(visitor.page.locator(".told")).to_contain_text("21 numbers: 1 valid, 0 void, 20 missing (20 to explain).")
    assert visitor.clicks <= 3
    accessible(visitor.page)


def test_what_must_i_explain_and_all_of_it_is_explained(visitor: Visitor) -> None:
    visitor.link("35 missing values are not explained")
    expect(visitor.page.locator("#gaps, tbody").first).to_contain_text("I-2026-0002")
    assert visitor.clicks <= 3
    visitor.button("Explain all 35 that match")
    accessible(visitor.page)
    visitor.page.get_by_label("Reason").fill("incident 17: the card terminal was offline")
    visitor.button("Explain them")
    expect(visitor.page.get_by_role("status")).to_contain_text("Done: 35.")
    assert visitor.clicks <= 5
    assert GapExplained.objects.filter(tenant="berlin").count() == 35


def test_what_differs_from_the_books(visitor: Visitor) -> None:
    visitor.link("1 difference from the books is unresolved")
    sides = visitor.page.locator(".sides")
    expect(sides).to_contain_text("C-2026-0010")
    expect(sides).to_contain_text("nothing in cairo-secret books")
    assert visitor.clicks <= 3
    accessible(visitor.page)


def test_who_voided_it_and_why(visitor: Visitor) -> None:
    visitor.click(row(visitor, "berlin").get_by_role("link", name="berlin"))
    visitor.page.get_by_role("searchbox", name="Find").fill("I-2026-0038")
    visitor.click(visitor.page.get_by_role("search").get_by_role("button"))
    expect(visitor.page.locator("ol.story")).to_contain_text("ruth")
    expect(visitor.page.locator("ol.story")).to_contain_text("payment reversed")
    assert visitor.clicks <= 3


@on_a_desk
def test_what_do_i_hand_to_the_auditor(visitor: Visitor) -> None:
    visitor.click(row(visitor, "berlin").get_by_role("link", name="invoice", exact=True))
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("link", name="Package of all series").click()
        visitor.clicks += 1
    with ZipFile(BytesIO(waiting.value.path().read_bytes())) as archive:
        assert "38 numbers: 2 valid, 1 void, 35 missing" in archive.read("CONTENTS.txt").decode()
        assert {"report.pdf", "report.xlsx", "register.csv", "report.json"} <= set(archive.namelist())
    assert visitor.clicks <= 3


def test_which_tenant_needs_me_now(visitor: Visitor) -> None:
    rows = visitor.page.locator("#series tbody tr")
    expect(rows.first).to_contain_text("cairo")
    expect(rows.first).to_contain_text("differs from the books")
    expect(rows.nth(1)).to_contain_text("berlin")
    expect(visitor.page.locator(".tally")).to_contain_text("4 tenants")
    assert visitor.clicks == 0
    accessible(visitor.page)
