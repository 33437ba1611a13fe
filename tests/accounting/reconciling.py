"""A ledger with numbers, and a system that has them, for the tests of reconciliation over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from ledger import define_series, issue, void
from ledger.reconciliation import findings
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.__main__ import settings as system_settings
from tests.accounting.standins.books import Books
from tests.accounting.standins.planting import Issued, Planted
from workers.accounting.http_options import HttpOptions

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 3, 5)

#: The names of planted differences, and those of the findings for them.
KINDS = {
    "missing there": "missing",
    "unknown here": "unknown",
    "void there only": "void-there",
    "void here only": "void-here",
    "twice there": "duplicate",
    "another number there": "other-number",
    "another period there": "other-period",
    "deleted there": "deleted",
    "used again there": "reused",
}


def sell(count: int = 12) -> list[Issued]:
    """That many numbers, the last one void."""
    define_series("invoice", template="INV-{year}-{counter:03}", time_zone="UTC")
    issued = []
    for n in range(1, count + 1):
        with transaction.atomic():
            entry = issue("invoice", document=f"order:{n}", on=DAY)
        issued.append(Issued(entry.number, DAY, f"order:{n}", void=n == count))
    void(issued[-1].number, reason="wrong address")
    return issued


def configured(name: str, books: Books, **more: Any) -> dict[str, Any]:
    """LEDGER_ACCOUNTING with one system "books", which finds at once what is missing, and reads small pages."""
    books.now = datetime.now(UTC).replace(microsecond=0)
    system = system_settings(name, books.url)
    system["options"] = {**system["options"], "page_size": 3}
    return {"SYSTEMS": {"books": {**system, "grace": 0, **more}}}


def http_options() -> HttpOptions:
    """Options that don't matter to reconciliation."""
    return HttpOptions(tokens=MemoryTokens())


def open_findings() -> set[tuple[str, str]]:
    return {(each.kind, each.subject) for each in findings(system="books")}


def expected(planted: list[Planted], **otherwise: str) -> set[tuple[str, str]]:
    """The findings expected for what was planted; ``otherwise`` names kinds that are found as another kind."""
    kinds = KINDS | {kind.replace("_", " "): told for kind, told in otherwise.items()}
    told = {(kinds[each.kind], each.number) for each in planted}
    # What has the number again is another sale's.
    return told | {("other-document", number) for kind, number in told if kind == "reused"}


@contextmanager
def process(code: str, accounting: dict[str, Any], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process on the test database with these accounting systems, killed at the end if it still runs."""
    started = subprocess.Popen(
        [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "TEST_ACCOUNTING": json.dumps(accounting),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate(timeout=30)
