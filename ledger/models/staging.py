"""Where an adoption loads its file before the ledger takes it over, in the same transaction. Nothing stays here."""

from typing import ClassVar

from django.db import models

from ledger.models.columns import HiddenModel, facts
from ledger.models.readable import DayField, MomentField


class AdoptingRow(models.Model):
    """A row of the file, with the problem that reading it found. ``batch`` distinguishes adoptions."""

    batch = models.TextField()
    line = models.BigIntegerField()
    value = models.BigIntegerField(null=True)
    number = models.TextField(null=True)  # noqa: DJ001  (a row with a problem has none)
    document = models.TextField(null=True)  # noqa: DJ001
    issued_at = MomentField(null=True)
    issued_on = DayField(null=True)
    counted_on = DayField(null=True, help_text="A day of the period that the number counts in.")
    void = models.BooleanField(null=True)
    metadata = facts(null=True)
    native = models.BooleanField(null=True, help_text="The number looks like one of the series' own template.")
    prefix = models.TextField(null=True, help_text="What stands before the counter.")  # noqa: DJ001
    problem = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["batch", "counted_on"], name="ledger_adoptingrow_day")]

    def __str__(self) -> str:
        return f"row {self.line}"


class AdoptingDay(HiddenModel):
    """A business date of the file, with its period, or why it has none."""

    pk = models.CompositePrimaryKey("batch", "day")
    batch = models.TextField()
    day = DayField()
    period_id = models.BigIntegerField(null=True)
    problem = models.TextField(null=True)  # noqa: DJ001

    def __str__(self) -> str:
        return f"{self.day}"
