"""Oscar's checkout with a payment provider that does what a test has told it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from oscar.apps.checkout.views import PaymentDetailsView as OscarPaymentDetailsView


def well(order_number: str) -> None:
    """The payment is made, and the order was placed without trouble."""


class Provider:
    """What happens when it is asked for a payment, and right after the order was placed; and what it was told."""

    def __init__(self) -> None:
        self.pay: Callable[[str], None] = well
        self.after: Callable[[str], None] = well
        self.told: list[str] = []


provider = Provider()


class PaymentDetailsView(OscarPaymentDetailsView):  # type: ignore[misc]
    def handle_payment(self, order_number: str, total: Any, **kwargs: Any) -> None:
        provider.told.append(order_number)
        provider.pay(order_number)

    def handle_successful_order(self, order: Any) -> HttpResponse:
        provider.after(order.number)
        response: HttpResponse = super().handle_successful_order(order)
        return response
