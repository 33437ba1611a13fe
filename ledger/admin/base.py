"""What the pages of the admin share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import DataError, Error, models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.database_errors import not_granted
from ledger.models import Period, Series
from ledger.tenants import tenant_name
from ledger.web.at_home import at_home
from ledger.web.texts import readable
from ledger.words import moment_told, period_told
from ledger.zones import zone_or_utc

# Django's own classes take no type argument at run time.
if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin = admin.ModelAdmin
    AnyPaginator = Paginator


class ReadableChangeList(ChangeList):
    """A list that refuses filters which the database can't work with, as Django does with those that it can't."""

    def get_results(self, request: HttpRequest) -> None:
        """An invalid regular expression, for instance, leads back to the list without filters."""
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class ModelAdmin(AnyModelAdmin):
    """What every page of ours has: requests that hold what no text can have are refused, whatever they ask for."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Refuses odd filters."""
        return ReadableChangeList

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """With the rows that say in whose time zone a row's moments stand, on its own page as in the list."""
        queryset: models.QuerySet[Any] = super().get_queryset(request)
        related = self.list_select_related
        return queryset if isinstance(related, bool) or not related else queryset.select_related(*related)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Moments with their offset: Django would leave it out."""
        return [self._with_offset(name) for name in super().get_list_display(request)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The same on a row's own page."""
        sets = super().get_fieldsets(request, obj)
        return [(title, {**o, "fields": [self._with_offset(name) for name in o["fields"]]}) for title, o in sets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """And among what is shown only."""
        return [self._with_offset(name) for name in super().get_readonly_fields(request, obj)]

    def _with_offset(self, name: Any) -> Any:
        """The name of a column that shows the moment ``name``; any other name as it is."""
        field = next((field for field in self.opts.concrete_fields if field.name == name), None)
        if not isinstance(field, models.DateTimeField):
            return name

        @admin.display(description=field.verbose_name, ordering=name)
        def shown(row: Any) -> str:
            at, zone = getattr(row, name), _zone_of(row)
            return moment_told(at, None if zone is None else zone_or_utc(zone)) or "–"

        setattr(self, f"{name}_with_offset", shown)
        return f"{name}_with_offset"

    def own_urls(self) -> list[URLPattern]:
        """Pages beside those of Django."""
        return []

    def get_urls(self) -> list[URLPattern]:
        """All of them, guarded in this one place."""
        patterns = [*self.own_urls(), *super().get_urls()]
        for pattern in patterns:
            pattern.callback = readable(at_home(pattern.callback))
        return patterns


class BoundedChangeList(ReadableChangeList):
    """A list whose count may have stopped at the paginator's limit."""

    def get_results(self, request: HttpRequest) -> None:
        """The search box tells the number of hits of a search, and not the limit as if it were that number."""
        super().get_results(request)
        if not self.query or getattr(self.paginator, "is_cut", False):
            self.full_result_count = self.result_count


class ReadOnlyAdmin(ModelAdmin):
    """Pages to look at: the database refuses a change of what they show, so they offer none."""

    # Each count of a filter's choice would read the whole table.
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["ledger/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """For tables of any size."""
        return BoundedChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are written by the ledger alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Events never change, and counters only by issuing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of an audit trail goes away."""
        return False


class WritingAdmin(ModelAdmin):
    """Pages that save: where the database's role may not, they say which purpose it lacks."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Back to the form after a refusal, and nothing was saved."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Error as error:
            return self._refused(request, error)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Back to the question after a refusal, and nothing was deleted."""
        try:
            return super().delete_view(request, *args, **kwargs)
        except Error as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: Error) -> HttpResponse:
        denied = not_granted(error, "this page needs") if request.method == "POST" else None
        if denied is None:
            raise error
        self.message_user(request, str(denied), messages.ERROR)
        return redirect(request.path)


class BoundedPaginator(AnyPaginator):
    """Counts up to a limit: a count of five million rows takes longer than reading a page of them.

    Pages end at the limit as well, since PostgreSQL steps over all rows before a page; filters reach further.
    """

    limit = 10_000

    @cached_property
    def count(self) -> int:
        """The number of rows, or the limit."""
        return min(self._counted, self.limit)

    @cached_property
    def is_cut(self) -> bool:
        """Whether there are more rows than the limit."""
        return self._counted > self.limit

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        return rows.order_by()[: self.limit + 1].count()


def page_address(name: str, *args: Any) -> str | None:
    """The address of one of Folio's own pages; None in a project that doesn't have them."""
    try:
        return reverse(f"ledger:{name}", args=args)
    except NoReverseMatch:
        return None


def link_to(target: models.Model, text: object, site: admin.AdminSite) -> SafeString:
    """A link to the page of a row."""
    options = target._meta
    url = reverse(f"{site.name}:{options.app_label}_{options.model_name}_change", args=[target.pk])
    return format_html('<a href="{}">{}</a>', url, text)


def shown_period(period: Period) -> SafeString | str:
    """The period's span of dates, which breaks between its two dates and not within them."""
    told = period_told(period.label)
    first, _, last = told.rpartition(" ")
    if not first or " to " not in period.label:
        return told
    return format_html('<span class="ledger-day">{}</span> <span class="ledger-day">{}</span>', first, last)


def shown_tenant(tenant: str) -> str:
    """The tenant, or a dash for the project that has but one."""
    return tenant_name(tenant, unnamed="–")


def _zone_of(row: models.Model) -> str | None:
    """The time zone of the row's series, if that was read with it."""
    if isinstance(row, Series):
        return row.time_zone
    known = row._state.fields_cache
    near = (known[name] for name in ("series", "period", "entry", "adopted_gap") if known.get(name) is not None)
    return next((zone for one in near if (zone := _zone_of(one)) is not None), None)


def field_names(model: type[models.Model], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """All columns of a model for a page that shows everything, in their order."""
    return tuple(field.name for field in model._meta.concrete_fields if field.name not in without)
