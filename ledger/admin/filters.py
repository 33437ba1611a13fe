"""Filters of the ledger's pages. Their choices come from small tables: DISTINCT over the ledger would read it all."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from ledger.admin.base import AnyModelAdmin, shown_tenant
from ledger.models import Entry, NumberVoided, Period, Series
from ledger.words import lazily as _
from ledger.words import period_told

#: A longer list is no help; any value can still stand in the address.
_MOST = 100


class TenantFilter(admin.SimpleListFilter):
    """By tenant, for any model with the column."""

    title = _("tenant")
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The tenants that have a series."""
        tenants = Series.objects.order_by("tenant").values_list("tenant", flat=True).distinct()[:_MOST]
        return [(tenant, shown_tenant(tenant)) for tenant in tenants]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """An empty text is a tenant too."""
        return queryset if self.value() is None else queryset.filter(tenant=self.value())


class _ByRow(admin.SimpleListFilter):
    """By the primary key of another row; the address may name none, or a thing that is no key."""

    def has_output(self) -> bool:
        """Django leaves a filter out that has nothing to choose from, even one that the address names."""
        return self.value() is not None or super().has_output()

    def pk(self) -> int | None:
        value = self.value() or ""
        # Longer than any bigint: PostgreSQL would not even compare it.
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Nothing for a key that nobody has."""
        if self.value() is None:
            return queryset
        pk = self.pk()
        return queryset.none() if pk is None else queryset.filter(self.of(pk))

    def of(self, pk: int) -> Q:
        raise NotImplementedError


class SeriesFilter(_ByRow):
    """By series, of the chosen tenant if there is one."""

    title = _("series")
    parameter_name = "series"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The series, in their order."""
        series = Series.objects.all()
        if (tenant := request.GET.get("tenant")) is not None:
            series = series.filter(tenant=tenant)
        return [(str(one.pk), str(one)) for one in series[:_MOST]]

    def of(self, pk: int) -> Q:
        """By its tenant as well, with which the ledger's index begins."""
        tenant = Series.objects.filter(pk=pk).values_list("tenant", flat=True).first()
        return Q(pk__in=[]) if tenant is None else Q(tenant=tenant, series=pk)


class SeriesOfPeriodFilter(SeriesFilter):
    """By series, for rows that know their period alone."""

    def of(self, pk: int) -> Q:
        """By the series' periods, and their tenant, with which the index begins."""
        tenant = Series.objects.filter(pk=pk).values_list("tenant", flat=True).first()
        periods = Period.objects.filter(series=pk).values("pk")
        return Q(pk__in=[]) if tenant is None else Q(tenant=tenant, period__in=periods)


class EntrySeriesFilter(SeriesFilter):
    """By series in the ledger, whose index has tenant, period and value."""

    def of(self, pk: int) -> Q:
        """By the series' periods."""
        return super().of(pk) & Q(period__in=Period.objects.filter(series=pk).values("pk"))


class PeriodFilter(_ByRow):
    """By period, once a series is chosen."""

    title = _("period")
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The periods of the chosen series, or the one that a link chose; the latest first."""
        series, period = request.GET.get("series", ""), request.GET.get("period", "")
        if series.isascii() and series.isdigit() and len(series) < 19:
            periods = Period.objects.filter(series=int(series))
        elif period.isascii() and period.isdigit() and len(period) < 19:
            periods = Period.objects.filter(pk=int(period))
        else:
            return []
        latest = periods.select_related("series").order_by("-starts_on")[:_MOST]
        return [(str(one.pk), period_told(one.label) if series else str(one)) for one in latest]

    def of(self, pk: int) -> Q:
        """By its tenant as well, with which the ledger's index begins."""
        tenant = Period.objects.filter(pk=pk).values_list("tenant", flat=True).first()
        return Q(pk__in=[]) if tenant is None else Q(tenant=tenant, period=pk)


class StateFilter(admin.SimpleListFilter):
    """By state, which no column has: void is what has a NumberVoided."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        """The four states of a value that the ledger knows."""
        return [("issued", _("issued")), ("void", _("void")), ("adopted", _("adopted")), ("gap", _("gap"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Folds the events."""
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
        """Open, or closed for good."""
        return [("open", _("open")), ("closed", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the closing time."""
        if self.value() in ("open", "closed"):
            return queryset.filter(closed_at__isnull=self.value() == "open")
        return queryset
