"""The documentation's site in a real browser: a page of each sort, at two widths, light and dark, with axe-core."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_admin import on_a_desk
from tests.browser.test_pages import accessible, pictures
from tests.docs_site import Site

#: Of each sort one: tables and links, code, drawings, signatures. The longest pages are
#: left out, since axe-core looks at every element.
PAGES = ("index.html", "tutorial.html", "guides/database.html", "explanation/allocations.html", "reference/compat.html")


class Handler(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        pass


@pytest.fixture(scope="module")
def served(site_of_docs: Site) -> Iterator[str]:
    """The address of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site_of_docs.folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def start(page: Page, served: str) -> Iterator[str]:
    """The address of the site; no request leaves it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield served
    assert asked
    assert all(url.startswith((served, "data:")) for url in asked), "a request to another host"


@pytest.mark.parametrize("path", PAGES)
def test_each_sort_of_page_is_accessible_and_fits(page: Page, start: str, path: str, screenshots: Path) -> None:
    page.goto(start + path)
    expect(page.locator("h1").first).to_be_visible()
    accessible(page)
    pictures(page, screenshots, "docs-" + path.removesuffix(".html").replace("/", "-"))


@on_a_desk
def test_a_page_is_found_by_searching(page: Page, start: str) -> None:
    page.goto(f"{start}search.html?q=give_back")
    expect(page.locator("#search-results a", has_text="Choose an allocation").first).to_be_visible()


@on_a_desk
def test_every_page_is_reached_from_the_first_one(page: Page, start: str, site_of_docs: Site) -> None:
    page.goto(f"{start}index.html")
    links = page.locator("aside.sidebar-drawer a.reference.internal").evaluate_all("all => all.map(a => a.href)")
    reached = {link.removeprefix(start).partition("#")[0] for link in links}
    assert reached | {"index.html", "search.html", "genindex.html", "py-modindex.html"} == set(site_of_docs.pages)
