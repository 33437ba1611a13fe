"""Checkouts in a real Oscar, each told as facts: one JSON document on standard output. Run by ``test_checkout.py``."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402
from oscar.apps.payment.exceptions import PaymentError, UnableToTakePayment  # noqa: E402
from oscar.core.loading import get_class, get_model  # noqa: E402
from oscar.test.factories import CountryFactory, UserFactory, create_product  # noqa: E402

from ledger import void  # noqa: E402
from ledger.errors import LedgerError  # noqa: E402
from ledger.models import NumberIssued, Series  # noqa: E402
from ledger.series import change_allocation  # noqa: E402
from ledger.verification import verify  # noqa: E402
from tests.oscar.shop.checkout.views import Provider, provider, well  # noqa: E402

Basket, Order = get_model("basket", "Basket"), get_model("order", "Order")
generator = get_class("order.utils", "OrderNumberGenerator")()
PATIENCE = 60
_names = count(1)
_ADDRESS = {"first_name": "Ada", "last_name": "L", "line1": "1 Row", "line4": "London", "postcode": "N1 9RT"}


class Customer:
    """One browser: fills a basket, gives its address, and orders."""

    def __init__(self) -> None:
        name = f"customer{next(_names)}"
        self.user = UserFactory(username=name, email=f"{name}@example.com")
        self.browser = Client(raise_request_exception=False)
        self.browser.force_login(self.user, backend="oscar.apps.customer.auth_backends.EmailBackend")
        self.fill()

    def fill(self) -> None:
        product = create_product(price=10, num_in_stock=1000)
        self.browser.post(reverse("basket:add", args=[product.pk]), {"quantity": 1})
        self.basket = Basket.objects.get(owner=self.user, status="Open")

    def order(self) -> Any:
        """Everything from the address to the answer of the page that orders."""
        self.browser.post(reverse("checkout:shipping-address"), {**_ADDRESS, "country": "GB"})
        self.browser.get(reverse("checkout:shipping-method"))
        self.browser.get(reverse("checkout:payment-method"))
        return self.send()

    def send(self) -> Any:
        return self.browser.post(reverse("checkout:preview"), {"action": "place_order"}, follow=True)

    @property
    def orders(self) -> list[str]:
        return list(Order.objects.filter(user=self.user).order_by("pk").values_list("number", flat=True))

    @property
    def issued(self) -> list[str]:
        """What the ledger has given to the basket."""
        key = f"basket.basket:{self.basket.pk}"
        entries = NumberIssued.objects.filter(document__in=[key, f"{key}#2", f"{key}#3"]).order_by("value")
        return [str(entry) for entry in entries]

    def facts(self, **more: Any) -> dict[str, Any]:
        self.basket.refresh_from_db()
        told = list(provider.told)
        return {"told": told, "orders": self.orders, "issued": self.issued, "basket": self.basket.status, **more}


def refuse(kind: type[Exception], said: str) -> Callable[[str], None]:
    def refuse(order_number: str) -> None:
        raise kind(said)

    return refuse


def paid() -> dict[str, Any]:
    customer = Customer()
    page = customer.order()
    return customer.facts(shown=customer.orders[0] in page.content.decode(), view=page.request["PATH_INFO"])


def payment_refused_then_paid() -> dict[str, Any]:
    customer = Customer()
    provider.pay = refuse(UnableToTakePayment, "card expired")
    first = customer.order()
    before = customer.facts(said="card expired" in first.content.decode())
    provider.pay = refuse(PaymentError, "gateway down")
    customer.order()
    provider.pay = well
    customer.order()
    return customer.facts(before=before)


def payment_refused_and_given_up() -> dict[str, Any]:
    customer, next_one = Customer(), Customer()
    provider.pay = refuse(RuntimeError, "no route to host")
    customer.order()
    provider.pay = well
    next_one.order()
    return customer.facts(next_one=next_one.orders)


def basket_used_again() -> dict[str, Any]:
    """The order was placed, then something failed: Oscar opens the basket again."""
    customer = Customer()
    provider.after = refuse(RuntimeError, "no mail server")
    customer.order()
    before = customer.facts()
    provider.after = well
    customer.order()
    return customer.facts(before=before)


def ordered_twice() -> dict[str, Any]:
    """A second copy of the basket, read before the first one became an order."""
    customer = Customer()
    stale = Basket.objects.get(pk=customer.basket.pk)
    customer.order()
    try:
        generator.order_number(stale)
    except LedgerError as error:
        return customer.facts(error=[type(error).__name__, str(error)])
    return customer.facts(error=None)


def voided() -> dict[str, Any]:
    customer = Customer()
    first = generator.order_number(customer.basket)
    void(NumberIssued.objects.get(number=first), reason="test")
    customer.order()
    return customer.facts(first=first)


def one_basket_on_many_connections() -> dict[str, Any]:
    customer = Customer()

    def ask(_: int) -> str:
        try:
            return str(generator.order_number(Basket.objects.get(pk=customer.basket.pk)))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(ask, range(16), timeout=PATIENCE))
    return customer.facts(numbers=sorted(set(numbers)))


def two_connections_step_by_step() -> dict[str, Any]:
    """Another checkout of the basket has asked, and did not end yet: the second waits, and gets the same number."""
    told = {}
    for how in ("commit", "rollback"):
        customer = Customer()

        def ask(basket: Any = customer.basket) -> str:
            try:
                return str(generator.order_number(basket))
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as thread:
            with transaction.atomic():
                mine = str(generator.order_number(customer.basket))
                theirs = thread.submit(ask)
                wait_until_somebody_waits_for_this_connection(theirs)
                transaction.set_rollback(how == "rollback")
            told[how] = customer.facts(mine=mine, theirs=theirs.result(PATIENCE))
    return told


def wait_until_somebody_waits_for_this_connection(step: Future[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not step.done(), f"the step ended without waiting: {step.exception() or step.result()}"
        with connection.cursor() as cursor:
            # pg_stat_activity would stand still within this transaction.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the first checkout")


def a_slow_payment() -> dict[str, Any]:
    """While one customer's payment is under way, another one goes through the whole checkout, on another connection."""
    slow, fast = Customer(), Customer()

    def order() -> None:
        try:
            fast.order()
        finally:
            connection.close()

    def pay(order_number: str) -> None:
        provider.pay = well
        with ThreadPoolExecutor(1) as thread:
            thread.submit(order).result(PATIENCE)
        meanwhile.extend(fast.orders)

    meanwhile: list[str] = []
    provider.pay = pay
    slow.order()
    return slow.facts(meanwhile=meanwhile)


def inside_a_transaction() -> dict[str, Any]:
    """ATOMIC_REQUESTS: refused, before anybody pays."""
    customer = Customer()
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        page = customer.order()
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    facts = customer.facts(status=page.status_code)
    try:
        with transaction.atomic():
            generator.order_number(customer.basket)
    except LedgerError as error:
        return facts | {"error": [type(error).__name__, str(error)]}
    return facts


def inside_a_transaction_reserved() -> dict[str, Any]:
    customer, other = Customer(), Customer()
    with transaction.atomic():
        first = generator.order_number(customer.basket)
        transaction.set_rollback(True)
    elsewhere = generator.order_number(other.basket)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        customer.order()
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    return customer.facts(first=first, elsewhere=elsewhere)


SERIAL = (
    paid,
    payment_refused_then_paid,
    payment_refused_and_given_up,
    basket_used_again,
    ordered_twice,
    voided,
    one_basket_on_many_connections,
    a_slow_payment,
    inside_a_transaction,
)
RESERVED = (inside_a_transaction_reserved, two_connections_step_by_step)


def main() -> None:
    setup_test_environment()
    CountryFactory(iso_3166_1_a2="GB", printable_name="UNITED KINGDOM", is_shipping_country=True)
    facts: dict[str, Any] = {}
    for scenarios, allocation in ((SERIAL, "serial"), (RESERVED, "reserved")):
        if Series.objects.exists():
            change_allocation("order", allocation)
        for scenario in scenarios:
            provider.__dict__.update(Provider().__dict__)
            try:
                facts[scenario.__name__] = scenario()
            except Exception:  # noqa: BLE001  (the test that asks for these facts fails with it)
                facts[scenario.__name__] = {"failed": traceback.format_exc()}
    facts["verified"] = [str(finding) for finding in verify()]
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
