"""Checkouts through the view of a real Lorikeet, told as facts. Run by ``test_lorikeet.py`` in its environment."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from lorikeet.conftest import fill_cart  # noqa: E402
from lorikeet.models import Cart, Order  # noqa: E402

from ledger import define_series  # noqa: E402
from ledger.models import Entry, NumberIssued  # noqa: E402
from ledger.verification import verify  # noqa: E402
from tests.hosts.lorikeet_shop.models import InvoiceID, PipeCard  # noqa: E402

PARALLEL = 12
REFUSED = "Visa4949"
PAYMENT_SECONDS = "0.5"


def customer(card: str = "") -> Client:
    """A browser with a filled cart, paid by ``card`` if one is given."""
    client = Client()
    cart = Cart.objects.create()
    fill_cart(cart)
    if card:
        cart.payment_method = PipeCard.objects.create(card_id=card)
        cart.save()
    session = client.session
    session["cart_id"] = cart.pk
    session.save()
    return client


def check_out(client: Client) -> tuple[int, Any]:
    """The status of the answer, and its text."""
    answer = client.post("/_cart/checkout/", "{}", content_type="application/json")
    return answer.status_code, answer.json()


def invoice_ids() -> list[str]:
    return list(Order.objects.order_by("pk").values_list("custom_invoice_id", flat=True))


def paid() -> dict[str, Any]:
    status, _ = check_out(customer())
    order, entry = Order.objects.get(), NumberIssued.objects.get()
    return {
        "status": status,
        "told": order.invoice_id,
        "kept": entry.number,
        "dates": [str(order.purchased_on.date()), str(entry.issued_on)],
    }


def payment_refused() -> dict[str, Any]:
    before = Entry.objects.count(), Order.objects.count()
    answer = check_out(customer(REFUSED))
    return {"answer": answer, "unchanged": (Entry.objects.count(), Order.objects.count()) == before}


def incomplete() -> dict[str, Any]:
    before = Entry.objects.count(), Order.objects.count()
    client = Client()
    client.get("/_cart/")
    status, said = check_out(client)
    return {
        "status": status,
        "reason": said["reason"],
        "unchanged": (Entry.objects.count(), Order.objects.count()) == before,
    }


@contextmanager
def from_the_pool() -> Iterator[None]:
    with override_settings(LEDGER_LORIKEET={"SERIES": "recipe", "ORG": "books"}):
        yield


def empty_pool() -> dict[str, Any]:
    define_series("recipe", org="books", template="B-{counter}", calendar="never", allocation="remote", system="books")
    with from_the_pool():
        client = customer()
        shown = client.get("/_cart/").json()
        answer = check_out(client)
        with override_settings(LORIKEET_CART_COMPLETE_CHECKERS=[]):
            client.raise_request_exception = False
            without = client.post("/_cart/checkout/", "{}", content_type="application/json").status_code
    return {"answer": answer, "without": without, "shown": shown["incomplete_reasons"]}


def recipe_taken_over() -> dict[str, Any]:
    InvoiceID.objects.bulk_create([InvoiceID(number=f"B-{number}") for number in (9, 10, 8)])
    out = StringIO()
    options = ("--pool", "shop.InvoiceID", "--series", "recipe", "--tenant", "books", "--apply")
    call_command("ledger_migrate_from", "lorikeet", *options, stdout=out)
    with from_the_pool():
        statuses = [check_out(customer())[0] for _ in range(4)]
    return {"statuses": statuses, "told": invoice_ids()[-3:], "left": InvoiceID.objects.count()}


def in_parallel() -> dict[str, Any]:
    clients = [customer() for _ in range(PARALLEL)]
    before = len(invoice_ids())

    def one(client: Client) -> int:
        try:
            return check_out(client)[0]
        finally:
            connections.close_all()

    begun = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        statuses = list(pool.map(one, clients))
    seconds = time.monotonic() - begun
    told = sorted(invoice_ids()[before:])
    return {"statuses": statuses, "told": told, "seconds": round(seconds, 2)}


def main() -> None:
    scenarios: list[Callable[[], dict[str, Any]]] = [
        *(paid, payment_refused, incomplete, empty_pool, recipe_taken_over, in_parallel)
    ]
    told: dict[str, Any] = {scenario.__name__: scenario() for scenario in scenarios}
    told["verified"] = [str(alarm) for alarm in verify()]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
