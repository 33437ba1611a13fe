"""Holes that sweeps have seen in pools, and what has become of them: to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from ledger.admin.base import shown_period
from ledger.admin.events import EventAdmin
from ledger.admin.filters import PeriodFilter, SeriesOfPeriodFilter, TenantFilter
from ledger.models import Entry, HoleReported
from ledger.words import lazily as _


@admin.register(HoleReported)
class HoleReportedAdmin(EventAdmin):
    """A free value below the highest number: the next checkout takes it, or it becomes a gap when its period closes."""

    list_display = ("shown_number", "became", "reported_at", "shown_series", "shown_period", "shown_tenant")
    list_select_related = ("period__series",)
    list_filter = (TenantFilter, SeriesOfPeriodFilter, PeriodFilter)
    fields = ("shown_number", "became", "period", "tenant", "value", "reported_at", "transaction_id")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the entry that the value has by now."""
        its_entry = Entry.objects.filter(tenant=OuterRef("tenant"), period=OuterRef("period"), value=OuterRef("value"))
        known = {name: Subquery(its_entry.values(column)[:1]) for name, column in (("entry", "pk"), ("kind", "kind"))}
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(**known)
        return queryset

    @admin.display(description=_("number"))
    def shown_number(self, obj: HoleReported) -> str:
        """The number of the value, whether it was issued since or not."""
        return format_html('<span class="ledger-day">{}</span>', obj.period.number_of(obj.value))

    @admin.display(description=_("became"))
    def became(self, obj: Any) -> str:
        """What the entry of the value tells, with the way to it."""
        if obj.entry is None:
            return gettext("not healed yet")
        url = reverse(f"{self.admin_site.name}:ledger_entry_change", args=[obj.entry])
        told = _("a gap") if obj.kind == Entry.Kind.GAP else _("healed")
        return format_html('<a href="{}">{}</a>', url, told)

    @admin.display(description=_("series"))
    def shown_series(self, obj: HoleReported) -> str:
        """The code; the tenant has a column of its own."""
        return obj.period.series.code

    @admin.display(description=_("period"))
    def shown_period(self, obj: HoleReported) -> str:
        """Its span of dates."""
        return shown_period(obj.period)
