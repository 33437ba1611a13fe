"""Folio's own pages in a real browser: every page, form and export, at two widths, light and dark, with axe-core."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import transaction
from playwright.sync_api import Dialog, Page, expect

from ledger import define_series, issue_many, open_period, void
from ledger.actions import explain
from ledger.models import AlarmRaised, Entry, FindingAcknowledged, GapExplained, NumberVoided, Period, Series
from ledger.reconciliation import BookSettings
from ledger.reports.formats import formats
from ledger.sweeps import registered
from ledger.sweeps.running import run
from tests.browser.test_admin import PASSWORD, fits, on_a_desk, shoot
from tests.integration.pages import SCRIPT, Shop, flag, shop, user
from tests.integration.paper_books import PaperSystem
from tests.integration.queues import pooled, reserve, reserving, take
from tests.integration.reporting import pdf_pages

pytestmark = pytest.mark.django_db(transaction=True)

ACTING = ("void_number", "explain_gap", "acknowledge_finding", "acknowledge_alarm", "read_books")
EVERYTHING = ("view_entry", "view_findingraised", "view_sweeprun", *ACTING)

#: The colours, and the rules of axe-core that are asked in them: in the dark, those about colours.
SCHEMES: tuple[tuple[Literal["dark", "light"], dict[str, Any]], ...] = (
    ("dark", {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}),
    ("light", {}),
)

#: How files of each kind begin.
_BEGIN = {".pdf": b"%PDF-", ".zip": b"PK\x03\x04", ".xlsx": b"PK\x03\x04", ".json": b"{", ".csv": b"\xef\xbb\xbf"}


@pytest.fixture
def berlin(transactional_db: None) -> Shop:
    """A shop with a bit of everything, beside queues where values wait."""
    made = shop("berlin", "B")
    till = pooled(org="berlin")
    for value in (1, 2, 5):
        take(till, value)
    reserve(reserving(org="berlin"), "order:4711-with-a-long-name-and-no-place-to-break-it")
    define_series("nota", org="berlin", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
    with transaction.atomic():
        issue_many("nota", documents=["nota:1"], org="berlin", on=date(2026, 3, 1))
    flag(Period.objects.get(series__code="nota"), "card", date(2026, 3, 2))
    run("flag_gaps")
    return made


@pytest.fixture
def start(page: Page, live_server: Any, settings: Any, berlin: Shop) -> Iterator[str]:
    """Logs in as somebody who may do everything, and returns the address of the pages. No request leaves it."""
    settings.LOGIN_URL = "/admin/login/"
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    user("maria", *EVERYTHING)
    log_in(page, live_server, "maria")
    yield f"{live_server.url}/ledger/"
    assert asked
    assert all(url.startswith((live_server.url, "data:")) for url in asked), "a request to another host"
    # The browser reports here what the policy refuses.
    assert not [text for text in said if "Content Security Policy" in text], said


def log_in(page: Page, live_server: Any, name: str) -> None:
    """By a login's cookie."""
    from django.conf import settings as project
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username=name))
    cookie = client.cookies[project.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": project.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])


def accessible(page: Page) -> None:
    """Nothing serious for axe-core, and nothing beyond the right edge."""
    for scheme, rules in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        serious = [
            (rule["id"], rule["impact"], [node["html"][:200] for node in rule["nodes"]][:3])
            for rule in violations(page, rules)
            if rule["impact"] in ("serious", "critical", "moderate")
        ]
        assert not serious, f"{page.url} ({scheme}): {json.dumps(serious, indent=1)}"
    fits(page)
    # On a phone the rows of a table are cards, so nothing of them is beyond the edge either.
    beyond = "[...document.querySelectorAll('.wide')].some(one => one.scrollWidth > one.clientWidth)"
    assert not page.evaluate(f"innerWidth < 500 && {beyond}"), f"{page.url}: a table is cut"


def violations(page: Page, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """What axe-core finds; a page that was asked before has it already."""
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], **rules})
    return list(found["violations"])


def pictures(page: Page, folder: Path, name: str) -> None:
    """Light and dark pictures, for people to look at."""
    page.emulate_media(color_scheme="dark")
    shoot(page, folder, f"{name}-dark")
    page.emulate_media(color_scheme="light")
    shoot(page, folder, name)


def receipts(shop: Shop) -> int:
    """Gives the shop a series of a thousand numbers; the id of its period."""
    define_series("receipt", org=shop.tenant, template="RCP-{year}-{counter:06}", time_zone="Europe/Berlin")
    with transaction.atomic():
        for day in range(40):
            sold = [f"sale:{day}-{n}" for n in range(10 + 7 * (day % 5))]
            issue_many("receipt", documents=sold, org=shop.tenant, on=date(2026, 1, 1) + timedelta(day * 3))
    return Period.objects.get(tenant=shop.tenant, series__code="receipt").pk


def test_every_page_is_accessible_and_fits(page: Page, start: str, berlin: Shop, screenshots: Path) -> None:
    period, nota = f"period/{berlin.period.pk}", Series.objects.get(code="nota").pk
    alarm = {"kind": "void-too-early", "rule": 5, "problem": "The void is older than its number.", "remedy": "Ask."}
    AlarmRaised.objects.create(tenant="berlin", series="invoice", subject="1" * 64, **alarm)
    pages = {
        "overview": ("?tenant=berlin", "invoice"),
        "series": (f"series/{berlin.series.pk}/", "2026-01-01"),
        "period": (f"{period}/", "The number line"),
        "receipts": (f"period/{receipts(berlin)}/", "The number line"),
        "zoomed": (f"{period}/?from=4&to=6", "3 values"),
        "number": (f"{period}/2/", "Declared void"),
        "gap": (f"{period}/5/", "Flagged as a gap"),
        "void": (f"{period}/1/void/", "This can't be taken back"),
        "gaps": ("gaps/?tenant=berlin&gaps-state=all", "berlin-secret cause"),
        "explain": (f"gaps/explain/?tenant=berlin&gap=e{berlin.gaps[1].pk}", "Explain a gap"),
        "alarms": ("alarms/?tenant=berlin", "broken: 1 alarm"),
        "register": ("register/?tenant=berlin", "B-2026-0010"),
        "register-missing": ("register/?tenant=berlin&register-state=missing&month=2026-03", "berlin-secret cause"),
        "rules": (f"series/{nota}/rules/", "overdue"),
        "ranges": ("ranges/?tenant=berlin", "Authorised ranges"),
        "books": ("books/?tenant=berlin", "Books in a file"),
        "findings": ("findings/?tenant=berlin", "unresolved"),
        "acknowledge": (f"findings/acknowledge/?tenant=berlin&finding={berlin.finding.pk}", "Acknowledge a finding"),
        "workers": ("workers/", "flag_gaps"),
        "find": ("find/?tenant=berlin&find-q=nothing", "Nothing was found for"),
        "missing": ("period/999999/", "Not found"),
    }
    for name, (path, text) in pages.items():
        page.goto(start + path)
        expect(page.locator("main")).to_contain_text(text)
        pictures(page, screenshots, f"pages-{name}")
        accessible(page)


#: Longer than anything that a page has room for on one line.
LONG = "Gesellschaft-fuer-Abrechnung-und-Verwaltung-mbH-und-Compagnie-" * 2


def test_long_names_numbers_and_reasons_have_room(
    page: Page, live_server: Any, transactional_db: None, screenshots: Path
) -> None:
    """Nothing is beyond the edge, and no cell is so narrow that its text stands letter by letter."""
    made = shop(f"tenant-{LONG}"[:120], "RECHNUNG-DER-ZENTRALEN-BUCHHALTUNG", code=f"code-{LONG}"[:90], mark=LONG)
    user("maria", *EVERYTHING)
    log_in(page, live_server, "maria")
    period = f"period/{made.period.pk}"
    pages = {
        "overview": "",
        "series": f"series/{made.series.pk}/",
        "period": f"{period}/",
        "number": f"{period}/2/",
        "void": f"{period}/1/void/",
        "gaps": "gaps/?gaps-state=all",
        "alarms": "alarms/?alarms-state=acknowledged",
        "findings": "findings/",
        "register": "register/",
    }
    for name, path in pages.items():
        page.goto(f"{live_server.url}/ledger/{path}")
        expect(page.locator("main")).to_contain_text(LONG[:40])
        pictures(page, screenshots, f"long-{name}")
        accessible(page)
        cells = "[...document.querySelectorAll('td, dd')].filter(one => one.innerText.length > 12)"
        assert not page.evaluate(f"{cells}.filter(one => one.clientWidth < 60).map(one => one.innerText)"), name
        beyond = "[...document.querySelectorAll('.wide')].map(one => one.scrollWidth - one.clientWidth)"
        assert max(page.evaluate(beyond), default=0) <= 1, f"{name}: a table is cut"


def test_the_line_leads_down_to_one_number(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}period/{receipts(berlin)}/")
    expect(page.locator(".line .ends")).to_contain_text("960 values, the whole period")
    for _ in range(3):
        with page.expect_event("load"):
            page.locator(".steps a").nth(3).click()
    expect(page.locator("h1.number")).to_have_text(re.compile(r"^RCP-2026-\d{6}$"))
    page.get_by_role("link", name="→").click()
    expect(page.locator("ol.story")).to_contain_text("Issued")


def test_it_works_by_keyboard_alone(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}period/{berlin.period.pk}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    step = page.locator(".steps a").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if step.evaluate("here => here === document.activeElement"):
            break
    expect(step).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1.number")).to_have_text("B-2026-0001")


def test_filters_and_sorting(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}period/{berlin.period.pk}/")
    gaps = page.get_by_role("region", name="Table of gaps").locator("tbody tr")
    expect(gaps).to_have_count(2)
    page.locator("#gaps-state").select_option("unexplained")
    page.locator("form", has=page.locator("#gaps-state")).get_by_role("button", name="Filter").click()
    expect(gaps).to_have_count(1)
    expect(gaps).to_contain_text("B-2026-0009")
    page.goto(f"{start}gaps/?tenant=berlin&gaps-state=all&gaps-sort=-value")
    expect(page.locator("tbody tr").first).to_contain_text("B-2026-0009")
    page.get_by_role("searchbox", name="Find").fill("berlin-secret:3")
    page.get_by_role("search").get_by_role("button").click()
    expect(page.locator("h1.number")).to_have_text("B-2026-0003")


def test_gaps_are_explained(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}gaps/?tenant=berlin&gaps-state=all")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Explain the chosen").click()
    expect(page.locator("h1")).to_have_text("Explain 3 gaps")
    page.get_by_label("Reason").fill("   ")
    page.get_by_role("button", name="Explain them").click()
    expect(page.get_by_role("alert")).to_contain_text("required")
    accessible(page)
    page.get_by_label("Reason").fill("incident 17: the card terminal was offline")
    page.get_by_role("button", name="Explain them").click()
    expect(page.get_by_role("status")).to_contain_text("Done: 3.")
    said = GapExplained.objects.filter(explanation__startswith="incident 17")
    gaps = Entry.objects.filter(kind="gap", tenant="berlin")
    assert set(said.values_list("actor", "entry")) == {("maria", gap.pk) for gap in gaps}


def test_a_number_is_declared_void(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}period/{berlin.period.pk}/3/")
    page.get_by_role("link", name="Declare it void").click()
    expect(page.locator("h1")).to_have_text("Declare B-2026-0003 void")
    page.get_by_label("Reason").fill("returned")
    page.get_by_label("Replacement").fill("CN-2026-1")
    page.get_by_role("button", name="Declare it void").click()
    expect(page.locator("ol.story")).to_contain_text("Declared void")
    expect(page.get_by_role("link", name="Declare it void")).to_have_count(0)
    void = NumberVoided.objects.get(entry=berlin.entries[2])
    assert (void.reason, void.replacement, void.actor) == ("returned", "CN-2026-1", "maria")


def test_a_finding_is_acknowledged(page: Page, start: str, berlin: Shop) -> None:
    page.goto(f"{start}findings/?tenant=berlin")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Acknowledge the chosen").click()
    page.get_by_label("Reason").fill("entered by hand")
    page.get_by_role("button", name="Acknowledge it").click()
    expect(page.get_by_role("status")).to_contain_text("Done: 1.")
    said = FindingAcknowledged.objects.get()
    assert (said.finding, said.reason, said.actor) == (berlin.finding, "entered by hand", "maria")


@on_a_desk
def test_every_export_is_downloaded(page: Page, start: str, berlin: Shop, tmp_path: Path) -> None:
    page.goto(f"{start}period/{berlin.period.pk}/")
    links = page.locator(".exports a")
    assert links.count() == len(formats()) + 3
    for number in range(links.count()):
        with page.expect_download() as waiting:
            links.nth(number).click()
        name = waiting.value.suggested_filename
        assert name.startswith(("berlin_invoice_2026-01-01", "berlin_2026-01-01")), name
        target = tmp_path / name
        waiting.value.save_as(target)
        head = target.read_bytes()[:5]
        expected = {
            ".pdf": b"%PDF-",
            ".zip": b"PK\x03\x04",
            ".xlsx": b"PK\x03\x04",
            ".json": b"{",
            ".csv": b"\xef\xbb\xbf",
        }
        assert head.startswith(expected[target.suffix]), name
        if target.suffix == ".zip":
            assert {"voids.csv", "CONTENTS.txt"} & set(zipfile.ZipFile(target).namelist())


@on_a_desk
def test_what_people_typed_is_never_run(page: Page, live_server: Any, transactional_db: None) -> None:
    evil = shop(SCRIPT, "E", code=SCRIPT, mark=SCRIPT)
    user("maria", *EVERYTHING)
    log_in(page, live_server, "maria")
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    period = f"period/{evil.period.pk}"
    for path in ("", f"series/{evil.series.pk}/", f"{period}/", f"{period}/2/", f"{period}/5/", "gaps/", "findings/"):
        page.goto(f"{live_server.url}/ledger/{path}")
        expect(page.locator("main")).to_contain_text(SCRIPT)
        assert page.locator("script").count() == 0
    assert not dialogs


def test_an_auditor_sees_no_forms_and_no_other_tenant(
    page: Page, live_server: Any, berlin: Shop, screenshots: Path
) -> None:
    shop("mumbai", "M")
    user("auditor", sees=("berlin",))
    log_in(page, live_server, "auditor")
    page.goto(f"{live_server.url}/ledger/")
    expect(page.locator(".tenant")).to_have_text("berlin")
    pictures(page, screenshots, "pages-auditor")
    for path in ("", "gaps/?gaps-state=all", "findings/", f"period/{berlin.period.pk}/3/"):
        page.goto(f"{live_server.url}/ledger/{path}")
        assert page.get_by_role("checkbox").count() == 0
        assert page.get_by_role("link", name="Declare it void").count() == 0
        expect(page.locator("body")).not_to_contain_text("mumbai")
        expect(page.get_by_role("link", name="Workers")).to_have_count(0)
    accessible(page)


def test_the_sites_own_login(page: Page, live_server: Any, settings: Any, berlin: Shop, screenshots: Path) -> None:
    settings.ROOT_URLCONF = "ledger.site.urls"
    settings.LOGIN_URL, settings.LOGOUT_REDIRECT_URL = "login", "login"
    user("maria", *EVERYTHING)
    page.goto(f"{live_server.url}/")
    expect(page.locator("h1")).to_have_text("Log in")
    pictures(page, screenshots, "pages-login")
    accessible(page)
    page.get_by_label("Username").fill("maria")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("Overview")
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("h1")).to_have_text("Log in")


def test_a_period_of_nothing(page: Page, start: str, screenshots: Path) -> None:
    series = define_series("quote", org="berlin", template="Q-{year}-{counter:04}", time_zone="UTC")
    period = open_period(series, date(2026, 1, 1))
    page.goto(f"{start}period/{period.pk}/")
    expect(page.locator("main")).to_contain_text("Nothing was issued in this period yet")
    accessible(page)


def test_a_period_of_long_values(page: Page, start: str) -> None:
    """Ten numbers below the line, each too long for its tenth of a phone."""
    define_series("ticket", org="berlin", template="T-{counter}", calendar="never", start_value=123_456_789)
    with transaction.atomic():
        first = issue_many("ticket", org="berlin", documents=[f"seat:{n}" for n in range(20)])[0]
    page.goto(f"{start}period/{first.period_id}/")
    expect(page.locator(".steps li")).to_have_count(10)
    accessible(page)


@on_a_desk
def test_paper_has_no_buttons(page: Page, start: str, berlin: Shop) -> None:
    page.emulate_media(media="print")
    page.goto(f"{start}period/{berlin.period.pk}/")
    expect(page.locator("main")).to_contain_text("The number line")
    expect(page.locator("form.inline, .export, .top, footer").locator("visible=true")).to_have_count(0)
    expect(page.locator("#gaps").locator("visible=true")).to_have_count(1)


@on_a_desk
def test_each_sheet_of_paper_says_whose_it_is(page: Page, start: str, berlin: Shop, screenshots: Path) -> None:
    """And no column is cut: the last heading and what stands below it are there."""
    for at in range(60):
        flag(Period.objects.get(pk=berlin.period.pk), f"a cause that is long and needs some room {at}")
    page.goto(f"{start}period/{berlin.period.pk}/")
    page.emulate_media(media="print")
    (screenshots / "print.pdf").write_bytes(made := page.pdf(format="A4"))
    sheets = pdf_pages(made)
    assert len(sheets) > 2
    assert all("berlin" in sheet and "invoice 2026-01-01 to 2026-12-31" in " ".join(sheet.split()) for sheet in sheets)
    assert any("unexplained" in sheet for sheet in sheets)


def test_the_pictures_of_the_docs(page: Page, live_server: Any, transactional_db: None, screenshots: Path) -> None:
    """Made again by ``FOLIO_SCREENSHOTS=docs/images pytest tests/browser/test_pages.py -k pictures_of``."""
    define_series("invoice", org="bakery", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    for month in range(1, 11):
        on, documents = date(2026, month, 3 + month), [f"order:{month}-{n}" for n in range(60 + 9 * month)]
        with transaction.atomic():
            sold = issue_many("invoice", org="bakery", documents=documents, on=on, by="till")
        void(sold[7 * month], reason="goods returned, invoice credited in full", by="maria")
        for _ in range(month % 3):
            flag(Period.objects.get(), "card refused", on)
    for gap in Entry.objects.filter(kind="gap").order_by("value")[:6]:
        explain(gap, explanation="the card terminal was offline, incident 17", by="maria")
    # What is newest, its books don't have yet.
    system = PaperSystem(books=BookSettings("books", tenant="bakery", grace=timedelta(1)))
    for entry in Entry.objects.exclude(kind="gap").order_by("value")[:900]:
        state = "void" if entry.voids.exists() else "posted"
        system.put(f"{entry.value}", entry.number, state=state, issued_on=entry.issued_on, reference=entry.document)
    system.read()
    system.compare()
    for code, template, count in (("invoice", "INV-{year}-{counter:06}", 2), ("pickup", "P-{year}-{counter:04}", 3)):
        define_series(code, template=template, time_zone="Europe/Berlin")
        with transaction.atomic():
            issue_many(code, documents=[f"shop.order:{n}" for n in range(count)])
    for sweep in registered():
        run(sweep.name)
    user("maria", *EVERYTHING)
    log_in(page, live_server, "maria")
    period = Period.objects.get(tenant="bakery")
    page.goto(f"{live_server.url}/ledger/period/{period.pk}/")
    expect(page.locator(".told")).to_contain_text("valid")
    assert page.viewport_size
    if page.viewport_size["width"] == 390:
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=screenshots / "pages-period-phone.png")
        return
    page.screenshot(path=screenshots / "pages-period.png")
    page.goto(f"{live_server.url}/ledger/period/{period.pk}/8/")
    expect(page.locator("ol.story")).to_contain_text("Declared void")
    page.screenshot(path=screenshots / "pages-number.png")
    user("ruth", sees=("",))
    log_in(page, live_server, "ruth")
    page.set_viewport_size({"width": 1100, "height": 560})
    page.goto(f"{live_server.url}/ledger/")
    expect(page.locator("#series tbody tr")).to_have_count(2)
    page.screenshot(path=screenshots / "tutorial-overview.png")
