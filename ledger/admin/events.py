"""What happened to entries later, and adopted histories: to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from ledger.admin.base import BoundedPaginator, ReadOnlyAdmin, link_to, shown_tenant
from ledger.admin.evidence import shown_declarations
from ledger.admin.filters import SeriesFilter, SeriesOfPeriodFilter, TenantFilter
from ledger.admin.search import EntrySearch
from ledger.models import AdoptedGap, Adoption, GapDeclared, GapExplained, NumberRegistered, NumberVoided
from ledger.words import lazily as _
from ledger.words import span_told


class EventAdmin(ReadOnlyAdmin):
    """The latest first, in the order of writing."""

    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    list_filter: ClassVar[tuple[Any, ...]] = (TenantFilter,)
    sortable_by = ()
    show_full_result_count = False
    paginator = BoundedPaginator

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: Any) -> str:
        """The owner of the numbers."""
        return shown_tenant(obj.tenant)


@admin.register(NumberVoided)
class NumberVoidedAdmin(EntrySearch, EventAdmin):
    """Who voided which number, and why."""

    list_display = ("number", "shown_tenant", "reason", "replacement", "actor", "voided_at")
    list_select_related = ("entry__series",)
    search_fields = ("entry__number",)  # shows the box; EntrySearch does the work
    fields = ("entry", "tenant", "reason", "replacement", "actor", "voided_at", "transaction_id")
    readonly_fields = fields

    @admin.display(description=_("number"))
    def number(self, obj: NumberVoided) -> str:
        """What people read."""
        return obj.entry.number


@admin.register(NumberRegistered)
class NumberRegisteredAdmin(EntrySearch, EventAdmin):
    """Under which reference an authority knows a number."""

    list_display = ("number", "shown_tenant", "authority", "reference", "actor", "registered_at")
    list_select_related = ("entry",)
    search_fields = ("entry__number",)
    fields = ("entry", "tenant", "authority", "reference", "digest", "actor", "registered_at", "transaction_id")
    readonly_fields = fields

    @admin.display(description=_("number"))
    def number(self, obj: NumberRegistered) -> str:
        """What people read."""
        return obj.entry.number


@admin.register(Adoption)
class AdoptionAdmin(EventAdmin):
    """Which file was taken over, and how it was read."""

    list_display = ("source", "shown_series", "shown_tenant", "rows", "gap_ranges", "actor", "adopted_at")
    list_select_related = ("series",)
    list_filter = (TenantFilter, SeriesFilter)
    fields = (
        "source",
        "digest",
        "series",
        "tenant",
        "rows",
        "gap_ranges",
        "options",
        "actor",
        "adopted_at",
        "transaction_id",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of ranges that the previous system left out."""
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(range_count=Count("gaps"))
        return queryset

    @admin.display(description=_("series"))
    def shown_series(self, obj: Adoption) -> str:
        """The code; the tenant has a column of its own."""
        return obj.series.code

    @admin.display(description=_("missing ranges"))
    def gap_ranges(self, obj: Any) -> str:
        """The way to the gaps of the previous system."""
        url = reverse(f"{self.admin_site.name}:ledger_adoptedgap_changelist")
        return format_html('<a href="{}?adoption__id__exact={}">{}</a>', url, obj.pk, obj.range_count)


@admin.register(AdoptedGap)
class AdoptedGapAdmin(EventAdmin):
    """The ranges that a previous system left without a number."""

    list_display = ("shown_range", "missing", "shown_period", "shown_tenant", "explained")
    list_select_related = ("period__series",)
    list_filter = (TenantFilter, "adoption")
    ordering = ("tenant", "period_id", "first_value")
    fields = ("first_value", "last_value", "missing", "period", "tenant", "adoption", "explained", "declared")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the size of each range and the number of its explanations."""
        counted = {"size": F("last_value") - F("first_value") + 1, "explained_times": Count("explanations")}
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(**counted)
        return queryset

    @admin.display(description=_("values"))
    def shown_range(self, obj: AdoptedGap) -> str:
        """Both ends inclusive."""
        return str(obj.first_value) if obj.first_value == obj.last_value else str(obj)

    @admin.display(description=_("missing"))
    def missing(self, obj: Any) -> int:
        """How many values the range has."""
        return int(obj.size)

    @admin.display(description=_("period"))
    def shown_period(self, obj: AdoptedGap) -> str:
        """With its series."""
        return str(obj.period)

    @admin.display(description=_("explained"), boolean=True)
    def explained(self, obj: Any) -> bool:
        """Whether somebody said why."""
        return bool(obj.explained_times)

    @admin.display(description=_("declared"))
    def declared(self, obj: AdoptedGap) -> str:
        """To whom, and under which receipt."""
        return shown_declarations(obj.tenant, obj.period_id, obj.first_value, obj.last_value, self.admin_site)


@admin.register(GapExplained)
class GapExplainedAdmin(EventAdmin):
    """What was said of gaps."""

    list_display = ("subject", "explanation", "shown_tenant", "actor", "explained_at")
    list_display_links = ("explanation",)
    list_select_related = ("entry__series", "adopted_gap__period__series")
    fields = ("subject", "explanation", "tenant", "actor", "explained_at", "transaction_id")
    readonly_fields = fields

    @admin.display(description=_("gap"))
    def subject(self, obj: GapExplained) -> str:
        """The flagged value or the range it speaks of."""
        gap = obj.entry or obj.adopted_gap
        return link_to(gap, gap, self.admin_site) if gap else "–"


@admin.register(GapDeclared)
class GapDeclaredAdmin(EventAdmin):
    """Which missing numbers were declared to whom, and under which receipt."""

    list_display = ("shown_range", "authority", "reference", "shown_period", "shown_tenant", "actor", "declared_at")
    list_select_related = ("period__series",)
    list_filter = (TenantFilter, "authority", SeriesOfPeriodFilter)
    search_fields = ("reference",)
    fields = (
        *("first_value", "last_value", "period", "tenant", "authority", "reference", "justification"),
        *("actor", "declared_at", "transaction_id"),
    )
    readonly_fields = fields

    @admin.display(description=_("values"))
    def shown_range(self, obj: GapDeclared) -> str:
        """Both ends inclusive."""
        return f"{obj.first_value}" if obj.first_value == obj.last_value else span_told(obj.first_value, obj.last_value)

    @admin.display(description=_("period"))
    def shown_period(self, obj: GapDeclared) -> str:
        """With its series."""
        return str(obj.period)
