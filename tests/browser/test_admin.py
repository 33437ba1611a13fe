"""What a person does in the admin, in a real browser."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from playwright.sync_api import Page, expect

from ledger import define_series, issue, void
from ledger.models import Entry, HoleReported, NumberVoided, Series
from tests.integration.queues import pooled, reserve, reserving, take

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse"

#: For what is the same on a phone.
on_a_desk = pytest.mark.parametrize("page", [1280], ids=["desktop"], indirect=True)


@pytest.fixture
def admin(page: Page, live_server: Any, transactional_db: None) -> str:
    """Log in; the address of the admin's first page."""
    User.objects.create_superuser("folio", password=PASSWORD)
    start = f"{live_server.url}/admin/"
    page.goto(start)
    page.get_by_label("Username").fill("folio")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Series", exact=True).first).to_be_visible()
    return start


@pytest.fixture
def entries(transactional_db: None) -> list[Entry]:
    """Twelve numbers, the second one void."""
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    with transaction.atomic():
        issued = [issue("invoice", document=f"order:{n}", on=date(2026, 3, n), by="checkout") for n in range(1, 13)]
        void(issued[1], reason="payment reversed", by="maria")
    return issued


def shoot(page: Page, folder: Path, name: str) -> None:
    """A picture of the whole page, if somebody asks for pictures (the fixture ``screenshots``)."""
    if not os.environ.get("FOLIO_SCREENSHOTS"):
        return
    size = page.viewport_size
    assert size is not None
    page.screenshot(path=folder / f"{name}-{size['width']}.png", full_page=True)


def fits(page: Page) -> None:
    """Nothing of the page itself lies beyond its right edge."""
    page.wait_for_load_state()  # a click may have led here a moment ago, and the page may be empty yet
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels too wide"


def test_the_next_number_changes_while_typing(page: Page, admin: str, screenshots: Path) -> None:
    page.goto(f"{admin}ledger/series/add/")
    preview = page.locator("#ledger-preview")
    expect(preview).to_contain_text("Type a template")
    page.get_by_label("Template").press_sequentially("R{fy_start}/{fy_end}-{counter:04}", delay=5)
    expect(preview.locator(".ledger-number").first).to_have_text(re.compile(r"^R\d{4}/\d{4}-0001$"))
    page.get_by_label("Calendar").select_option("fiscal-year")
    page.get_by_label("Fiscal start").fill("04-01")
    page.get_by_label("Start value").fill("7")
    expect(preview.locator(".ledger-number").first).to_have_text(re.compile(r"^R\d{4}/\d{4}-0007$"))
    expect(preview.locator(".ledger-label").last).to_have_text(re.compile(r"^From \d{4}-04-01$"))
    shoot(page, screenshots, "series-preview")
    fits(page)
    page.get_by_label("Code").fill("<img src=x onerror=alert(1)>")
    page.get_by_label("Template").fill("{series}-{year}-{counter}")
    expect(preview.locator(".ledger-number").first).to_contain_text("<img src=x onerror=alert(1)>")
    assert preview.locator("img").count() == 0


def test_a_refused_template_says_why_before_and_after_saving(page: Page, admin: str, screenshots: Path) -> None:
    page.goto(f"{admin}ledger/series/add/")
    page.get_by_label("Code").fill("invoice")
    template = page.get_by_label("Template")
    template.fill("INV-{counter:06}")
    preview = page.locator("#ledger-preview")
    expect(preview).to_contain_text("two periods would render the same number")
    expect(preview).to_contain_text("INV-{year}-{counter:06}")
    expect(preview).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist")).to_contain_text("two periods would render the same number")
    shoot(page, screenshots, "series-refused")
    fits(page)
    template.fill("INV-{year}-{counter:06}")
    expect(preview.locator(".ledger-number").first).to_have_text(re.compile(r"^INV-\d{4}-000001$"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    assert Series.objects.get().template == "INV-{year}-{counter:06}"
    shoot(page, screenshots, "series-list")


@on_a_desk
def test_a_late_answer_does_not_win(page: Page, admin: str) -> None:
    page.goto(f"{admin}ledger/series/add/")
    held: list[Any] = []
    page.route("**/preview/?*template=SLOW*", lambda route: held.append(route))
    with page.expect_request("**/preview/?*template=SLOW*"):
        page.get_by_label("Template").fill("SLOW-{year}-{counter}")
    page.get_by_label("Template").fill("FAST-{year}-{counter}")
    number = page.locator("#ledger-preview .ledger-number").first
    expect(number).to_have_text(re.compile("^FAST-"))
    held[0].abort()
    page.evaluate("new Promise(done => setTimeout(done))")  # whatever the page does about it is done before this
    expect(number).to_have_text(re.compile("^FAST-"))


@on_a_desk
def test_without_an_answer_the_preview_says_so(page: Page, admin: str) -> None:
    page.goto(f"{admin}ledger/series/add/")
    page.route("**/preview/?*", lambda route: route.fulfill(status=500, body="broken"))
    page.get_by_label("Template").fill("INV-{year}-{counter}")
    expect(page.locator("#ledger-preview")).to_contain_text("No preview just now")


def test_a_number_is_found_and_voided_with_a_reason(
    page: Page, admin: str, entries: list[Entry], screenshots: Path
) -> None:
    page.goto(f"{admin}ledger/entry/")
    shoot(page, screenshots, "entries")
    page.locator("#searchbar").fill("inv-2026-000003")
    page.locator("#searchbar").press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.locator("#result_list tbody input[type=checkbox]").check()
    page.get_by_label("Action:").select_option("void_selected")
    page.get_by_role("button", name=re.compile("^(Go|Run)")).click()
    expect(page.locator(".ledger-chosen")).to_contain_text("INV-2026-000003")
    page.get_by_role("button", name="Void").click()
    expect(page.locator(".errorlist")).to_contain_text("required")
    shoot(page, screenshots, "void-asked")
    fits(page)
    page.get_by_label("Reason").fill("payment reversed")
    page.get_by_role("button", name="Void").click()
    expect(page.locator(".messagelist")).to_contain_text("Void: INV-2026-000003.")
    expect(page.locator(".ledger-void")).to_have_text("void")
    assert NumberVoided.objects.get(entry__number="INV-2026-000003").actor == "folio"
    page.get_by_role("link", name="INV-2026-000003").click()
    expect(page.locator("body")).to_contain_text("payment reversed")
    shoot(page, screenshots, "entry")
    fits(page)


def test_a_refused_void_names_the_number(page: Page, admin: str, entries: list[Entry], screenshots: Path) -> None:
    page.goto(f"{admin}ledger/entry/?q=INV-2026-00000")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("void_selected")
    page.get_by_role("button", name=re.compile("^(Go|Run)")).click()
    page.get_by_label("Reason").fill("all of them")
    page.get_by_role("button", name="Void").click()
    expect(page.locator(".errorlist")).to_contain_text("INV-2026-000002")
    shoot(page, screenshots, "void-refused")
    fits(page)
    assert NumberVoided.objects.count() == 1


def test_a_period_is_closed(page: Page, admin: str, entries: list[Entry], screenshots: Path) -> None:
    page.goto(f"{admin}ledger/period/")
    shoot(page, screenshots, "periods")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("close_selected")
    page.get_by_role("button", name=re.compile("^(Go|Run)")).click()
    expect(page.get_by_label("Close a period that still runs")).to_be_visible()
    shoot(page, screenshots, "close-asked")
    fits(page)
    page.get_by_label("Close a period that still runs").check()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Closed: invoice 2026-01-01 to 2026-12-31.")


def test_what_waits_is_told(page: Page, admin: str, screenshots: Path) -> None:
    till = pooled()
    for value in (2, 4):
        take(till, value)
    for value in (1, 3):
        HoleReported.objects.create(tenant="", period=till, value=value)
    take(till, 1)
    kept = reserve(reserving(), "order:4711-with-a-long-name-and-no-place-to-break-it")
    page.goto(f"{admin}ledger/period/")
    expect(page.locator("#result_list")).to_contain_text("13 free")
    shoot(page, screenshots, "periods-waiting")
    page.get_by_role("link", name="1 reserved").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    shoot(page, screenshots, "reservations")
    page.get_by_role("link", name="S2026-1").click()
    expect(page.locator("body")).to_contain_text("order:4711")
    shoot(page, screenshots, "reservation")
    fits(page)
    page.goto(f"{admin}ledger/holereported/")
    expect(page.locator("#result_list")).to_contain_text("not healed yet")
    shoot(page, screenshots, "holes")
    page.goto(f"{admin}ledger/period/{till.pk}/change/")
    expect(page.locator("body")).to_contain_text("13 free")
    fits(page)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_claim_gap('', %s, %s, 'not committed', 'sweep', false)", [kept.period_id, kept.value]
        )
    page.goto(f"{admin}ledger/entry/?state=gap")
    page.get_by_role("link", name="S2026-1").click()
    expect(page.locator(".ledger-evidence").first).to_contain_text("not committed")
    expect(page.locator(".ledger-evidence").last).to_contain_text("order:4711")
    shoot(page, screenshots, "gap")
    fits(page)


def test_an_allocation_is_chosen(page: Page, admin: str, screenshots: Path) -> None:
    page.goto(f"{admin}ledger/series/add/")
    page.get_by_label("Code").fill("invoice")
    page.get_by_label("Template").fill("INV-{year}-{counter:06}")
    page.get_by_label("Allocation").select_option("pooled")
    page.get_by_label("Give back").uncheck()
    shoot(page, screenshots, "series-allocation")
    fits(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    assert Series.objects.values_list("allocation", "give_back").get() == ("pooled", False)
