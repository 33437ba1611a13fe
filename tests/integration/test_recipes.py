"""The recipes of docs/guides/recipes.md, as they stand there."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from ledger.models import Entry
from tests.databases import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def recipe(words: str) -> dict[str, Any]:
    """What the block with these words defines."""
    page = (ROOT / "docs" / "guides" / "recipes.md").read_text(encoding="utf-8")
    block = next(one for one in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL) if words in one)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102  (our own page)
    return names


def test_fixtures_of_pytest() -> None:
    names = recipe("def new_number")
    series = names["invoices"].__wrapped__(None)
    new_number = names["new_number"].__wrapped__(series)
    with transaction.atomic():
        assert [new_number(), new_number(document="order:1"), new_number(document="order:1")] == [
            *("T-0001", "T-0002", "T-0002"),
        ]


class PretixInvoice:
    """Asks for its digits as pretix' Invoice.save() does."""

    def __init__(self, prefix: str, order: str) -> None:
        self.prefix = prefix
        self.organizer = SimpleNamespace(slug="org")
        self.order = SimpleNamespace(code=order)
        self.date = date.today()  # noqa: DTZ011  (pretix has the date of the event's time zone)

    def _get_numeric_invoice_number(self, length: int) -> str:
        raise AssertionError("MAX + 1")

    def save(self) -> str:
        with transaction.atomic():
            return self.prefix + self._get_numeric_invoice_number(5)


def test_pretix() -> None:
    recipe("def take_over")["take_over"](PretixInvoice)
    numbers = [PretixInvoice(prefix, "ABC").save() for prefix in ("CONF-", "CONF-", "C{2}-")]
    assert numbers == ["CONF-00001", "CONF-00002", "C{2}-00001"]
    assert sorted(Entry.objects.values_list("number", flat=True)) == sorted(numbers)
    assert Entry.objects.filter(metadata__order="ABC").count() == 3
