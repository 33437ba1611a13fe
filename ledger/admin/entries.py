"""The ledger: every value and what happened to it. Voids numbers, with a reason."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import pgettext

from ledger.admin.base import Act, BoundedChangeList, BoundedPaginator, ReadOnlyAdmin, link_to, page_address
from ledger.admin.filters import EntrySearch, EntrySeriesFilter, PeriodFilter, StateFilter, TenantFilter
from ledger.localization import day_told, lazily as _, word
from ledger.models import Adoption, Entry, GapDeclared, NumberVoided
from ledger.replacing import replaced_by, replacement_of
from ledger.web.confirming import VoidForm, void_as_said
from ledger.web.number import story

#: The order of the unique index by value, so that PostgreSQL needs no sort for a page of millions of rows.
_BY_VALUE = ("tenant", "period_id", "value")


def _void_form(data: Any, count: int) -> VoidForm:
    form = VoidForm(data)
    form.fields["reason"].widget.attrs["class"] = "vLargeTextField"
    form.fields["replacement"].widget.attrs["class"] = "vTextField"
    if count != 1:
        del form.fields["replacement"]  # one document replaces one number
    return form


class EntryChangeList(BoundedChangeList):
    """Sorts by value, within tenant and period: the only order that has an index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """In both directions; by default the latest comes first."""
        asked = self.params.get("o", "")
        ordering = _BY_VALUE if asked and not asked.startswith("-") else [f"-{field}" for field in _BY_VALUE]
        return list(ordering)


@admin.register(Entry)
class EntryAdmin(EntrySearch, ReadOnlyAdmin):
    """Issued and adopted numbers and gaps, one row for each value."""

    changelist = EntryChangeList
    list_display = (
        *("shown_number", "state", "document", "shown_date", "shown_series", "shown_period", "value", "shown_tenant"),
        *("issued_at", "actor"),
    )
    list_filter = (StateFilter, TenantFilter, EntrySeriesFilter, PeriodFilter)
    list_select_related = ("series", "period")
    sortable_by = ("shown_number", "value")
    search_fields = ("number", "document")  # shows the box; EntrySearch does the work
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = ("void_selected",)
    fieldsets = (
        (None, {"fields": ("number", "state", "kind", "tenant", "series", "period", "value", "document")}),
        (_("Dates"), {"fields": ("issued_on", "issued_at")}),
        (_("Evidence"), {"fields": ("actor", "transaction_id", "shown_replaces", "shown_replaced_by", "events")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        voids = NumberVoided.objects.filter(tenant=OuterRef("tenant"), entry=OuterRef("pk"))
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(is_void=Exists(voids))
        return queryset

    def has_void_number_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ledger.void_number")

    def view_on_site(self, obj: Entry) -> str | None:
        return page_address("number", obj.period_id, obj.value)

    @admin.display(description=_("number"), ordering="value")
    def shown_number(self, obj: Entry) -> str:
        return format_html('<span class="ledger-day">{}</span>', obj.number)

    @admin.display(description=_("date"))
    def shown_date(self, obj: Entry) -> str:
        return format_html('<span class="ledger-day">{}</span>', day_told(obj.issued_on))

    @admin.display(description=_("state"))
    def state(self, obj: Any) -> str:
        """Computed from the events, never stored."""
        state = "void" if obj.is_void else obj.kind
        return format_html('<span class="ledger-state ledger-{}">{}</span>', state, word(state))

    @admin.display(description=_("replaces"))
    def shown_replaces(self, obj: Entry) -> str:
        return self._link(replaced_by(obj))

    @admin.display(description=_("replaced by"))
    def shown_replaced_by(self, obj: Entry) -> str:
        return self._link(replacement_of(obj))

    def _link(self, entry: Entry | None) -> str:
        return link_to(entry, entry.number, self.admin_site) if entry else "–"

    @admin.display(description=_("events"))
    def events(self, obj: Entry) -> str:
        """Every event about the value, as Folio's own page of it tells them."""
        told = story(obj.period, obj.value, with_findings=False).events
        linked = (Adoption, GapDeclared)
        titles = [link_to(e.row, e.title, self.admin_site) if isinstance(e.row, linked) else e.title for e in told]
        context = {"events": zip(titles, told, strict=True), "zone": obj.series.time_zone}
        return render_to_string("ledger/admin/events.html", context) if told else "–"

    @admin.action(description=_("Void selected numbers"), permissions=["void_number"])
    def void_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Voids all of them or none, after a page that asks for the reason."""

        return Act(
            action="void_selected",
            turn="void",
            title=pgettext("button", "Void numbers"),
            warning=_("A void can't be taken back. The numbers stay in the ledger and are never given again."),
            button=pgettext("button", "Void"),
            logged=_("Voided."),
            told=_("Void: %(numbers)s."),
            form=_void_form,
            do=partial(void_as_said, request.user),
        ).ask(self, request, queryset)
