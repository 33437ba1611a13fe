"""The runs of the sweeps: operational rows that are written twice and deleted after a while."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ledger.models.columns import ShortTextField, written_at
from ledger.models.readable import FactsField, MomentField
from ledger.timestamps import timestamp


class SweepRun(models.Model):
    """One run of one sweep: its time, counts and error.

    ``finished_at`` is null while it runs, and stays null if its process was killed. ``error`` is empty if all went
    well. If the work was spread over batches, ``batches`` is their number, ``counts`` the sum so far, and
    ``finished_at`` when the last of them ended; it stays null if one was lost.
    """

    sweep = ShortTextField(max_length=220)
    started_at = written_at()
    finished_at = MomentField(null=True, blank=True)
    counts = FactsField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, default="")
    process = ShortTextField(max_length=120, help_text="Host and process id.")
    batches = models.PositiveIntegerField(
        null=True, blank=True, help_text="Over how many batches the work was spread; empty: it was done in one go."
    )

    class Meta:
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["sweep", "-started_at"], name="ledger_sweeprun_latest"),
            models.Index(
                fields=["sweep", "-finished_at"],
                condition=models.Q(error="", finished_at__isnull=False),
                name="ledger_sweeprun_success",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sweep} at {timestamp(self.started_at)}"


class SweepBatch(models.Model):
    """One batch of a run: one row, however often its message is delivered."""

    run = models.ForeignKey(SweepRun, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    started_at = written_at()
    finished_at = MomentField(null=True, blank=True)
    counts = FactsField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, default="")
    process = ShortTextField(max_length=120, help_text="Host and process id.")

    class Meta:
        verbose_name_plural = "sweep batches"
        default_permissions = ("view",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="ledger_sweepbatch_once")]

    def __str__(self) -> str:
        return f"batch {self.number} of {self.run}"
