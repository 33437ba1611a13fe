"""What the sweeps did, run by run: to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from ledger.admin.events import EventAdmin
from ledger.models import SweepRun


@admin.register(SweepRun)
class SweepRunAdmin(EventAdmin):
    """When each sweep ran, what it counted, and what went wrong."""

    list_display = ("sweep", "started_at", "shown_finish", "shown_counts", "error", "process")
    list_filter = ("sweep",)
    fields = ("sweep", "started_at", "shown_finish", "shown_counts", "error", "process")
    readonly_fields = fields

    @admin.display(description="finished at")
    def shown_finish(self, obj: SweepRun) -> Any:
        """The time, or that it has none."""
        return obj.finished_at or "not yet; if its process was killed, never"

    @admin.display(description="counted")
    def shown_counts(self, obj: SweepRun) -> str:
        """The counts above zero."""
        return ", ".join(f"{count} {name}" for name, count in obj.counts.items() if count) or "nothing to do"
