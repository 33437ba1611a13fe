"""What waits to become an entry: reservations, to look at. (Free slots are told with their period.)"""

from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html

from ledger.admin.base import BoundedPaginator, ReadOnlyAdmin, field_names, link_to, shown_period, shown_tenant
from ledger.admin.filters import PeriodFilter, SeriesFilter, TenantFilter
from ledger.models import Reservation
from ledger.words import lazily as _


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Values that were shown to somebody: their checkouts run, or a sweep will flag them as gaps. The oldest first."""

    list_display = (
        "shown_number",
        "document",
        "reserved_at",
        "issued_on",
        "shown_series",
        "period_link",
        "shown_tenant",
        "actor",
    )
    list_filter = (TenantFilter, SeriesFilter, PeriodFilter)
    list_select_related = ("period__series",)
    search_fields = ("document",)
    search_help_text = _("Part of a document key.")
    ordering: ClassVar[tuple[str, ...]] = ("pk",)
    sortable_by = ()
    show_full_result_count = False
    paginator = BoundedPaginator
    readonly_fields = ("shown_number", *field_names(Reservation, without=("id",)))
    fields: ClassVar[tuple[str, ...]] = readonly_fields

    @admin.display(description=_("number"))
    def shown_number(self, obj: Reservation) -> str:
        """What was shown."""
        return format_html('<span class="ledger-day">{}</span>', obj.period.as_format().shown(obj.value, obj.issued_on))

    @admin.display(description=_("series"))
    def shown_series(self, obj: Reservation) -> str:
        """The code; the tenant has a column of its own."""
        return str(obj.period.series.code)

    @admin.display(description=_("period"))
    def period_link(self, obj: Reservation) -> str:
        """The way to the counter."""
        return link_to(obj.period, shown_period(obj.period), self.admin_site)

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: Reservation) -> str:
        """The owner of the number."""
        return shown_tenant(obj.tenant)
