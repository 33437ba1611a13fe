"""The walks of docs/contributing/architecture.md: each step exists, and happens in the order that the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from ledger import define_series, issue
from ledger.adoption import adopt
from ledger.models import Allocation
from ledger.reconciliation import findings
from ledger.reports.formats import format_named
from ledger.reports.report import continuity_report
from ledger.sweeps import run
from tests.accounting.reconciling import configured, http_options, sell
from tests.accounting.standins.planting import plant
from tests.accounting.standins.xero import XeroStandIn
from tests.databases import ROOT
from tests.drafts import remote_series, stock
from tests.integration.adopting import YEARLY
from tests.integration.full_ledger import tampered
from workers.reconciliation import reconcile

pytestmark = pytest.mark.django_db(transaction=True)

CONTRIBUTING = [ROOT / "docs" / "CONTRIBUTING.md", ROOT / "docs" / "SECURITY.md", *ROOT.glob("docs/contributing/*.md")]

Step = tuple[str, str]


def walks() -> dict[str, list[Step]]:
    page = (ROOT / "docs" / "contributing" / "architecture.md").read_text()
    return {
        title: steps
        for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        if (steps := re.findall(r"^\d+\. `(.+?)`: `(.+?)`", text, re.MULTILINE))
    }


class Walk:
    """Which of our functions were called, and with the places of the first and the last call."""

    def __init__(self) -> None:
        self.python: dict[Step, tuple[int, int]] = {}
        self._calls_seen = 0
        self.sql: set[str] = set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute("SET track_functions = 'all'")
        before = self._calls()
        sys.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.sql |= {name for name, calls in self._calls().items() if calls != before.get(name, 0)}
            with connection.cursor() as cursor:
                cursor.execute("RESET track_functions")

    def _see(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(f"{ROOT}/"):
            step = (frame.f_code.co_filename.removeprefix(f"{ROOT}/"), frame.f_code.co_qualname)
            self._calls_seen += 1
            self.python[step] = (self.python.get(step, (self._calls_seen,))[0], self._calls_seen)

    def _calls(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT funcname, calls FROM pg_stat_user_functions")
            return dict(cursor.fetchall())

    def missing(self, steps: list[Step]) -> list[Step]:
        """The steps that didn't happen, or not after the one before."""
        missing, at = [], 0
        for path, name in steps:
            if path.endswith(".sql"):
                if name not in self.sql:
                    missing.append((path, name))
                continue
            first, last = self.python.get((path, name), (0, -1))
            if last < at:
                missing.append((path, name))
            at = max(at, first)
        return missing


def through(allocation: str) -> Callable[[Walk, Any, Path], None]:
    def walked(walk: Walk, settings: Any, folder: Path) -> None:
        if allocation == Allocation.REMOTE:
            stock(remote_series("walked"), ["R-1", "R-2"], day=datetime.now(UTC).date())
        else:
            define_series("walked", template="W-{year}-{counter:04}", allocation=allocation, time_zone="UTC")
        with transaction.atomic():
            issue("walked", document="order:0")
        with walk.taken(), transaction.atomic():
            issue("walked", document="order:1")

    return walked


def gap(walk: Walk, settings: Any, folder: Path) -> None:
    define_series("walked", template="W-{year}-{counter:04}", allocation="reserved", time_zone="UTC")
    for document in ("order:0", "order:1", "order:2"):
        with transaction.atomic():
            issue("walked", document=document)
            transaction.set_rollback(document == "order:1")
    tampered(connection, "UPDATE ledger_reservation SET reserved_at = now() - interval '61 minutes'")
    with walk.taken():
        run("flag_gaps")
        with continuity_report(series="walked") as report:
            format_named("json").write(report, BytesIO(), print)


def remote(walk: Walk, settings: Any, folder: Path) -> None:
    with XeroStandIn() as books:
        settings.LEDGER_ACCOUNTING = configured("xero", books)
        plant(books, sell())
        with walk.taken():
            reconcile("books", http_options=http_options())
            assert list(findings(system="books"))


def line(walk: Walk, settings: Any, folder: Path) -> None:
    file = folder / "old.csv"
    file.write_text("number,issued_at\nINV-2025-0001,2025-01-05\n")
    with walk.taken():
        adopt(file, series="invoice", settings=YEARLY)


def seal(walk: Walk, settings: Any, folder: Path) -> None:
    sell(1)
    with walk.taken():
        call_command("ledger_seal", "now", stdout=StringIO())
        call_command("ledger_seal", "export", "--to", str(folder), stdout=StringIO())


TAKEN: dict[str, Callable[[Walk, Any, Path], None]] = {
    **{f"A document through `issue`: `{name}`": through(name) for name in Allocation.values},
    "A gap, from the sweep to the report": gap,
    "A remote document, from HTTP to a finding": remote,
    "A line of a file, to its entry": line,
    "A row, to its seal": seal,
}


def test_every_walk_is_taken() -> None:
    assert walks().keys() == TAKEN.keys()


@pytest.mark.parametrize("title", TAKEN)
def test_each_step_happens_in_this_order(title: str, settings: Any, tmp_path: Path) -> None:
    walk = Walk()
    TAKEN[title](walk, settings, tmp_path)
    assert walk.missing(walks()[title]) == []


@pytest.mark.parametrize(("page", "folders"), [("architecture", ["ledger", "workers"]), ("tests", ["tests"])])
def test_every_room_is_on_the_page(page: str, folders: list[str]) -> None:
    text = (ROOT / "docs" / "contributing" / f"{page}.md").read_text()
    rooms = {f"{folder}/{path.parent.name}" for folder in folders for path in (ROOT / folder).glob("*/*.*")}
    assert sorted(room for room in rooms if f"`{room}`" not in text and not room.endswith("/__pycache__")) == []


@pytest.mark.parametrize("page", CONTRIBUTING, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:ledger|workers|tests|docs)/[\w./-]+)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_questions_are_answered_in_three_files_at_most() -> None:
    page = (ROOT / "docs" / "contributing" / "questions.md").read_text(encoding="utf-8")
    answers = [re.findall(r"^- `(.+?)`: `(.+?)`", text, re.MULTILINE) for text in page.split("\n**… ")[1:]]
    assert len(answers) > 45
    assert [each for each in answers if len(each) not in (2, 3)] == []
    missing = [
        (path, name)
        for each in answers
        for path, name in each
        if not (ROOT / path).is_file() or not re.search(rf"\b{re.escape(name)}\b", (ROOT / path).read_text("utf-8"))
    ]
    assert missing == []
