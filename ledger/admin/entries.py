"""The ledger, to look at: every value with what became of it. Voiding numbers, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from ledger.actions import all_or_none, void
from ledger.admin.base import (
    BoundedChangeList,
    BoundedPaginator,
    ReadOnlyAdmin,
    field_names,
    link_to,
    shown_period,
    shown_tenant,
)
from ledger.admin.confirmed import chosen_rows, confirmation_page
from ledger.admin.evidence import shown_declarations, shown_evidence, shown_metadata
from ledger.admin.filters import EntrySeriesFilter, PeriodFilter, StateFilter, TenantFilter
from ledger.errors import LedgerError
from ledger.keys import KEY_LENGTH, REASON_LENGTH, document_key, reason_text
from ledger.models import Adoption, Entry, GapExplained, NumberVoided
from ledger.replacing import replaced_by, replacement_of
from ledger.searching import find_entries
from ledger.words import day_told, moment_told, word
from ledger.words import lazily as _
from ledger.zones import zone_or_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

#: By value, in the order of the index that guards the counter, so that a page of millions is read without sorting.
_BY_VALUE = ("tenant", "period_id", "value")


class VoidForm(forms.Form):
    """What an auditor will read."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )
    replacement = forms.CharField(
        label=_("Replacement"),
        required=False,
        max_length=KEY_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("The document or number that takes its place, if there is one."),
    )

    def __init__(self, data: Any, *, count: int) -> None:
        super().__init__(data)
        if count != 1:
            del self.fields["replacement"]  # one document replaces one number

    def clean_reason(self) -> str:
        """As ``void`` takes it."""
        return _cleaned(reason_text, self.cleaned_data["reason"])

    def clean_replacement(self) -> str:
        """As ``void`` takes it."""
        return _cleaned(document_key, self.cleaned_data["replacement"] or None)


class EntryChangeList(BoundedChangeList):
    """Sorts by value, within tenant and period."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """The one order there is an index for, forwards or backwards: the latest first unless asked otherwise."""
        asked = self.params.get("o", "")
        ordering = _BY_VALUE if asked and not asked.startswith("-") else [f"-{field}" for field in _BY_VALUE]
        return list(ordering)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Issued and adopted numbers and gaps, one row for each value."""

    list_display = (
        "shown_number",
        "state",
        "document",
        "shown_date",
        "shown_series",
        "shown_period",
        "value",
        "shown_tenant",
        "issued_at",
        "actor",
    )
    list_filter = (StateFilter, TenantFilter, EntrySeriesFilter, PeriodFilter)
    list_select_related = ("series", "period")
    sortable_by = ("shown_number", "value")
    search_fields = ("number", "document")  # shows the box; find_entries() does the work
    search_help_text = _("A number, whole or from its beginning, or a whole document key.")
    show_full_result_count = False
    paginator = BoundedPaginator
    actions = ("void_selected",)
    fieldsets = (
        (None, {"fields": ("number", "state", "kind", "tenant", "series", "period", "value", "document")}),
        (_("Dates"), {"fields": ("issued_on", "issued_at")}),
        (_("Evidence"), {"fields": ("actor", "transaction_id", "shown_metadata", "adoption")}),
        (_("Later"), {"fields": ("void_event", "shown_replaces", "shown_replaced_by", "explanations", "declarations")}),
    )
    readonly_fields = (
        *field_names(Entry, without=("id", "metadata", "replaces")),
        "state",
        "shown_metadata",
        "adoption",
        "void_event",
        "shown_replaces",
        "shown_replaced_by",
        "explanations",
        "declarations",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the state's one event folded in."""
        voids = NumberVoided.objects.filter(tenant=OuterRef("tenant"), entry=OuterRef("pk"))
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(is_void=Exists(voids))
        return queryset

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """In the order of the index."""
        return EntryChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the ledger's own indexes."""
        term = search_term.strip().replace("\x00", "")
        return (queryset.filter(find_entries(term, queryset.db)) if term else queryset), False

    def has_void_number_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return request.user.has_perm("ledger.void_number")

    @admin.display(description=_("number"), ordering="value")
    def shown_number(self, obj: Entry) -> str:
        """What people read."""
        return format_html('<span class="ledger-day">{}</span>', obj.number)

    @admin.display(description=_("date"))
    def shown_date(self, obj: Entry) -> str:
        """The business date."""
        return format_html('<span class="ledger-day">{}</span>', day_told(obj.issued_on))

    @admin.display(description=_("state"))
    def state(self, obj: Any) -> str:
        """Folded from the events, never stored."""
        state = "void" if obj.is_void else obj.kind
        return format_html('<span class="ledger-state ledger-{}">{}</span>', state, word(state))

    @admin.display(description=_("series"))
    def shown_series(self, obj: Entry) -> str:
        """The code; the tenant has a column of its own."""
        return obj.series.code

    @admin.display(description=_("period"))
    def shown_period(self, obj: Entry) -> str:
        """Its span of dates."""
        return shown_period(obj.period)

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: Entry) -> str:
        """The owner of the number."""
        return shown_tenant(obj.tenant)

    @admin.display(description=_("metadata"))
    def shown_metadata(self, obj: Entry) -> str:
        """As it was passed, or a gap's evidence."""
        return shown_evidence(obj.metadata) if obj.kind == Entry.Kind.GAP else shown_metadata(obj.metadata)

    @admin.display(description=_("adopted from"))
    def adoption(self, obj: Entry) -> str:
        """The file that was taken over in the same transaction."""
        if obj.kind != Entry.Kind.ADOPTED:
            return "–"
        adoption = Adoption.objects.filter(
            tenant=obj.tenant, series=obj.series_id, transaction_id=obj.transaction_id
        ).first()
        return link_to(adoption, adoption, self.admin_site) if adoption else "–"

    @admin.display(description=_("void"))
    def void_event(self, obj: Entry) -> str:
        """When, by whom and why; there is at most one."""
        event = NumberVoided.objects.filter(tenant=obj.tenant, entry=obj).first()
        if event is None:
            return "–"
        event.entry = obj
        link = link_to(event, moment_told(event.voided_at, zone_or_utc(obj.series.time_zone)), self.admin_site)
        by = format_html(_("{} by {}"), link, event.actor) if event.actor else link
        instead = _(" (replaced by %(number)s)") % {"number": event.replacement} if event.replacement else ""
        return format_html("{}: {}{}", by, event.reason, instead)

    @admin.display(description=_("replaces"))
    def shown_replaces(self, obj: Entry) -> str:
        """The void number of the same document in whose place this one was given."""
        found = replaced_by(obj)
        return link_to(found, found.number, self.admin_site) if found else "–"

    @admin.display(description=_("replaced by"))
    def shown_replaced_by(self, obj: Entry) -> str:
        """The number that the document got after this one was void."""
        found = replacement_of(obj)
        return link_to(found, found.number, self.admin_site) if found else "–"

    @admin.display(description=_("explanations"))
    def explanations(self, obj: Entry) -> str:
        """What was said of a gap; later ones add to earlier ones."""
        told = GapExplained.objects.filter(entry=obj).order_by("pk")
        zone = zone_or_utc(obj.series.time_zone)
        lines = ((moment_told(one.explained_at, zone), one.actor or _("nobody named"), one.explanation) for one in told)
        return format_html_join("", "<p>{}, {}: {}</p>", lines) or "–"

    @admin.display(description=_("declared"))
    def declarations(self, obj: Entry) -> str:
        """To which authority a gap was declared."""
        if obj.kind != Entry.Kind.GAP:
            return "–"
        return shown_declarations(obj.tenant, obj.period_id, obj.value, obj.value, self.admin_site)

    @admin.action(description=_("Void selected numbers"), permissions=["void_number"])
    def void_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Voids all of them or none, after a page that asks for the reason."""
        alias = router.db_for_write(NumberVoided)
        chosen: Sequence[Any] | None = chosen_rows(self, request, queryset.using(alias))
        if chosen is None:
            return None
        confirmed = "confirmed" in request.POST
        form = VoidForm(request.POST if confirmed else None, count=len(chosen))
        failures: list[str] = []
        if confirmed and form.is_valid():
            said = form.cleaned_data
            failures = all_or_none(
                chosen,
                lambda entry: void(
                    entry,
                    reason=said["reason"],
                    by=request.user,
                    replacement=said.get("replacement") or None,
                    using=alias,
                ),
                alias,
                turn="void",
            ).failures
            if not failures:
                for entry in chosen:
                    self.log_change(request, entry, _("Voided."))
                self.message_user(
                    request, _("Void: %(numbers)s.") % {"numbers": ", ".join(map(str, chosen))}, messages.SUCCESS
                )
                return None
        words = {
            "title": _("Void numbers"),
            "warning": _("A void can't be taken back. The numbers stay in the ledger and are never given again."),
            "button": _("Void"),
            "action": "void_selected",
        }
        return confirmation_page(self, request, chosen, form, failures, words)


def _cleaned(check: Any, value: Any) -> str:
    try:
        return str(check(value))
    except LedgerError as error:
        raise ValidationError(str(error)) from error
