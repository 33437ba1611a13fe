"""Documents of django-salesman or pretix, numbered all at once. Run by ``test_parallel.py`` in its environment."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import django

django.setup()

from django.db import connections, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from ledger.models import NumberIssued  # noqa: E402
from ledger.verification import verify  # noqa: E402
from tests.recipes import recipe  # noqa: E402

PATIENCE = 60.0


def salesman() -> Callable[[int], str]:
    from django.test import RequestFactory
    from salesman.core.utils import get_salesman_model

    orders = get_salesman_model("Order").objects
    return lambda number: orders.create_from_request(RequestFactory().post("/")).ref


def pretix() -> Callable[[int], str]:
    from django_scopes import scope
    from pretix.base.models import Event, Invoice, Order, Organizer

    recipe("def take_over")["take_over"](Invoice)
    now = timezone.now()
    organizer = Organizer.objects.create(name="A club", slug="club")
    with scope(organizer=organizer):
        event = Event.objects.create(organizer=organizer, name="Conf", slug="conf", date_from=now, currency="EUR")
        event.settings.invoice_numbers_consecutive = True
        event.settings.invoice_numbers_prefix = "Conf 26 "
        event.settings.invoice_numbers_prefix_cancellations = "Back-"
        common = {"event": event, "email": "ada@example.com", "datetime": now, "expires": now + timedelta(days=9)}
        channel = organizer.sales_channels.get(identifier="web")

    def invoice(number: int) -> str:
        with scope(organizer=organizer):
            order = Order.objects.create(code=f"A{number}", total=10, status="n", sales_channel=channel, **common)
            made = Invoice(order=order, event=event, organizer=organizer, is_cancellation=number == 0)
            made.save()
            return str(made.full_invoice_no)

    return invoice


def all_at_once(make: Callable[[int], str], count: int) -> list[str]:
    """The numbers of so many transactions; each commits once all have theirs, so nobody may wait for another."""
    have_theirs = Barrier(count)

    def one(number: int) -> str:
        try:
            with transaction.atomic():
                told = make(number)
                have_theirs.wait(PATIENCE)
            return told
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def main(host: str, count: int) -> None:
    make = {"salesman": salesman, "pretix": pretix}[host]()
    with transaction.atomic():
        first = make(count)  # makes the series
    told: dict[str, Any] = {"told": sorted([first, *all_at_once(make, count)])}
    told["kept"] = sorted(NumberIssued.objects.values_list("number", flat=True))
    told["verified"] = [str(alarm) for alarm in verify()]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
