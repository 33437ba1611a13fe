"""Queues: rows come and go. They wait to become entries."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ledger.models.columns import ArrayField, HiddenModel, key, unchecked_key, written_at
from ledger.models.periods import Period
from ledger.models.readable import DayField, FactsField
from ledger.models.series import Series


class Slot(models.Model):
    """A value minted ahead, free to be taken, the lowest first.

    A checkout deletes the row and appends the entry in one transaction, so a rollback brings the slot back.
    """

    pk = models.CompositePrimaryKey("tenant", "period_id", "value")
    tenant = key(blank=True)
    period = unchecked_key(Period)
    value = models.BigIntegerField()

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return str(self.value)


class Pool(HiddenModel):
    """Where the free slots of a period lie, so that taking one doesn't walk over used ones.

    Every free slot is one of ``stragglers``, or has at least the value ``free_from``. ``batch_from`` is the lowest
    value of the last batch minted, ``batch`` its size, which follows the rate of use.
    """

    pk = models.CompositePrimaryKey("tenant", "period_id")
    tenant = key(blank=True)
    period = unchecked_key(Period)
    free_from = models.BigIntegerField()
    stragglers = ArrayField(models.BigIntegerField())
    batch_from = models.BigIntegerField()
    batch = models.IntegerField()
    minted_at = written_at()

    def __str__(self) -> str:
        return f"free from {self.free_from}"


class Reservation(models.Model):
    """A value of ``reserved``, committed before its checkout: taken by that checkout, or flagged as a gap.

    It keeps the evidence of who asked for the value: the checkout's document, business date, actor and transaction. A
    retry for the same document in the same period gets the same reservation.
    """

    tenant = key(blank=True)
    series = unchecked_key(Series)
    period = unchecked_key(Period)
    value = models.BigIntegerField()
    document = key(blank=True, default="")
    issued_on = DayField(help_text="The business date that the checkout asked for.")
    actor = key(blank=True, default="")
    checkout_transaction_id = models.BigIntegerField(help_text="The transaction that asked for the value.")
    reserved_at = written_at()

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "period", "value"], name="ledger_reservation_value"),
            models.UniqueConstraint(
                fields=["tenant", "period", "document"],
                condition=models.Q(document__gt=""),
                name="ledger_reservation_document",
            ),
        ]

    def __str__(self) -> str:
        return str(self.value)


class Ticket(HiddenModel):
    """What ``at_commit`` will number while COMMIT runs. No transaction sees another's ticket, or leaves one behind.

    One row for each call: ``documents`` in their order, each with the id that its entry will have in ``entry_ids``.
    The table is unlogged: its rows don't outlive their transaction, so a crash can't lose anything.
    """

    transaction_id = models.BigIntegerField(db_index=True)
    tenant = key(blank=True)
    series = unchecked_key(Series)
    code = key(help_text="That of the series.")
    period = unchecked_key(Period)
    documents = ArrayField(models.TextField())
    entry_ids = ArrayField(models.BigIntegerField())
    issued_on = DayField()
    on_stated = models.BooleanField(help_text="The caller chose the date.")
    slides = models.BooleanField(help_text="The date is that of the commit, so that dates never decrease.")
    tells = models.TextField(help_text="The notice that tells the number at COMMIT repeats this secret of its client.")
    actor = key(blank=True, default="")
    metadata = FactsField(null=True, encoder=DjangoJSONEncoder)
    replaces_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class ScanPosition(HiddenModel):
    """Up to which value every value of a period was found accounted for, so that the next scan begins after it."""

    pk = models.CompositePrimaryKey("tenant", "period_id")
    tenant = key(blank=True)
    period = unchecked_key(Period)
    through = models.BigIntegerField()
    scanned_at = written_at()

    def __str__(self) -> str:
        return f"through {self.through}"
