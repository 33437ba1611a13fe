"""The host's hook returns customer and amount; a number that it can't describe isn't pushed."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from ledger import define_series
from ledger.models import Entry
from tests.accounting.pushing import DAY, Office, configured, row, sell, system_settings
from tests.accounting.standins.books import Books
from tests.accounting.test_erpnext import connect as erpnext, sale
from tests.drafts import remote_series, stock
from workers.accounting import errors
from workers.accounting.base import State
from workers.models import Push

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "INV-2026-000001"


def test_its_parts_go_there(books: Books, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Entry] = []

    def telling(entry: Entry) -> dict[str, Any]:
        seen.append(entry)
        return {"customer": "Rosa", "total": 12, "extra": {"Url": "https://shop.example/1"}, "currency": None}

    monkeypatch.setattr("tests.accounting.pushing.describe", telling)
    [sold] = sell("order:1")
    office.push()
    [document] = books.documents.values()
    assert document.body["Contact"] == {"Name": "Rosa"}
    assert document.body["LineItems"][0]["UnitAmount"] == 12.0
    assert document.body["Url"] == "https://shop.example/1"
    assert [(type(entry).__name__, entry.pk, entry.number) for entry in seen] == [("NumberIssued", sold.pk, NUMBER)]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (None, "returned NoneType"),
        ({}, "no amount"),
        ({"total": 0.1}, "the total 0.1 of type float"),
        ({"total": True}, "of type bool"),
        ({"total": Decimal("NaN")}, "NaN"),
        ({"total": 1, "amount": 2}, "unknown parts amount"),
        ({"total": 1, "customer": 7}, "a customer of type int"),
        ({"extra": []}, "no dict"),
        ({"extra": {"when": object()}}, "can't be sent as JSON"),
    ],
)
def test_nonsense_is_for_a_person(
    books: Books, office: Office, said: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell("order:1", "order:2")
    once = iter([said])
    monkeypatch.setattr("tests.accounting.pushing.describe", lambda entry: next(once, {"total": 1}))
    assert office.push().as_dict()["failed"] == 1
    assert (row().state, told in row().last_error) == ("failed", True), row().last_error
    assert [reference for _, reference, _ in books.facts()] == ["order:2"]


def test_one_that_raises(books: Books, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(entry: Entry) -> None:
        raise KeyError("order:1")

    monkeypatch.setattr("tests.accounting.pushing.describe", broken)
    sell("order:1")
    office.push()
    assert "describe of INV-2026-000001 raised KeyError: 'order:1'" in row().last_error
    assert "ledger_push --system books --retry" in row().last_error
    assert books.facts() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"describe": ""}, "'describe' is ''"),
        ({"describe": "tests.accounting.pushing"}, "isn't in that module"),
        ({"describe": "tests.accounting.pushing:nothing"}, "'nothing' isn't in that module"),
        ({"describe": "tests.accounting.nowhere:describe"}, "No module named"),
        ({"describe": "tests.accounting.pushing:DAY"}, "not a function"),
        ({"series": []}, "'series' is"),
        ({"series": "invoice"}, "'series' is 'invoice'"),
        ({"push": "yes"}, "'push' is 'yes'"),
    ],
)
def test_settings_that_will_not_do(books: Books, office: Office, changes: dict[str, Any], told: str) -> None:
    sell("order:1")
    given = system_settings("xero", books.url, **changes)
    with configured(books=given), pytest.raises(errors.Misconfigured, match=told):
        office.push()
    assert books.count() == 0
    assert not Push.objects.filter(attempts__gt=0).exists()


@pytest.mark.parametrize("adapter", ["odoo"])
def test_a_system_that_numbers_at_post(books: Books, office: Office) -> None:
    sell("order:1")
    given = system_settings("odoo", books.url)
    del given["options"]["our_numbers"]
    with configured(books=given), pytest.raises(errors.Misconfigured, match="can't be pushed to odoo"):
        office.push()
    assert books.facts() == []


@pytest.mark.parametrize("adapter", ["erpnext"])
def test_numbers_out_of_a_pool_of_drafts(books: Any, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is the draft's, and the draft becomes the document."""
    with closing(erpnext(books)) as adapter:
        slot = adapter.draft(sale("slot:1"))
    said = {"customer": sale("order:1").customer, "total": 100}
    drafts = {"order:1": {"draft_id": slot.remote_id}}
    monkeypatch.setattr("tests.accounting.pushing.describe", lambda entry: said | drafts.get(entry.document, {}))
    define_series("invoice", template=f"{slot.number[:-5]}{{counter:05}}", calendar="never")
    sell("order:1", "order:2")
    run = office.push()
    assert (run.as_dict()["pushed"], run.as_dict()["failed"]) == (1, 1)
    assert books.facts() == [(slot.number, "order:1", State.POSTED)]
    assert "no draft that has the number" in Push.objects.get(document="order:2").last_error


@pytest.mark.parametrize("adapter", ["erpnext"])
def test_numbers_of_a_remote_series_complete_their_drafts(
    books: Any, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger knows which draft it is."""
    with closing(erpnext(books)) as adapter:
        slot = adapter.draft(sale("slot:1"))
    customer = sale("order:1").customer
    monkeypatch.setattr("tests.accounting.pushing.describe", lambda entry: {"customer": customer, "total": 100})
    stock(remote_series("invoice", system="books"), [slot.number], day=DAY, key=lambda number: slot.remote_id)
    sell("order:1")
    assert office.push().as_dict()["pushed"] == 1
    assert books.facts() == [(slot.number, "order:1", State.POSTED)]
