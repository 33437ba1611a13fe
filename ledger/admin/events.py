"""What authorities were told of entries, and adopted histories: to look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ledger.admin.base import BoundedPaginator, ReadOnlyAdmin, shown_tenant
from ledger.admin.filters import SeriesFilter, SeriesOfPeriodFilter, TenantFilter
from ledger.admin.search import EntrySearch
from ledger.models import Adoption, GapDeclared, NumberRegistered
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
    def gap_ranges(self, obj: Any) -> int:
        """How many ranges it left out; the page of gaps lists them."""
        return int(obj.range_count)


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
