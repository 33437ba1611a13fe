"""What accounting systems have, as far as it was read: to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ledger.admin.base import AnyModelAdmin, field_names
from ledger.admin.events import EventAdmin
from ledger.admin.filters import TenantFilter
from ledger.models import RemoteDocument, RemoteReading
from ledger.words import lazily as _

#: A longer list is no help; any value can still stand in the address.
_MOST = 100


class SystemFilter(admin.SimpleListFilter):
    """By accounting system."""

    title = _("system")
    parameter_name = "system"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The systems that were ever read."""
        systems = RemoteReading.objects.order_by("system").values_list("system", flat=True).distinct()[:_MOST]
        return [(system, system) for system in systems]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By its name in the settings."""
        return queryset if self.value() is None else queryset.filter(system=self.value())


@admin.register(RemoteDocument)
class RemoteDocumentAdmin(EventAdmin):
    """The documents of accounting systems, as they were read last."""

    list_display = ("shown_number", "state", "system", "issued_on", "reference", "seen_at", "shown_tenant")
    list_filter = ("state", SystemFilter, TenantFilter)
    search_fields = ("number",)  # shows the box; get_search_results() does the work
    search_help_text = _("A whole number, a document key, or the system's own key.")
    fields = field_names(RemoteDocument, without=("id",))
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By what stands in an index, of every system that was read."""
        term = search_term.strip().replace("\x00", "")
        if term:
            found: list[int] = []
            for reading in RemoteReading.objects.using(queryset.db).all():
                its_own = queryset.model.objects.using(queryset.db).filter(tenant=reading.tenant, system=reading.system)
                for wanted in ({"number__iexact": term}, {"reference": term}, {"remote_id": term}):
                    found += its_own.filter(**wanted).values_list("pk", flat=True)[:100]
            queryset = queryset.filter(pk__in=found)
        return queryset, False

    @admin.display(description=_("number"))
    def shown_number(self, obj: RemoteDocument) -> str:
        """What it bears, or bore."""
        return obj.number or str(_("none"))


@admin.register(RemoteReading)
class RemoteReadingAdmin(EventAdmin):
    """How far each system was read and compared, and why it could not be."""

    list_display = ("system", "finished_at", "compared_at", "full_from", "needs_person", "error", "shown_tenant")
    fields = field_names(RemoteReading, without=("id", "compared_by"))
    readonly_fields = fields
