"""Alarms of ``ledger_verify`` and the sweeps: to look at, and to acknowledge with a reason what can't be mended."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext

from ledger.actions import acknowledge_alarm
from ledger.admin.base import AnyModelAdmin
from ledger.admin.confirmed import acknowledge_all
from ledger.admin.events import EventAdmin
from ledger.admin.filters import TenantFilter
from ledger.models import AlarmAcknowledged, AlarmRaised
from ledger.verification.alarms import with_state
from ledger.words import lazily as _
from ledger.words import moment_told


class AlarmStateFilter(admin.SimpleListFilter):
    """By state, which no column has: it is folded from the events."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """Open is what nobody has acknowledged, and no later look has seen mended."""
        return [("unresolved", _("unresolved")), ("acknowledged", _("acknowledged")), ("resolved", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Folds the events; what is resolved is no longer open, acknowledged or not."""
        if self.value() == "resolved":
            return queryset.filter(resolved_at__isnull=False)
        if self.value() in ("unresolved", "acknowledged"):
            return queryset.filter(resolved_at=None, acknowledged_at__isnull=self.value() == "unresolved")
        return queryset


@admin.register(AlarmRaised)
class AlarmRaisedAdmin(EventAdmin):
    """What looks at the ledger have found, and whether it was mended. The latest first."""

    list_display = ("kind", "problem", "shown_state", "raised_at", "series", "shown_tenant")
    list_filter = (AlarmStateFilter, TenantFilter)
    search_fields = ("problem", "number")
    actions = ("acknowledge_selected",)
    fields = (
        *(
            "kind",
            "rule",
            "problem",
            "remedy",
            "shown_state",
            "raised_at",
            "tenant",
            "series",
            "starts_on",
            "ordinal",
            "value",
        ),
        *("through", "number", "table_name", "row_id", "occurrence", "transaction_id"),
        "acknowledgements",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the later events folded in."""
        return with_state(super().get_queryset(request))

    def has_acknowledge_alarm_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return request.user.has_perm("ledger.acknowledge_alarm")

    @admin.display(description=_("state"))
    def shown_state(self, obj: Any) -> str:
        """Open, or since when it is not."""
        for word, moment in ((_("resolved"), obj.resolved_at), (_("acknowledged"), obj.acknowledged_at)):
            if moment is not None:
                return f"{word} {moment_told(moment)}"
        return gettext("unresolved")

    @admin.display(description=_("acknowledged"))
    def acknowledgements(self, obj: AlarmRaised) -> str:
        """By whom and why; later ones add to earlier ones."""
        told = AlarmAcknowledged.objects.filter(alarm=obj).order_by("pk")
        lines = ((moment_told(each.acknowledged_at), each.actor, each.reason) for each in told)
        return format_html_join("", "<p>{} {}: {}</p>", lines) or "–"

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: AlarmRaised) -> str:
        """The owner of the numbers, or that it concerns all of them."""
        return gettext("all") if obj.tenant is None else super().shown_tenant(obj)

    @admin.action(description=_("Acknowledge selected alarms"), permissions=["acknowledge_alarm"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Acknowledges all of them or none, after a page that asks for the reason."""
        words = {
            "title": _("Acknowledge alarms"),
            "warning": _("What they found stays as it is, and no longer counts. What is said can't be taken back."),
        }
        return acknowledge_all(self, request, queryset, acknowledge_alarm, words)
