"""Read-only pages of what was pushed to accounting systems, and what waits for a worker or a person."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin.base import link_to
from ledger.admin.events import EventAdmin
from ledger.admin.filters import EntrySearch, SystemFilter, TenantFilter
from workers.models import Push, PushPosition


class PushSystemFilter(SystemFilter):
    """By accounting system: those whose pushes have run."""

    rows = PushPosition


@admin.register(Push)
class PushAdmin(EntrySearch, EventAdmin):
    """The latest first. After a person has corrected a problem, ``ledger_push --retry`` continues."""

    list_display = (
        *("shown_number", "system", "state", "document", "issued_on", "attempts"),
        *("shown_error", "shown_tenant"),
    )
    list_filter: ClassVar[tuple[Any, ...]] = (TenantFilter, PushSystemFilter, "state")
    list_select_related = ("entry__series",)
    search_fields = ("number",)  # shows the box; EntrySearch does the work
    fields = (
        *("shown_number", "system", "state", "document", "issued_on", "shown_tenant", "remote_id", "found_at"),
        *("pushed_at", "void", "cancelled_at", "attempts", "next_attempt_at", "last_error", "facts", "claimed_until"),
    )
    readonly_fields = fields

    @admin.display(description="number")
    def shown_number(self, obj: Push) -> SafeString:
        """A link to the entry."""
        return link_to(obj.entry, obj.number, self.admin_site)

    @admin.display(description="error")
    def shown_error(self, obj: Push) -> str:
        """The beginning of the error; the row's page has all of it."""
        return obj.last_error if len(obj.last_error) <= 80 else f"{obj.last_error[:80]} …"
