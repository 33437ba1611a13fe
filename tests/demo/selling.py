"""The sales of `make demo`: shops at the end of a year, many threads, and everything that goes wrong in a shop."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from ledger import define_series, issue, void
from ledger.models import Entry


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant of the demo: the settings of its invoice series, and the days over which it sells."""

    tenant: str
    settings: dict[str, Any]
    opens: date
    days: int


#: One for each way to count: by calendar year, by a fiscal year from 1 April, by month. Each sells across its turn, and
#: takes its numbers in a way of its own: at COMMIT, from a pool, or reserved beforehand.
SHOPS = (
    Shop(
        "berlin",
        {
            "template": "INV-{year}-{counter:06}",
            "calendar": "year",
            "time_zone": "Europe/Berlin",
            "allocation": "at_commit",
        },
        date(2026, 12, 29),
        6,
    ),
    Shop(
        "mumbai",
        {
            "template": "R{fy_start}/{fy_end}-{counter:04}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
            "time_zone": "Asia/Kolkata",
            "allocation": "pooled",
        },
        date(2026, 3, 29),
        6,
    ),
    Shop(
        "austin",
        {
            "template": "{year}{month}-{counter:05}",
            "calendar": "month",
            "time_zone": "America/Chicago",
            "allocation": "reserved",
        },
        date(2026, 12, 29),
        6,
    ),
)


class PaymentFailed(Exception):
    """The provider said no after the number was taken, so the checkout rolls back."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One customer at one shop: the outcome is drawn in advance, so that a run can be repeated."""

    shop: Shop
    document: str
    on: date
    fails: bool
    retried: bool
    voided: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """The totals: checkouts that committed, failed after they got a number, came twice, were voided later."""

    committed: int
    failed: int
    retried: int
    voided: int


def draw_sales(shops: tuple[Shop, ...], count: int, seed: int) -> list[Sale]:
    """So many sales over the shops and their days: of a hundred, 15 fail after the number was taken, 10 come twice."""
    dice = random.Random(seed)
    sales = []
    for index in range(count):
        shop = shops[index % len(shops)]
        sales.append(
            Sale(
                shop=shop,
                document=f"order:{index + 1}",
                on=shop.opens + timedelta(days=dice.randrange(shop.days)),
                fails=dice.random() < 0.15,
                retried=dice.random() < 0.10,
                voided=dice.random() < 0.04,
            )
        )
    return sales


def open_shops(shops: tuple[Shop, ...]) -> None:
    """Define the invoice series of each shop."""
    for shop in shops:
        define_series("invoice", org=shop.tenant, **shop.settings)


def open_a_shop_before_its_year(tenant: str, today: date) -> None:
    """A shop whose fiscal year ends in twelve days: the workers open the next one, long before its first checkout."""
    begins = today + timedelta(days=12)
    define_series(
        "invoice",
        org=tenant,
        template="L{fy_start}/{fy_end}-{counter:04}",
        calendar="fiscal-year",
        # The 29th of February begins no fiscal year.
        fiscal_start=f"{begins:%m-%d}" if (begins.month, begins.day) != (2, 29) else "03-01",
        time_zone="Europe/Lisbon",
    )
    with transaction.atomic():
        issue("invoice", org=tenant, document="order:1", by="demo")


def run_sales(sales: list[Sale], *, threads: int, after_each: Callable[[], None]) -> Tally:
    """Check all sales out, on so many threads with a connection each; `after_each` is called once for each sale."""

    def work(share: list[Sale]) -> list[tuple[Sale, Entry | None]]:
        try:
            return [(sale, _check_out(sale, after_each)) for sale in share]
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=threads) as pool:
        shares = pool.map(work, [sales[start::threads] for start in range(threads)])
        done = [result for share in shares for result in share]
    numbered = [(sale, entry) for sale, entry in done if entry is not None]
    returned = [(sale, entry) for sale, entry in numbered if sale.voided]
    for _sale, entry in returned:
        void(entry, reason="goods returned, invoice credited in full", by="demo")
    return Tally(
        committed=len(numbered),
        failed=len(done) - len(numbered),
        retried=sum(sale.retried for sale, _ in numbered),
        voided=len(returned),
    )


def _check_out(sale: Sale, after_each: Callable[[], None]) -> Entry | None:
    """A shop's checkout: number and order in one transaction. Returns None if the payment failed."""
    try:
        with transaction.atomic():
            entry = issue("invoice", org=sale.shop.tenant, document=sale.document, on=sale.on, by="demo")
            if sale.fails:
                raise PaymentFailed
    except PaymentFailed:
        after_each()
        return None
    if sale.retried:
        # The answer was lost on its way to the browser, and the customer pressed the button again.
        with transaction.atomic():
            again = issue("invoice", org=sale.shop.tenant, document=sale.document, on=sale.on, by="demo")
        assert again == entry, f"{sale.document} got a second number: {again}, after {entry}"
    after_each()
    return entry
