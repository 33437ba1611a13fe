"""Models whose numbers Folio gives: of each kind that a host project has."""

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models

from ledger.compat.number_field import KEEP, NumberField


class Invoice(models.Model):
    """As in the documentation: a key that the database counts, and numbers for each organisation."""

    org = models.ForeignKey("shop.Organization", on_delete=models.PROTECT)
    dated = models.DateField(null=True)
    note = models.CharField(max_length=20, blank=True, default="", unique=False)
    number = NumberField(
        series="invoice",
        org=lambda self: self.org,
        on=lambda self: self.dated,
        metadata=lambda self: {"note": self.note} if self.note else None,
        by="shop",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "number"], name="shop_invoice_number")]


class Ticket(models.Model):
    """One tenant; a key made in Python, and a second number, given to a key of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    booking = models.CharField(max_length=40, unique=True)
    number = NumberField(series="ticket", max_length=20)
    receipt = NumberField(series="receipt", document=lambda self: f"booking:{self.booking}", editable=True, null=True)


class Coupon(models.Model):
    """Its series and its document are functions of the row."""

    kind = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    number = NumberField(series=lambda self: self.kind, document=lambda self: f"coupon:{self.code}")


class Paper(models.Model):
    """The parent of a table of its own, whose children share its numbers."""

    title = models.CharField(max_length=40)
    number = NumberField(series=lambda self: self.series)

    series = "order"


class Contract(Paper):
    signed = models.BooleanField(default=False)


class Offer(Paper):
    """The same table, another class."""

    class Meta:
        proxy = True


class Numbered(models.Model):
    """Abstract: each child has a column, and a series, of its own."""

    number = NumberField(series=lambda self: self._meta.model_name)

    class Meta:
        abstract = True


class Delivery(Numbered):
    pass


class Return(Numbered):
    reason = models.CharField(max_length=40, unique=True)


class Slip(models.Model):
    """Goes with its paper."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE)
    number = NumberField(series="receipt")


class Passing(models.Model):
    """Rows may go; their numbers stay."""

    number = NumberField(series="ticket", on_delete=KEEP)


class Late(models.Model):
    """A key that the INSERT computes."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID())
    number = NumberField(series="order", null=True)


class Keyless(models.Model):
    """A key that nobody counts out."""

    id = models.IntegerField(primary_key=True)
    number = NumberField(series="order", null=True)
