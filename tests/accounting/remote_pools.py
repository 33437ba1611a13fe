"""Stand-ins that number drafts, and the pools that workers fill from them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from ledger import issue, verification
from ledger.models import DraftMade, Slot
from tests.accounting.clocks import TIMEOUTS
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.processes import ROOT
from tests.accounting.standins.books import Books
from tests.accounting.standins.erpnext import API_KEY, ERPNextStandIn
from tests.accounting.standins.xero import XeroStandIn
from tests.allocations import expect_all_accounted_for
from workers.accounting.base import State
from workers.accounting.http_options import HttpOptions, Retries
from workers.remote import refill_system

NOW = timedelta(0)


class Vendor:
    """A stand-in, its adapter's name in the settings, and the form of its numbers."""

    def __init__(self, standin: Books, name: str) -> None:
        self.standin = standin
        self.name = name

    def settings(self, **options: Any) -> dict[str, Any]:
        common: dict[str, Any] = {"drafts": {"least": 4, "most": 40, "customer": "C-1"}}
        if self.name == "erpnext":
            common["item_code"] = "SALE"
        credentials = {"key": API_KEY, "secret": self.standin.secret}
        if self.name == "xero":
            common["token_url"] = f"{self.standin.url}/connect/token"
            credentials = {"client_id": "the-client-id", "client_secret": self.standin.secret}
        books = {
            "adapter": self.name,
            "organisation": "org-1",
            "url": self.standin.url,
            "credentials": credentials,
            "options": common | options,
        }
        return {"SYSTEMS": {"books": books}}

    def number(self, place: int) -> str:
        return f"XERO-{place:04}" if self.name == "xero" else f"ACC-SINV-2026-{place:05}"

    def numbers(self, *places: int) -> list[str]:
        return [self.number(place) for place in places]

    def key(self, number: str) -> str:
        [found] = [key for key, each in self.standin.documents.items() if each.number == number]
        return found

    def drafts(self) -> list[str]:
        return [number for number, _, state in self.standin.facts() if state is State.DRAFT]


@pytest.fixture(params=["xero", "erpnext"])
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    standin: Books = XeroStandIn() if request.param == "xero" else ERPNextStandIn()
    standin.now = datetime.now(UTC)
    with standin:
        found = Vendor(standin, str(request.param))
        with override_settings(LEDGER_ACCOUNTING=found.settings()):
            yield found
    assert standin.misfits == []


def http_options() -> HttpOptions:
    return HttpOptions(timeouts=TIMEOUTS, retries=Retries(attempts=1, jitter=lambda: 0.5), tokens=MemoryTokens())


def refill(look_every: timedelta = NOW) -> dict[str, int]:
    return refill_system("default", "books", http_options=http_options(), look_every=look_every)


def number(document: str | None = None) -> str:
    with transaction.atomic():
        return str(issue("invoice", document=document))


def free() -> list[str]:
    slots = Slot.objects.values_list("period", "value").order_by("period", "value")
    return [DraftMade.objects.get(period=period, value=value).number for period, value in slots]


def all_is_well() -> None:
    expect_all_accounted_for()
    # A test database lets itself be flushed, which to a guard looks like tampering.
    assert [finding for finding in verification.verify() if finding.check != "trigger"] == []


KILLED = """
import os, signal
from datetime import timedelta
from django.conf import settings
from ledger import remote
from tests.accounting.remote_pools import http_options
from workers.remote import refill_system

stored = []
store = remote.store

def store_two(*arguments, **facts):
    if len(stored) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    stored.append(1)
    return store(*arguments, **facts)

remote.store = store_two
settings.LEDGER_ACCOUNTING = ACCOUNTING
refill_system("default", "books", http_options=http_options(), look_every=timedelta(0))
"""


def killed_worker(vendor: Vendor) -> None:
    """A worker process that SIGKILL ends after its third draft was made there, before it is stored here."""
    code = "import django\ndjango.setup()\n" + KILLED.replace("ACCOUNTING\n", f"{vendor.settings()!r}\n", 1)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(vendor.drafts()) == 3
    assert DraftMade.objects.count() == 2


def claims_run_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_remotepool SET claimed_until = now() - interval '1 second'")
