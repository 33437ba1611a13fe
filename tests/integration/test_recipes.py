"""The recipes of docs/guides/recipes.md, as they stand there."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from ledger import define_series, issue
from ledger.models import Entry
from tests.recipes import recipe
from tests.shop.lorikeet import InvoiceID

pytestmark = pytest.mark.django_db(transaction=True)


def test_fixtures_of_pytest() -> None:
    names = recipe("def new_number")
    series = names["invoices"].__wrapped__(None)
    new_number = names["new_number"].__wrapped__(series)
    with transaction.atomic():
        assert [new_number(), new_number(document="order:1"), new_number(document="order:1")] == [
            *("T-0001", "T-0002", "T-0002")
        ]


def test_a_factory() -> None:
    define_series("invoice", template="I-{counter}", calendar="never")
    invoices = recipe("class InvoiceFactory", Invoice=InvoiceID)["InvoiceFactory"]
    assert invoices.build().number == ""
    assert invoices.create(number="X").number == "X"
    assert [row.number for row in invoices.create_batch(2)] == ["I-1", "I-2"]
    assert Entry.objects.count() == 2


def test_an_async_view() -> None:
    define_series("invoice", template="I-{counter}", calendar="never")
    orders = SimpleNamespace(objects=SimpleNamespace(create=lambda title: f"order:{title}"))
    checkout = recipe("async def checkout", Order=orders)["checkout"]
    assert [async_to_sync(checkout)(None).content for _ in range(2)] == [b"I-1", b"I-1"]

    async def unwrapped() -> None:
        issue("invoice")

    with pytest.raises(SynchronousOnlyOperation):
        async_to_sync(unwrapped)()
    assert Entry.objects.count() == 1


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
