"""Filters and search boxes. Their choices come from small tables: a DISTINCT over the ledger would read all of it."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from ledger.admin.base import AnyModelAdmin, ModelAdmin, shown_tenant
from ledger.localization import lazily as _, period_told
from ledger.models import Entry, NumberVoided, Period, RemoteReading, Series
from ledger.searching import find_entries
from ledger.web.query_string import key_in

#: Nobody reads a longer list. The address can still name any other value.
_MOST = 100


class TenantFilter(admin.SimpleListFilter):
    """By tenant, for any model with the column."""

    title = _("tenant")
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        tenants = Series.objects.order_by("tenant").values_list("tenant", flat=True).distinct()[:_MOST]
        return [(tenant, shown_tenant(tenant)) for tenant in tenants]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """An empty text is a tenant too."""
        return queryset if self.value() is None else queryset.filter(**{str(self.parameter_name): self.value()})


class _ByRow(admin.SimpleListFilter):
    """By the primary key of another row, of ``model``. The address may lack it, or hold a text that is no key."""

    model: type[Series | Period]

    def has_output(self) -> bool:
        """Django drops a filter without choices, even if the address uses it; this one stays."""
        return self.value() is not None or super().has_output()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """No rows for an unknown key. Filters by tenant too, the first column of the indexes."""
        if self.value() is None:
            return queryset
        pk = key_in(self.value() or "")
        tenant = None if pk is None else self.model.objects.filter(pk=pk).values_list("tenant", flat=True).first()
        return queryset.none() if pk is None or tenant is None else queryset.filter(self.of(pk), tenant=tenant)

    def of(self, pk: int) -> Q:
        return Q(**{str(self.parameter_name): pk})


class SeriesFilter(_ByRow):
    """By series; after a tenant was chosen, by one of its series."""

    title = _("series")
    parameter_name = "series"
    model = Series

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        series = Series.objects.all()
        if (tenant := request.GET.get("tenant")) is not None:
            series = series.filter(tenant=tenant)
        return [(str(one.pk), str(one)) for one in series[:_MOST]]


class SeriesOfPeriodFilter(SeriesFilter):
    """By series, for rows that have a period and no series column."""

    def of(self, pk: int) -> Q:
        return Q(period__in=Period.objects.filter(series=pk).values("pk"))


class EntrySeriesFilter(SeriesOfPeriodFilter):
    """By series, for entries, whose index is on tenant, period and value."""

    def of(self, pk: int) -> Q:
        return super().of(pk) & Q(series=pk)


class PeriodFilter(_ByRow):
    """By period, once a series is chosen."""

    title = _("period")
    parameter_name = "period"
    model = Period

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The periods of the chosen series, or the one that a link chose; the latest first."""
        series = key_in(request.GET.get("series", ""))
        wanted = {"series": series} if series is not None else {"pk": key_in(request.GET.get("period", ""))}
        latest = Period.objects.filter(**wanted).select_related("series").order_by("-starts_on")[:_MOST]
        return [(str(one.pk), str(one) if series is None else period_told(one.label)) for one in latest]


class StateFilter(admin.SimpleListFilter):
    """By state, which is not a column: a number is void if it has a NumberVoided."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        return [("issued", _("issued")), ("void", _("void")), ("adopted", _("adopted")), ("gap", _("gap"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.value()
        if state == "void":
            return queryset.filter(pk__in=NumberVoided.objects.values("entry"))
        if state == "gap":
            return queryset.filter(kind=Entry.Kind.GAP)
        if state in (Entry.Kind.ISSUED, Entry.Kind.ADOPTED):
            return queryset.filter(kind=state, is_void=False)
        return queryset


class OpenFilter(admin.SimpleListFilter):
    """Periods by state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        return [("open", _("open")), ("closed", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("open", "closed"):
            return queryset.filter(closed_at__isnull=self.value() == "open")
        return queryset


class SystemFilter(TenantFilter):
    """By accounting system; the choices are the systems of ``rows``, by default those that were read."""

    title = _("system")
    parameter_name = "system"
    rows: type[Model] = RemoteReading

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        systems = self.rows._default_manager.order_by("system").values_list("system", flat=True).distinct()[:_MOST]
        return [(system, system) for system in systems]


class EntrySearch(ModelAdmin):
    """For a page of entries, or of rows that belong to an ``entry``: the search box finds them by the ledger's indexes.

    The page still needs ``search_fields``, without which Django shows no box.
    """

    search_help_text = _("A number or its beginning, or a whole document key.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """No row comes twice."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        found = find_entries(term, queryset.db)
        if self.model is not Entry:
            found = Q(entry__in=Entry.objects.using(queryset.db).filter(found).values("pk"))
        return queryset.filter(found), False
