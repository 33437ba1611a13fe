"""A numbered model whose changes django-simple-history keeps, in a table that copies its fields."""

from django.db import models
from simple_history.models import HistoricalRecords

from ledger.compat.number_field import NumberField


class Audited(models.Model):
    org = models.ForeignKey("shop.Organization", on_delete=models.PROTECT)
    note = models.CharField(max_length=20, default="")
    number = NumberField(series="invoice", org=lambda self: self.org)
    receipt = NumberField(series="receipt", unique=True)
    # No constraint: this app has no migrations, so its tables come before those of the users.
    history = HistoricalRecords(user_db_constraint=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "number"], name="shop_audited_number")]


class Watched(models.Model):
    """Abstract, with a number and a history: both are for its children."""

    number = NumberField(series="ticket")
    history = HistoricalRecords(inherit=True, user_db_constraint=False)

    class Meta:
        abstract = True


class Voucher(Watched):
    pass
