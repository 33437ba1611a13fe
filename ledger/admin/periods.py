"""Periods and their counters. Closes periods."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext

from ledger.actions import close_period
from ledger.admin.base import Act, BoundedChangeList, BoundedPaginator, ReadOnlyAdmin, page_address, shown_period
from ledger.admin.filters import OpenFilter, SeriesFilter, TenantFilter
from ledger.judging import Judgement, State, judge
from ledger.localization import lazily as _
from ledger.models import Allocation, Period
from ledger.queues import upcoming, with_waiting
from ledger.sweeps.health import health

_KEPT = "_ledger_judgement"


def judgement_for(request: HttpRequest) -> Judgement:
    """The verdict on the whole ledger, computed once for each request."""
    known: Judgement | None = getattr(request, _KEPT, None)
    if known is None:
        known = judge(sweeps=health())
        setattr(request, _KEPT, known)
    return known


def state_of(period: Any) -> State:
    """The state of a period. A list has read that of all its rows at once."""
    judgement: Judgement | None = getattr(period, _KEPT, None)
    if judgement is None:
        judgement = judge(tenant=period.tenant, series=period.series.code, sweeps=health())
    return judgement.of(period.tenant, period.series.code, period.starts_on, period.ordinal).state


class JudgedChangeList(BoundedChangeList):
    """A list of periods, each with its state."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Period] = list(self.result_list)
        judgement = judgement_for(request)
        for row in rows:
            setattr(row, _KEPT, judgement)
        self.result_list = rows


class CloseForm(forms.Form):
    """What a person confirms before periods close."""

    early = forms.BooleanField(
        required=False,
        label=_("Close a period that still runs"),
        help_text=_("Without this, only periods that have ended are closed."),
    )


_COUNTER = ("next_number", "first_value", "last_value", "max_value", "waiting", "last_issued_on", "entries")


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """The first use of a period opens it, and issuing moves its counter; a person can close it."""

    changelist = JudgedChangeList
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
        (_("Counter"), {"fields": _COUNTER}),
        (_("Format"), {"fields": ("prefix", "width", "suffix")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_waiting(super().get_queryset(request))

    def has_close_period_now_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ledger.close_period_now")

    def view_on_site(self, obj: Period) -> str | None:
        return page_address("period", obj.pk)

    @admin.display(description=_("period"), ordering="starts_on")
    def shown_label(self, obj: Period) -> str:
        return shown_period(obj)

    @admin.display(description=_("counter"))
    def counter(self, obj: Period) -> str:
        return str(obj.last_value) if obj.last_value >= obj.first_value else gettext("not used yet")

    @admin.display(description=_("next number"))
    def next_number(self, obj: Any) -> str:
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
        state = state_of(obj)
        return format_html('<span class="ledger-state ledger-stands-{}">{}</span>', state.badge, state.label)

    @admin.display(description=_("entries"))
    def entries(self, obj: Period) -> str:
        url = reverse(f"{self.admin_site.name}:ledger_entry_changelist")
        return format_html('<a href="{}?period={}">{}</a>', url, obj.pk, _("Entries"))

    @admin.action(description=_("Close selected periods"), permissions=["close_period_now"])
    def close_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        def do(period: Period, said: dict[str, Any], alias: str) -> object:
            return close_period(period, early=said["early"], by=request.user, using=alias)

        return Act(
            action="close_selected",
            turn="close",
            title=_("Close periods"),
            warning=_("A closed period never opens again: nothing can be issued or adopted in it."),
            button=_("Close"),
            logged=_("Closed."),
            told=_("Closed: %(periods)s."),
            form=lambda data, count: CloseForm(data),
            do=do,
        ).ask(self, request, queryset)
