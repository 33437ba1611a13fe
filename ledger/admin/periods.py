"""Periods and their counters, to look at; closing them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext

from ledger.actions import close_period
from ledger.admin.base import BoundedPaginator, ReadOnlyAdmin, link_to, page_address, shown_period, shown_tenant
from ledger.admin.confirmed import Act
from ledger.admin.filters import OpenFilter, SeriesFilter, TenantFilter
from ledger.admin.judged import JudgedChangeList, state_of
from ledger.models import Allocation, Period
from ledger.queues import upcoming, with_waiting
from ledger.words import lazily as _


class CloseForm(forms.Form):
    """What must be said on the page that asks."""

    early = forms.BooleanField(
        required=False,
        label=_("Close a period that still runs"),
        help_text=_("Without this, only periods that have ended are closed."),
    )


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """The first use of a period opens it, and issuing moves its counter; a person can close it."""

    list_display = (
        *("shown_label", "series_link", "shown_tenant", "counter", "waiting", "next_number", "state", "stands"),
        "entries",
    )
    list_display_links = ("shown_label",)
    list_filter = (OpenFilter, TenantFilter, SeriesFilter)
    list_select_related = ("series",)
    search_fields = ("series__code", "prefix")
    ordering = ("tenant", "series__code", "-starts_on")
    sortable_by = ("shown_label", "series_link", "shown_tenant")
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = ("close_selected",)
    fieldsets = (
        (None, {"fields": ("series", "tenant", "starts_on", "ends_on", "state", "stands", "closed_at", "opened_at")}),
        (
            _("Counter"),
            {
                "fields": (
                    *("next_number", "first_value", "last_value", "max_value", "waiting", "last_issued_on", "entries"),
                )
            },
        ),
        (_("Format"), {"fields": ("prefix", "width", "suffix")}),
    )
    readonly_fields = ("state", "stands", "next_number", "waiting", "entries")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what waits in the queues of each period."""
        return with_waiting(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """With how each period stands."""
        return JudgedChangeList

    def has_close_period_now_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return request.user.has_perm("ledger.close_period_now")

    def view_on_site(self, obj: Period) -> str | None:
        """Its page has the number line, voids, gaps and files."""
        return page_address("period", obj.pk)

    @admin.display(description=_("period"), ordering="starts_on")
    def shown_label(self, obj: Period) -> str:
        """Its span of dates."""
        return shown_period(obj)

    @admin.display(description=_("series"), ordering="series__code")
    def series_link(self, obj: Period) -> str:
        """The way to the settings."""
        return link_to(obj.series, obj.series.code, self.admin_site)

    @admin.display(description=_("tenant"), ordering="tenant")
    def shown_tenant(self, obj: Period) -> str:
        """The owner of the numbers."""
        return shown_tenant(obj.tenant)

    @admin.display(description=_("counter"))
    def counter(self, obj: Period) -> str:
        """The last value taken."""
        return str(obj.last_value) if obj.last_value >= obj.first_value else gettext("not used yet")

    @admin.display(description=_("next number"))
    def next_number(self, obj: Any) -> str:
        """None when it is closed or at its end."""
        value = upcoming(obj)
        if obj.closed_at is not None or value > obj.max_value:
            return "–"
        if obj.series.allocation == Allocation.REMOTE and not obj.free_slots:
            return gettext("none: its pool of drafts is empty")
        return str(obj.number_of(value))

    @admin.display(description=_("waiting"))
    def waiting(self, obj: Any) -> str:
        """Values that the counter gave out and that have no entry yet."""
        told: list[str] = []
        if obj.reserved:
            url = reverse(f"{self.admin_site.name}:ledger_reservation_changelist")
            told.append(
                format_html('<a href="{}?period={}">{}</a>', url, obj.pk, _("%(n)s reserved") % {"n": obj.reserved})
            )
        if obj.free_slots:
            told.append(_("%(n)s free") % {"n": obj.free_slots})
        return format_html_join(", ", "{}", ((one,) for one in told)) or "–"

    @admin.display(description=_("open"))
    def state(self, obj: Period) -> str:
        """A closed period never opens again."""
        return gettext("open") if obj.closed_at is None else gettext("closed")

    @admin.display(description=_("state"))
    def stands(self, obj: Period) -> str:
        """The judge's word."""
        state = state_of(obj)
        return format_html('<span class="ledger-state ledger-stands-{}">{}</span>', state.badge, state.label)

    @admin.display(description=_("entries"))
    def entries(self, obj: Period) -> str:
        """The way to the ledger."""
        url = reverse(f"{self.admin_site.name}:ledger_entry_changelist")
        return format_html('<a href="{}?period={}">{}</a>', url, obj.pk, _("Entries"))

    @admin.action(description=_("Close selected periods"), permissions=["close_period_now"])
    def close_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Closes all of them or none, after a page that asks."""

        def do(period: Period, said: dict[str, Any], alias: str) -> object:
            return close_period(period, early=said["early"], by=request.user, using=alias)

        return Act(
            action="close_selected",
            turn="close",
            title=_("Close periods"),
            warning=_("A closed period never opens again: nothing can be issued in it, nor adopted."),
            button=_("Close"),
            logged=_("Closed."),
            told=_("Closed: %(periods)s."),
            form=lambda data, count: CloseForm(data),
            do=do,
        ).ask(self, request, queryset)
