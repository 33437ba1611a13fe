from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

from django.db import models
from lorikeet.exceptions import PaymentError
from lorikeet.models import Adjustment, DeliveryAddress, LineItem, Payment, PaymentMethod


class Product(models.Model):
    name = models.CharField(max_length=255)
    unit_price = models.DecimalField(max_digits=7, decimal_places=2)


class MyLineItem(LineItem):
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveSmallIntegerField()

    def get_total(self) -> Any:
        return self.quantity * self.product.unit_price


class AustralianDeliveryAddress(DeliveryAddress):
    addressee = models.CharField(max_length=255)
    address = models.TextField()
    suburb = models.CharField(max_length=255)
    state = models.CharField(max_length=3)
    postcode = models.CharField(max_length=4)


class PipeCard(PaymentMethod):
    """A card, refused where its number ends in 9; it takes as long as PAYMENT_SECONDS says."""

    card_id = models.CharField(max_length=30)

    def make_payment(self, order: Any, amount: Decimal) -> Any:
        time.sleep(float(os.environ.get("PAYMENT_SECONDS", "0")))
        if self.card_id.endswith("9"):
            raise PaymentError("Insufficient funds")
        return PipePayment.objects.create(method=self, amount=amount)


class PipePayment(Payment):
    amount = models.DecimalField(max_digits=7, decimal_places=2)


class CartDiscount(Adjustment):
    percentage = models.PositiveSmallIntegerField()

    def get_total(self, subtotal: Decimal) -> Decimal:
        return -(subtotal * self.percentage / 100).quantize(Decimal("0.01"))


class InvoiceID(models.Model):
    """The table of the recipe for external invoice IDs."""

    number = models.CharField(max_length=11, primary_key=True)
