"""What the pages of the admin share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import DataError, Error, models, router
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.actions import all_or_none
from ledger.database_errors import not_granted
from ledger.errors import LedgerError
from ledger.localization import lazily as _, moment_told, period_told
from ledger.models import Period, Series
from ledger.tenants import tenant_name
from ledger.web.confirming import MOST, too_many
from ledger.web.decorators import at_home, readable
from ledger.zones import zone_or_utc

AnyModelAdmin: TypeAlias = "admin.ModelAdmin[Any]"


class ReadableChangeList(ChangeList):
    """A list that treats a filter that PostgreSQL refuses like one that Django refuses."""

    def get_results(self, request: HttpRequest) -> None:
        """For example, an invalid regular expression redirects to the list without filters."""
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class ModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The base of all our pages. It refuses requests with characters that PostgreSQL can't store."""

    changelist: type[ChangeList] = ReadableChangeList

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return self.changelist

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Also reads the series: the page and the list show a row's moments in its time zone."""
        queryset: models.QuerySet[Any] = super().get_queryset(request)
        related = self.list_select_related
        return queryset if isinstance(related, bool) or not related else queryset.select_related(*related)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Shows moments with their offset, which Django leaves out."""
        return [self._with_offset(name) for name in super().get_list_display(request)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        return [(title, {**o, "fields": [self._with_offset(name) for name in o["fields"]]}) for title, o in sets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
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

    @admin.display(description=_("tenant"), ordering="tenant")
    def shown_tenant(self, obj: Any) -> str:
        return shown_tenant(obj.tenant)

    @admin.display(description=_("series"))
    def shown_series(self, obj: Any) -> str:
        """The code of the series that was read with the row or with its period; the tenant has its own column."""
        return str((obj if "series" in obj._state.fields_cache else obj.period).series.code)

    @admin.display(description=_("series"), ordering="series__code")
    def series_link(self, obj: Any) -> str:
        return link_to(obj.series, obj.series.code, self.admin_site)

    @admin.display(description=_("period"))
    def shown_period(self, obj: Any) -> str:
        return shown_period(obj.period)

    def own_urls(self) -> list[URLPattern]:
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
        """The search box shows how many rows match, and never the limit instead."""
        super().get_results(request)
        if not self.query or getattr(self.paginator, "is_cut", False):
            self.full_result_count = self.result_count


class ReadOnlyAdmin(ModelAdmin):
    """Read-only pages. The database refuses changes of these rows, so the pages offer none."""

    changelist = BoundedChangeList
    # Counting the rows of each choice would read the whole table each time.
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["ledger/admin.css"]}

    def _refuse(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _refuse


class WritingAdmin(ModelAdmin):
    """Pages that save. They show what only the database refuses, and the purpose that its role lacks to write."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._told(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._told(super().delete_view, request, *args, **kwargs)

    def _told(self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """After a refusal, redirect to the form or question. Nothing was saved or deleted."""
        try:
            return view(request, *args, **kwargs)
        except (Error, LedgerError) as error:
            refusal = error if isinstance(error, LedgerError) else not_granted(error, "this page needs")
            if refusal is None or request.method != "POST":
                raise
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.get_full_path())


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a limit, since counting five million rows takes longer than reading a page of them.

    Pages end at the limit as well, since PostgreSQL steps over all rows before a page; filters reach further.
    """

    limit = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.limit)

    @cached_property
    def is_cut(self) -> bool:
        return self._counted > self.limit

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        return rows.order_by()[: self.limit + 1].count()


def page_address(name: str, *args: Any) -> str | None:
    """The address of one of Folio's own pages; None if the project doesn't include them."""
    try:
        return reverse(f"ledger:{name}", args=args)
    except NoReverseMatch:
        return None


def link_to(target: models.Model, text: object, site: admin.AdminSite) -> SafeString:
    options = target._meta
    url = reverse(f"{site.name}:{options.app_label}_{options.model_name}_change", args=[target.pk])
    return format_html('<a href="{}">{}</a>', url, text)


def shown_period(period: Period) -> SafeString | str:
    """The period's span of dates; a line may break between its two dates, and not within one."""
    told = period_told(period.label)
    first, _, last = told.rpartition(" ")
    if not first or " to " not in period.label:
        return told
    return format_html('<span class="ledger-day">{}</span> <span class="ledger-day">{}</span>', first, last)


def shown_tenant(tenant: str) -> str:
    """The tenant; a dash in a project with a single tenant."""
    return tenant_name(tenant, unnamed="–")


def _zone_of(row: models.Model) -> str | None:
    """The time zone of the row's series, if the series was read with the row."""
    if isinstance(row, Series):
        return row.time_zone
    known = row._state.fields_cache
    near = (known[name] for name in ("series", "period", "entry", "adopted_gap") if known.get(name) is not None)
    return next((zone for one in near if (zone := _zone_of(one)) is not None), None)


def field_names(model: type[models.Model], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """All columns of a model, in order."""
    return tuple(field.name for field in model._meta.concrete_fields if field.name not in without)


@dataclass(frozen=True, slots=True)
class Act:
    """An action on each of the chosen rows, and the texts of the page that asks before it.

    ``form`` makes the form from the POST data and the number of rows; ``do`` gets a row, the form's data and the
    database. ``action`` is the method of the admin page, ``turn`` is for ``all_or_none``, ``logged`` is what Django's
    log says of each row, and ``told`` the message about all of them, with ``numbers`` or ``periods`` in it.
    """

    action: str
    turn: str
    title: Any
    warning: Any
    button: Any
    logged: Any
    told: Any
    form: Callable[[Any, int], forms.Form]
    do: Callable[[Any, dict[str, Any], str], object]

    def ask(
        self, model_admin: AnyModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse | None:
        alias = router.db_for_write(queryset.model)
        # All such actions lock rows in this order.
        chosen = list(queryset.using(alias).order_by("pk")[: MOST + 1])
        if len(chosen) > MOST:
            model_admin.message_user(request, too_many(MOST), messages.ERROR)
            return None
        form = self.form(request.POST if "confirmed" in request.POST else None, len(chosen))
        failures: list[str] = []
        if form.is_bound and form.is_valid():
            said = form.cleaned_data
            failures = all_or_none(chosen, lambda one: self.do(one, said, alias), alias, turn=self.turn).failures
            if not failures:
                for one in chosen:
                    model_admin.log_change(request, one, self.logged)
                names = ", ".join(map(str, chosen))
                told = self.told % {"numbers": names, "periods": names}
                model_admin.message_user(request, told, messages.SUCCESS)
                return None
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.title,
            "act": self,
            "opts": model_admin.opts,
            "chosen": chosen,
            "form": form,
            "failures": failures,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "media": model_admin.media + form.media,
        }
        return TemplateResponse(request, "ledger/admin/confirm.html", context)
