"""Read-only pages of events, queues, adopted histories, drafts and the documents of accounting systems."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from ledger import models
from ledger.admin.base import BoundedPaginator, ReadOnlyAdmin, field_names, link_to, shown_period
from ledger.admin.filters import (
    EntrySearch,
    PeriodFilter,
    SeriesFilter,
    SeriesOfPeriodFilter,
    SystemFilter,
    TenantFilter,
)
from ledger.localization import lazily as _, span_told


class EventAdmin(ReadOnlyAdmin):
    """The latest first, in the order of writing."""

    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    list_filter: ClassVar[tuple[Any, ...]] = (TenantFilter,)
    sortable_by = ()
    show_full_result_count = False
    paginator = BoundedPaginator


@admin.register(models.NumberRegistered)
class NumberRegisteredAdmin(EntrySearch, EventAdmin):
    """The reference by which an authority knows a number."""

    list_display = ("entry__number", "shown_tenant", "authority", "reference", "actor", "registered_at")
    list_select_related = ("entry",)
    search_fields = ("entry__number",)
    fields = ("entry", "tenant", "authority", "reference", "digest", "actor", "registered_at", "transaction_id")


@admin.register(models.Adoption)
class AdoptionAdmin(EventAdmin):
    """Which file was adopted, and how it was read."""

    list_display = ("source", "shown_series", "shown_tenant", "rows", "gap_ranges", "actor", "adopted_at")
    list_select_related = ("series",)
    list_filter = (TenantFilter, SeriesFilter)
    fields = (
        *("source", "digest", "series", "tenant", "rows", "gap_ranges", "options", "actor", "adopted_at"),
        "transaction_id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(range_count=Count("gaps"))
        return queryset

    @admin.display(description=_("missing ranges"))
    def gap_ranges(self, obj: Any) -> int:
        """How many ranges of values it left out; the page of gaps lists them."""
        return int(obj.range_count)


@admin.register(models.GapDeclared)
class GapDeclaredAdmin(EventAdmin):
    """Missing numbers that were declared to an authority, with its receipt."""

    list_display = ("shown_range", "authority", "reference", "period", "shown_tenant", "actor", "declared_at")
    list_select_related = ("period__series",)
    list_filter = (TenantFilter, "authority", SeriesOfPeriodFilter)
    search_fields = ("reference",)
    fields = (
        *("first_value", "last_value", "period", "tenant", "authority", "reference", "justification"),
        *("actor", "declared_at", "transaction_id"),
    )

    @admin.display(description=_("values"))
    def shown_range(self, obj: models.GapDeclared) -> str:
        return f"{obj.first_value}" if obj.first_value == obj.last_value else span_told(obj.first_value, obj.last_value)


class _BecameEntry(EventAdmin):
    """The values of a pool, and what happened to each."""

    list_select_related = ("period__series",)
    list_filter: ClassVar[tuple[Any, ...]] = (TenantFilter, SeriesOfPeriodFilter, PeriodFilter)
    #: What the list says of a value without an entry, and of one that a document has.
    waiting: ClassVar[str]
    issued: ClassVar[str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        its_entry = models.Entry.objects.filter(
            tenant=OuterRef("tenant"), period=OuterRef("period"), value=OuterRef("value")
        )
        known = {name: Subquery(its_entry.values(column)[:1]) for name, column in (("entry", "pk"), ("kind", "kind"))}
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(**known)
        return queryset

    @admin.display(description=_("became"))
    def became(self, obj: Any) -> str:
        if obj.entry is None:
            return gettext(self.waiting)
        url = reverse(f"{self.admin_site.name}:ledger_entry_change", args=[obj.entry])
        return format_html('<a href="{}">{}</a>', url, _("a gap") if obj.kind == models.Entry.Kind.GAP else self.issued)


@admin.register(models.HoleReported)
class HoleReportedAdmin(_BecameEntry):
    """A free value below the highest number: the next checkout takes it, or it becomes a gap when its period closes."""

    list_display = ("shown_number", "became", "reported_at", "shown_series", "shown_period", "shown_tenant")
    fields = ("shown_number", "became", "period", "tenant", "value", "reported_at", "transaction_id")
    waiting, issued = _("not healed yet"), _("healed")

    @admin.display(description=_("number"))
    def shown_number(self, obj: models.HoleReported) -> str:
        """The number of the value, issued since or not."""
        return format_html('<span class="ledger-day">{}</span>', obj.period.number_of(obj.value))


@admin.register(models.DraftMade)
class DraftMadeAdmin(_BecameEntry):
    """Drafts in accounting systems whose numbers remote series give out."""

    list_display = ("number", "became", "shown_series", "shown_period", "shown_tenant", "system", "drafted_at")
    list_filter = (*_BecameEntry.list_filter, "system")
    search_fields = ("number", "remote_id")
    search_help_text = _("Part of a number, or of the accounting system's own key.")
    fields: ClassVar[tuple[str, ...]] = ("number", "became", *field_names(models.DraftMade, without=("id", "number")))
    waiting, issued = _("free, or held by a checkout"), _("issued")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        cancelled = Exists(models.DraftCancelled.objects.filter(tenant=OuterRef("tenant"), draft=OuterRef("pk")))
        queryset: QuerySet[Any] = super().get_queryset(request).annotate(cancelled=cancelled)
        return queryset

    @admin.display(description=_("became"))
    def became(self, obj: Any) -> str:
        after = f", {_('cancelled there')}" if obj.cancelled else ""
        if obj.value is None:
            return _("not taken: %(why)s") % {"why": obj.refusal} + after
        told = super().became(obj)
        return told if obj.entry is None else format_html("{}{}", told, after)


@admin.register(models.RemotePool)
class RemotePoolAdmin(ReadOnlyAdmin):
    """When each pool was last refilled, and what has failed since."""

    list_display = (
        *("series_link", "shown_tenant", "system", "wanted", "refilled_at", "tried_at", "error", "needs_person"),
    )
    list_select_related = ("series",)
    list_filter = (TenantFilter, "needs_person", "system")
    ordering = ("tenant", "series__code")
    sortable_by = ()
    fields = field_names(models.RemotePool, without=("id", "claimed_by"))


@admin.register(models.Reservation)
class ReservationAdmin(EventAdmin):
    """Values that were shown to somebody: their checkouts run, or a sweep will flag them as gaps. The oldest first."""

    list_display = (
        *("shown_number", "document", "reserved_at", "issued_on", "shown_series", "period_link", "shown_tenant"),
        "actor",
    )
    list_filter = (TenantFilter, SeriesFilter, PeriodFilter)
    list_select_related = ("period__series",)
    search_fields = ("document",)
    search_help_text = _("Part of a document key.")
    ordering: ClassVar[tuple[str, ...]] = ("pk",)
    fields: ClassVar[tuple[str, ...]] = ("shown_number", *field_names(models.Reservation, without=("id",)))

    @admin.display(description=_("number"))
    def shown_number(self, obj: models.Reservation) -> str:
        return format_html('<span class="ledger-day">{}</span>', obj.period.as_format().shown(obj.value, obj.issued_on))

    @admin.display(description=_("period"))
    def period_link(self, obj: models.Reservation) -> str:
        return link_to(obj.period, shown_period(obj.period), self.admin_site)


@admin.register(models.RemoteDocument)
class RemoteDocumentAdmin(EventAdmin):
    """The documents of accounting systems, as last read."""

    list_display = ("shown_number", "state", "system", "issued_on", "reference", "seen_at", "shown_tenant")
    list_filter = ("state", SystemFilter, TenantFilter)
    search_fields = ("number",)  # shows the box; get_search_results() does the work
    search_help_text = _("A whole number, a document key, or the system's own key.")
    fields = field_names(models.RemoteDocument, without=("id",))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Searches the indexed columns, in every system that was read."""
        term = search_term.strip().replace("\x00", "")
        if term:
            found: list[int] = []
            for reading in models.RemoteReading.objects.using(queryset.db).all():
                its_own = queryset.model.objects.using(queryset.db).filter(tenant=reading.tenant, system=reading.system)
                for wanted in ({"number__iexact": term}, {"reference": term}, {"remote_id": term}):
                    found += its_own.filter(**wanted).values_list("pk", flat=True)[:100]
            queryset = queryset.filter(pk__in=found)
        return queryset, False

    @admin.display(description=_("number"))
    def shown_number(self, obj: models.RemoteDocument) -> str:
        return obj.number or str(_("none"))


@admin.register(models.RemoteReading)
class RemoteReadingAdmin(EventAdmin):
    """How far each system was read and compared, and why it could not be."""

    list_display = ("system", "finished_at", "compared_at", "full_from", "needs_person", "error", "shown_tenant")
    fields = field_names(models.RemoteReading, without=("id", "compared_by"))
