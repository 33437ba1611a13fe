"""What the sweeps did, run by run: operational rows that are written twice and go away after a while."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ledger.models.events import written_at


class SweepRun(models.Model):
    """One run of one sweep: when, what it counted, and what went wrong.

    ``finished_at`` is null while it runs, and for good if its process was killed. ``error`` is empty where all
    went well.
    """

    sweep = models.CharField(max_length=220)
    started_at = written_at()
    finished_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, default="")
    process = models.CharField(max_length=120, help_text="Host and process id.")

    class Meta:
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["sweep", "-started_at"], name="ledger_sweeprun_latest")]

    def __str__(self) -> str:
        return f"{self.sweep} at {self.started_at:%Y-%m-%d %H:%M:%S}"
