"""Drafts in accounting systems whose numbers remote series give out, and how their pools do: to look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from ledger.admin.base import ReadOnlyAdmin, field_names, link_to, shown_period, shown_tenant
from ledger.admin.events import EventAdmin
from ledger.admin.filters import PeriodFilter, SeriesOfPeriodFilter, TenantFilter
from ledger.models import DraftCancelled, DraftMade, Entry, RemotePool
from ledger.words import lazily as _


@admin.register(DraftMade)
class DraftMadeAdmin(EventAdmin):
    """Drafts in the order in which they were made, the latest first, and what has become of each."""

    list_display = ("number", "became", "shown_series", "shown_period", "shown_tenant", "system", "drafted_at")
    list_select_related = ("period__series",)
    list_filter = (TenantFilter, SeriesOfPeriodFilter, PeriodFilter, "system")
    search_fields = ("number", "remote_id")
    search_help_text = _("Part of a number, or of the accounting system's own key.")
    fields: ClassVar[tuple[str, ...]] = ("number", "became", *field_names(DraftMade, without=("id", "number")))
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the entry that the value has by now, and whether the draft was cancelled there."""
        its_entry = Entry.objects.filter(tenant=OuterRef("tenant"), period=OuterRef("period"), value=OuterRef("value"))
        known = {name: Subquery(its_entry.values(column)[:1]) for name, column in (("entry", "pk"), ("kind", "kind"))}
        cancelled = Exists(DraftCancelled.objects.filter(tenant=OuterRef("tenant"), draft=OuterRef("pk")))
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(**known, cancelled=cancelled)
        return queryset

    @admin.display(description=_("became"))
    def became(self, obj: Any) -> str:
        """What the entry of its value tells, with the way to it."""
        after = f", {_('cancelled there')}" if obj.cancelled else ""
        if obj.value is None:
            return _("not taken: %(why)s") % {"why": obj.refusal} + after
        if obj.entry is None:
            return gettext("free, or held by a checkout")
        url = reverse(f"{self.admin_site.name}:ledger_entry_change", args=[obj.entry])
        told = _("a gap") if obj.kind == Entry.Kind.GAP else _("issued")
        return format_html('<a href="{}">{}</a>{}', url, told, after)

    @admin.display(description=_("series"))
    def shown_series(self, obj: DraftMade) -> str:
        """The code; the tenant has a column of its own."""
        return obj.period.series.code

    @admin.display(description=_("period"))
    def shown_period(self, obj: DraftMade) -> str:
        """Its span of dates."""
        return shown_period(obj.period)


@admin.register(RemotePool)
class RemotePoolAdmin(ReadOnlyAdmin):
    """When each pool was refilled last, and what went wrong since."""

    list_display = (
        *("series_link", "shown_tenant", "system", "wanted", "refilled_at", "tried_at", "error", "needs_person"),
    )
    list_select_related = ("series",)
    list_filter = (TenantFilter, "needs_person", "system")
    ordering = ("tenant", "series__code")
    sortable_by = ()
    fields = field_names(RemotePool, without=("id", "claimed_by"))
    readonly_fields = fields

    @admin.display(description=_("series"))
    def series_link(self, obj: RemotePool) -> str:
        """The way to the settings."""
        return link_to(obj.series, obj.series.code, self.admin_site)

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: RemotePool) -> str:
        """The owner of the numbers."""
        return shown_tenant(obj.tenant)
