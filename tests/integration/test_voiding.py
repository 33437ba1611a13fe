"""What `void` promises."""

from __future__ import annotations

from datetime import date

import pytest

from ledger import errors as e, issue, void
from ledger.models import NumberVoided
from tests.shop.models import Order, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Organization:
    return Organization.objects.create(name="Shop")


@pytest.fixture
def order(shop: Organization) -> Order:
    return Order.objects.create(org=shop, reference="A1")


class TestVoid:
    def test_appends_an_event_and_the_number_is_never_given_again(self, order: Order) -> None:
        entry = issue("invoice", document=order)
        event = void(entry, reason="  payment reversed ", by="ann", replacement="order:18")
        assert (event.entry_id, event.reason, event.actor, event.replacement) == (
            entry.pk,
            "payment reversed",
            "ann",
            "order:18",
        )
        assert issue("invoice").value == 2
        with pytest.raises(e.DocumentVoided, match=entry.number):
            issue("invoice", document=order)

    def test_twice_is_an_error_that_tells_of_the_first(self) -> None:
        entry = issue("invoice")
        void(entry, reason="payment reversed", by="ann")
        with pytest.raises(e.AlreadyVoided, match="by ann: payment reversed"):
            void(entry, reason="again")
        assert NumberVoided.objects.count() == 1

    def test_by_number_and_tenant_without_regard_to_case(self, shop: Organization) -> None:
        entry = issue("invoice", org=shop, on=date(2026, 1, 1))
        with pytest.raises(e.UnknownNumber, match="Tenant ''"):
            void("INV-2026-000001", reason="wrong tenant")
        assert void("inv-2026-000001", org=shop, reason="right tenant").entry_id == entry.pk

    @pytest.mark.parametrize("reason", ["", "   ", None, "x" * 1001, "a\x00b"])
    def test_a_reason_is_required(self, reason: str) -> None:
        entry = issue("invoice")
        with pytest.raises(e.InvalidReason):
            void(entry, reason=reason)
