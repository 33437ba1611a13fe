"""What the other sides keep: a shop's invoices, its orders, and numbers made ahead as Lorikeet's documentation does."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class Invoice(models.Model):
    """One number with its row; number and document are unique, as they are in the ledger."""

    number = models.CharField(max_length=100, unique=True)
    document = models.CharField(max_length=200, unique=True)
    tenant = models.CharField(max_length=200, blank=True, default="")
    issued_on = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)
    metadata = models.JSONField(blank=True, default=dict)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    def __str__(self) -> str:
        return self.number


class InvoiceID(models.Model):
    """A number that waits for its invoice; Lorikeet's documentation keeps such a table, filled from elsewhere."""

    number = models.CharField(max_length=20, primary_key=True)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    def __str__(self) -> str:
        return self.number


class Order(models.Model):
    """The order of a checkout whose numbers the ledger keeps."""

    reference = models.CharField(max_length=200, unique=True)
    customer = models.CharField(max_length=200)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    def __str__(self) -> str:
        return self.reference


class NumberedOrder(models.Model):
    """The same order where nothing but the order itself keeps the number."""

    number = models.CharField(max_length=100, unique=True)
    reference = models.CharField(max_length=200, unique=True)
    customer = models.CharField(max_length=200)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    def __str__(self) -> str:
        return self.number
