"""Numbers issued here, and systems to push them to: stand-ins over HTTP, as in the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from cryptography.fernet import Fernet
from django.db import transaction
from django.test import override_settings

from ledger import issue
from ledger.models import Entry
from tests.accounting.clocks import TIMEOUTS, FakeClock
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.__main__ import settings as standin_settings
from tests.accounting.standins.books import Books
from tests.accounting.standins.erpnext import ERPNextStandIn
from tests.accounting.standins.odoo import OdooStandIn
from tests.accounting.standins.quickbooks import QuickBooksStandIn
from tests.accounting.standins.xero import XeroStandIn
from workers.accounting.http_options import HttpOptions, Retries
from workers.models import Push
from workers.writing_back import Run, push_system

DAY = date(2026, 3, 1)

STANDINS: dict[str, type[Books]] = {
    "xero": XeroStandIn,
    "quickbooks": QuickBooksStandIn,
    "odoo": OdooStandIn,
    "erpnext": ERPNextStandIn,
}
#: The method of the request that makes a document.
MAKES_BY = {"xero": "PUT", "quickbooks": "POST", "odoo": "POST"}


def describe(entry: Entry) -> dict[str, Any]:
    """The host project's hook: a number's customer and amount."""
    return {"customer": "7", "total": Decimal("100.00"), "currency": "EUR"}


def system_settings(adapter: str, url: str, **changes: Any) -> dict[str, Any]:
    """The settings of the system that a stand-in imitates, with our numbers pushed to it."""
    given = standin_settings(adapter, url)
    if adapter == "odoo":
        given["options"] |= {"our_numbers": True, "journal": 9}
    pushed = {"series": ["invoice"], "push": True, "describe": "tests.accounting.pushing:describe"}
    return {**given, **pushed, **changes}


@contextmanager
def configured(**systems: dict[str, Any]) -> Iterator[None]:
    with override_settings(LEDGER_ACCOUNTING={"SYSTEMS": systems}):
        yield


def sell(*documents: str, series: str = "invoice", **facts: Any) -> list[Entry]:
    """A checkout for each document."""
    sold: list[Entry] = []
    for document in documents:
        with transaction.atomic():
            sold.append(issue(series, **{"document": document, "on": DAY, **facts}))
    return sold


class Office:
    """One worker and its clock; ``push`` is one run of the sweep for "books"."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.clock = FakeClock()
        self.tokens = MemoryTokens()

    def push(self, **options: Any) -> Run:
        given: dict[str, Any] = {"http_options": self.http_options(), **options}
        return push_system("books", **given)

    def http_options(self, **changes: Any) -> HttpOptions:
        given: dict[str, Any] = {
            "clock": self.clock,
            "timeouts": TIMEOUTS,
            "retries": Retries(attempts=3, jitter=lambda: 0.5),
            "tokens": self.tokens,
        }
        return HttpOptions(**(given | changes))


def row(number: str = "INV-2026-000001") -> Push:
    return Push.objects.get(number=number)


def environment(**systems: dict[str, Any]) -> dict[str, str]:
    """The environment in which a test's process knows these systems (``tests.settings``) and can keep their tokens."""
    return {"TEST_ACCOUNTING": json.dumps({"SYSTEMS": systems}), "LEDGER_TOKEN_KEYS": Fernet.generate_key().decode()}
