"""Alarms of ``ledger_verify`` and the sweeps: to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from ledger.admin.base import AnyModelAdmin
from ledger.admin.events import EventAdmin
from ledger.admin.filters import TenantFilter
from ledger.models import AlarmRaised, AlarmResolved
from ledger.moments import timestamp


class AlarmStateFilter(admin.SimpleListFilter):
    """By state, which no column has: it is folded from the events."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """Open is what no later look has seen mended."""
        return [("open", "open"), ("resolved", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Folds the events."""
        if self.value() in ("open", "resolved"):
            return queryset.filter(resolved_at__isnull=self.value() == "open")
        return queryset


@admin.register(AlarmRaised)
class AlarmRaisedAdmin(EventAdmin):
    """What looks at the ledger have found, and whether it was mended. The latest first."""

    list_display = ("kind", "problem", "shown_state", "raised_at", "series", "shown_tenant")
    list_filter = (AlarmStateFilter, TenantFilter)
    search_fields = ("problem", "number")
    fields = (
        *("kind", "rule", "problem", "remedy", "shown_state", "raised_at", "tenant", "series", "starts_on", "value"),
        *("through", "number", "table_name", "row_id", "occurrence", "transaction_id"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With when it was resolved."""
        resolutions = AlarmResolved.objects.filter(alarm=OuterRef("pk")).values("resolved_at")[:1]
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(resolved_at=Subquery(resolutions))
        return queryset

    @admin.display(description="state")
    def shown_state(self, obj: Any) -> str:
        """Open, or since when it is not."""
        return "open" if obj.resolved_at is None else f"resolved {timestamp(obj.resolved_at)}"

    @admin.display(description="tenant")
    def shown_tenant(self, obj: AlarmRaised) -> str:
        """The owner of the numbers, or that it concerns all of them."""
        return "all" if obj.tenant is None else super().shown_tenant(obj)
