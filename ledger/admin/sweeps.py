"""What the sweeps did, run by run: to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext

from ledger.admin.events import EventAdmin
from ledger.models import SweepBatch, SweepRun
from ledger.words import lazily as _
from ledger.words import moment_told


@admin.register(SweepRun)
class SweepRunAdmin(EventAdmin):
    """When each sweep ran, what it counted, and what went wrong."""

    list_display = ("sweep", "started_at", "shown_finish", "shown_counts", "batches", "error", "process")
    list_filter: ClassVar[tuple[str, ...]] = ("sweep",)
    fields = ("sweep", "started_at", "shown_finish", "shown_counts", "batches", "error", "process")
    readonly_fields = fields

    @admin.display(description=_("finished at"))
    def shown_finish(self, obj: SweepRun | SweepBatch) -> Any:
        """The time, or that it has none."""
        return moment_told(obj.finished_at) or _("not yet; if its process was killed or a batch was lost, never")

    @admin.display(description=_("counted"))
    def shown_counts(self, obj: SweepRun | SweepBatch) -> str:
        """The counts above zero."""
        counts = ", ".join(f"{count} {name}" for name, count in obj.counts.items() if count)
        return counts or gettext("nothing to do")


@admin.register(SweepBatch)
class SweepBatchAdmin(SweepRunAdmin):
    """The batches that the work of long runs was spread over."""

    list_display = ("run", "number", "started_at", "shown_finish", "shown_counts", "error", "process")
    list_filter = ()
    list_select_related = ("run",)
    fields = ("run", "number", "started_at", "shown_finish", "shown_counts", "error", "process")
    readonly_fields = fields
