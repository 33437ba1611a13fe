"""The ledger: every value and what happened to it. Voids numbers, with a reason."""

import json
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import pgettext

from ledger.admin.base import Act, BoundedChangeList, BoundedPaginator, ReadOnlyAdmin, link_to, page_address
from ledger.admin.filters import EntrySearch, EntrySeriesFilter, PeriodFilter, StateFilter, TenantFilter
from ledger.localization import day_told, lazily as _, moment_told, word
from ledger.models import Adoption, Entry, GapDeclared, GapExplained, NumberVoided
from ledger.replacing import replaced_by, replacement_of
from ledger.templatetags.ledger_pages import LONGEST, evidence
from ledger.unreadable import cut
from ledger.web.confirming import VoidForm, void_as_said
from ledger.zones import zone_or_utc

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
        (_("Evidence"), {"fields": ("actor", "transaction_id", "shown_metadata", "adoption")}),
        (_("Later"), {"fields": ("void_event", "shown_replaces", "shown_replaced_by", "explanations", "declarations")}),
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

    @admin.display(description=_("metadata"))
    def shown_metadata(self, obj: Entry) -> str:
        """The metadata as passed to ``issue``, or a gap's evidence."""
        if obj.kind == Entry.Kind.GAP or not obj.metadata:
            return evidence(obj.metadata, "ledger-evidence") or "–"
        return format_html("<pre>{}</pre>", cut(json.dumps(obj.metadata, indent=2, ensure_ascii=False), LONGEST))

    @admin.display(description=_("adopted from"))
    def adoption(self, obj: Entry) -> str:
        """The file that was adopted in the same transaction."""
        if obj.kind != Entry.Kind.ADOPTED:
            return "–"
        where = {"tenant": obj.tenant, "series": obj.series_id, "transaction_id": obj.transaction_id}
        adoption = Adoption.objects.filter(**where).first()
        return link_to(adoption, adoption, self.admin_site) if adoption else "–"

    @admin.display(description=_("void"))
    def void_event(self, obj: Entry) -> str:
        event = NumberVoided.objects.filter(tenant=obj.tenant, entry=obj).first()
        if event is None:
            return "–"
        at = moment_told(event.voided_at, zone_or_utc(obj.series.time_zone))
        by = format_html(str(_("{} by {}")), at, event.actor) if event.actor else at
        instead = _(" (replaced by %(number)s)") % {"number": event.replacement} if event.replacement else ""
        return format_html("{}: {}{}", by, event.reason, instead)

    @admin.display(description=_("replaces"))
    def shown_replaces(self, obj: Entry) -> str:
        return self._link(replaced_by(obj))

    @admin.display(description=_("replaced by"))
    def shown_replaced_by(self, obj: Entry) -> str:
        return self._link(replacement_of(obj))

    def _link(self, entry: Entry | None) -> str:
        return link_to(entry, entry.number, self.admin_site) if entry else "–"

    @admin.display(description=_("explanations"))
    def explanations(self, obj: Entry) -> str:
        told = GapExplained.objects.filter(entry=obj).order_by("pk")
        zone = zone_or_utc(obj.series.time_zone)
        lines = ((moment_told(one.explained_at, zone), one.actor or _("nobody named"), one.explanation) for one in told)
        return format_html_join("", "<p>{}, {}: {}</p>", lines) or "–"

    @admin.display(description=_("declared"))
    def declarations(self, obj: Entry) -> str:
        if obj.kind != Entry.Kind.GAP:
            return "–"
        its_own = {"tenant": obj.tenant, "period": obj.period_id}
        found = GapDeclared.objects.filter(**its_own, first_value__lte=obj.value, last_value__gte=obj.value)
        told = (
            (link_to(x, x, self.admin_site), moment_told(x.declared_at), x.justification) for x in found.order_by("pk")
        )
        return format_html_join("", "<p>{}, {} {}</p>", told) or "–"

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
