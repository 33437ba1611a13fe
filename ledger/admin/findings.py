"""What differs between the ledger and accounting systems: to look at, and to acknowledge with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from ledger.actions import acknowledge
from ledger.admin.base import AnyModelAdmin
from ledger.admin.confirmed import acknowledge_all
from ledger.admin.events import EventAdmin
from ledger.admin.evidence import shown_evidence
from ledger.admin.filters import TenantFilter
from ledger.models import FindingAcknowledged, FindingKind, FindingRaised, FindingResolved, RemoteReading
from ledger.unreadable import objects
from ledger.words import lazily as _
from ledger.words import moment_told, word

#: A longer list is no help; any value can still stand in the address.
_MOST = 100


class FindingStateFilter(admin.SimpleListFilter):
    """By state, which no column has: it is folded from the events."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """Open is what nobody has acknowledged, and no comparison has seen resolved."""
        return [("unresolved", _("unresolved")), ("acknowledged", _("acknowledged")), ("resolved", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Folds the events; what is resolved is no longer open, acknowledged or not."""
        if self.value() == "resolved":
            return queryset.filter(is_resolved=True)
        if self.value() in ("unresolved", "acknowledged"):
            return queryset.filter(is_resolved=False, is_acknowledged=self.value() == "acknowledged")
        return queryset


class SystemFilter(admin.SimpleListFilter):
    """By accounting system, for any model with the column."""

    title = _("system")
    parameter_name = "system"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The systems that were ever read."""
        systems = RemoteReading.objects.order_by("system").values_list("system", flat=True).distinct()[:_MOST]
        return [(system, system) for system in systems]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By its name in the settings."""
        return queryset if self.value() is None else queryset.filter(system=self.value())


class KindFilter(admin.SimpleListFilter):
    """By kind."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """As FindingKind tells them."""
        return [(str(value), str(word(label))) for value, label in FindingKind.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the column."""
        return queryset if self.value() is None else queryset.filter(kind=self.value())


@admin.register(FindingRaised)
class FindingRaisedAdmin(EventAdmin):
    """What comparisons have found, with both sides' facts and what became of it. The latest first."""

    list_display = ("number", "kind", "state", "system", "document", "raised_at", "shown_tenant")
    list_filter = (FindingStateFilter, KindFilter, SystemFilter, TenantFilter)
    search_fields = ("number",)  # shows the box; get_search_results() does the work
    search_help_text = _("A number from its beginning, or a whole document key.")
    actions = ("acknowledge_selected",)
    fieldsets = (
        (None, {"fields": ("number", "kind", "state", "system", "tenant", "document", "entry", "occurrence")}),
        (_("Facts of both sides"), {"fields": ("shown_here", "shown_there", "raised_at", "transaction_id")}),
        (_("Later"), {"fields": ("acknowledgements", "resolution")}),
    )
    readonly_fields = (
        *("number", "kind", "state", "system", "tenant", "document", "entry", "occurrence", "raised_at"),
        *("shown_here", "shown_there", "transaction_id", "acknowledgements", "resolution"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the later events folded in."""
        its_own = {"tenant": OuterRef("tenant"), "finding": OuterRef("pk")}
        queryset: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                is_resolved=Exists(FindingResolved.objects.filter(**its_own)),
                is_acknowledged=Exists(FindingAcknowledged.objects.filter(**its_own)),
            )
        )
        return queryset

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By number without regard to case, or by document."""
        term = search_term.strip().replace("\x00", "")
        if term:
            queryset = queryset.filter(subject__startswith=term.upper()) | queryset.filter(document=term)
        return queryset, False

    def has_acknowledge_finding_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return request.user.has_perm("ledger.acknowledge_finding")

    @admin.display(description=_("state"))
    def state(self, obj: Any) -> str:
        """Folded from the events, never stored."""
        state = "resolved" if obj.is_resolved else "acknowledged" if obj.is_acknowledged else "unresolved"
        return str(word(state))

    @admin.display(description=_("here"))
    def shown_here(self, obj: FindingRaised) -> str:
        """What the ledger said when it was raised."""
        return shown_evidence(obj.facts.get("here") or {})

    @admin.display(description=_("there"))
    def shown_there(self, obj: FindingRaised) -> str:
        """What the accounting system said, one document after the other."""
        told = [(shown_evidence(document),) for document in objects(obj.facts.get("there"))]
        return format_html_join("", "<div>{}</div>", told) or "–"

    @admin.display(description=_("acknowledged"))
    def acknowledgements(self, obj: FindingRaised) -> str:
        """By whom and why; later ones add to earlier ones."""
        told = FindingAcknowledged.objects.filter(finding=obj).order_by("pk")
        lines = ((moment_told(each.acknowledged_at), each.actor, each.reason) for each in told)
        return format_html_join("", "<p>{} {}: {}</p>", lines) or "–"

    @admin.display(description=_("resolved"))
    def resolution(self, obj: FindingRaised) -> str:
        """When a comparison no longer saw it."""
        event = FindingResolved.objects.filter(tenant=obj.tenant, finding=obj).first()
        return moment_told(event.resolved_at) if event else "–"

    @admin.action(description=_("Acknowledge selected findings"), permissions=["acknowledge_finding"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Acknowledges all of them or none, after a page that asks for the reason."""
        words = {
            "title": _("Acknowledge findings"),
            "warning": _("They stay as they are, and are told as acknowledged. What is said can't be taken back."),
        }
        return acknowledge_all(self, request, queryset, acknowledge, words)
