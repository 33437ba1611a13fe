"""What a shop on Lorikeet has: the order that its checkout makes, and the table of the recipe for invoice IDs."""

from django.db import models


class CartOrder(models.Model):
    grand_total = models.DecimalField(max_digits=7, decimal_places=2)
    custom_invoice_id = models.CharField(max_length=255, null=True, unique=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)


class InvoiceID(models.Model):
    number = models.CharField(max_length=11, primary_key=True)


class KeyedInvoiceID(models.Model):
    """With the accounting system's own key beside the number."""

    number = models.CharField(max_length=40, primary_key=True)
    key = models.CharField(max_length=100)
