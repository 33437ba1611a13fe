"""Series: their settings, checked as ``define_series`` checks them, with a live preview of the next number."""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from ledger.admin.base import ReadableChangeList, WritingAdmin
from ledger.admin.filters import TenantFilter
from ledger.calendars import NO_PLACES, CalendarKind, Span, day_after
from ledger.conf import ledger_settings
from ledger.errors import InvalidArgument, InvalidTemplate, LedgerError
from ledger.form_changes import describe_form, keeps_form
from ledger.issuing import next_number
from ledger.keys import actor_name, tenant_key
from ledger.localization import day_told, lazily as _, period_told, word
from ledger.models import Allocation, AuthorisedRange, Period, Series
from ledger.periods import find_period, planned_after, planned_period
from ledger.queues import upcoming, with_next_slot
from ledger.rules import Outcome, all_rules, rules_text
from ledger.series import SeriesChange, check_series
from ledger.web.confirming import cleaned
from ledger.zones import today_in, todays

#: Stands for a code that isn't typed yet, so that the template has a preview before.
_SOME_CODE = "code"


@dataclass(frozen=True, slots=True)
class Line:
    """One number and its label. ``number`` is empty where the period gives out none; then ``note`` says why."""

    label: str
    number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The next numbers, or why the series can't give any."""

    lines: list[Line] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def preview_series(series: Series, alias: str) -> Preview:
    """The next number today and at the start of the next period. ``series`` has been checked, and may be unsaved.

    Where saving would change the format of an open period, the preview has the new format.
    """
    try:
        today = today_in(series.time_zone, alias)
        current = _period(series, today, alias)
        lines = [_line(gettext("Today"), series, current, today, alias)]
        following = day_after(current.ends_on)
        is_known = series.calendar != CalendarKind.EXPLICIT or _opened(series, following, alias)
        if following > current.ends_on and is_known:
            label = gettext("From %(day)s") % {"day": day_told(following)}
            lines.append(_line(label, series, _period(series, following, alias), following, alias))
        return Preview(lines=lines)
    except LedgerError as error:
        return Preview(refusals=[str(error)])


def _line(label: str, series: Series, period: Period, day: date, alias: str) -> Line:
    try:
        number = next_number(series, period, day, alias)
    except LedgerError as error:
        return Line(label, "", str(error))
    if period._state.adding:
        by_hand = series.calendar == CalendarKind.EXPLICIT and _opened(series, day, alias) is None
        note = gettext("if somebody opens a period that starts on %(day)s") % {"day": day_told(day)}
        return Line(label, number, note if by_hand else "")
    template = series.as_template()
    if not template.has_label and template.compile(period.as_span()) != period.as_format():
        note = gettext("the period %(period)s is open and keeps the template it was opened with")
        return Line(label, number, note % {"period": period_told(period.label)})
    return Line(label, number)


def _opened(series: Series, day: date, alias: str) -> Period | None:
    return find_period(series, day, alias) if series.pk else None


def _period(series: Series, day: date, alias: str) -> Period:
    opened = _opened(series, day, alias)
    if opened is not None:
        before, opened.series = opened.series, series  # with the settings as they are typed
        if keeps_form(opened, before, alias):
            return opened
        first_value = None if opened.first_value == before.start_value else opened.first_value
        return Period.of(series, series.as_calendar().span(day) or opened.as_span(), first_value=first_value)
    if series.calendar == CalendarKind.EXPLICIT:
        return Period.of(series, Span(day, day), label="label" if series.as_template().has_label else None)
    return planned_period(series, day, alias)


class TimeZoneInput(forms.TextInput):
    """A text box with suggestions: nobody wants to scroll through six hundred zones."""

    template_name = "ledger/admin/time_zone_input.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, {**(attrs or {}), "list": "ledger-time-zones"})
        return {**context, "zones": sorted(available_timezones() - NO_PLACES)}


class SeriesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks what ``define_series`` checks, by the same functions."""

    class Meta:
        model = Series
        fields = "__all__"  # noqa: DJ007  the admin leaves out what is read-only
        widgets = {
            "template": forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
            "time_zone": TimeZoneInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        }
        help_texts = {
            "allocation": _(
                "Choose serial where checkouts are few; at_commit where they are many, and the number is needed after "
                "the commit alone; pooled where it is needed before; reserved where it is shown to somebody, and must "
                "then go to nobody else; remote where the accounting software gives the numbers. It is chosen before a "
                "period's first number; later, manage.py ledger_series allocate changes it."
            )
        }

    rules = forms.MultipleChoiceField(
        label=_("Rules"),
        required=False,
        choices=lambda: [(code, f"{code}: {word(rules.name)}") for code, rules in all_rules().items()],
        help_text=_(
            "The rule sets to check, such as a country's and an e-invoicing network's: when the series is saved, when "
            "a period opens, and on the real numbers by manage.py ledger_rules."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["rules"] = self.instance.rules.split(",")
        self.change = SeriesChange(self.instance, router.db_for_write(Series))

    def clean_tenant(self) -> str:
        return cleaned(tenant_key, self.cleaned_data["tenant"])

    def clean_rules(self) -> str:
        return rules_text(self.cleaned_data["rules"])

    def _post_clean(self) -> None:
        # After Series.clean(), which asks no database. Where there are errors, the rest would repeat them.
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            self.change.check()
        except LedgerError as error:
            self.add_error("template" if isinstance(error, InvalidTemplate) else None, str(error))


class SeriesChangeList(ReadableChangeList):
    """Finds today's period of every series of the page in two queries."""

    def get_results(self, request: HttpRequest) -> None:
        """Adds to each row today's date in its time zone, and the period of that date; None for an unknown zone."""
        super().get_results(request)
        rows = list(self.result_list)
        known = todays(self.queryset.db) if rows else {}
        for row in rows:
            row.today = known.get(row.time_zone)
        days = [row.today for row in rows if row.today is not None]
        periods: dict[int, list[Period]] = {}
        granted: dict[int, date] = {}
        if days:
            ranges = AuthorisedRange.objects.filter(series__in=rows).order_by("-valid_from")
            granted = dict(ranges.values_list("series_id", "valid_from"))
            near = Period.objects.filter(Q(cut_short=True) | Q(ends_on__gte=min(days)), starts_on__lte=max(days))
            for period in with_next_slot(near.filter(series__in=rows)).order_by("starts_on", "ordinal"):
                periods.setdefault(period.series_id, []).append(period)
        for row in rows:
            mine = periods.get(row.pk, []) if row.today is not None else []
            holding = [p for p in mine if p.starts_on <= row.today <= p.ends_on]
            row.period_today = next((p for p in holding if p.last_value < p.max_value), next(reversed(holding), None))
            row.ended_form = next((p for p in reversed(mine) if p.cut_short and p.ends_on < row.today), None)
            row.granted = row.pk in granted and row.today is not None and granted[row.pk] <= row.today
        self.result_list = rows


@admin.register(Series)
class SeriesAdmin(WritingAdmin):
    """Settings can change, and new ones hold from the next period on. Tenant and code stay."""

    changelist = SeriesChangeList
    form = SeriesForm
    list_display = (
        *("code", "shown_tenant", "template", "calendar", "time_zone", "shown_allocation", "is_active", "next_number"),
    )
    list_filter = ("is_active", "calendar", "allocation", TenantFilter)
    search_fields = ("code", "tenant", "template")
    readonly_fields = ("preview", "periods")
    fieldsets = (
        (None, {"fields": ("code", "tenant", "is_active")}),
        (_("Numbers"), {"fields": ("template", "preview", "start_value", "max_length")}),
        (_("Periods"), {"fields": ("calendar", "fiscal_start", "time_zone", "close_after_days", "periods")}),
        (
            _("Issuing"),
            {"fields": ("allocation", "system", "give_back", "chronological", "early_release", "max_days_ahead")},
        ),
        (_("Rules"), {"fields": ("rules",)}),
    )

    class Media:
        css = {"all": ["ledger/admin.css"]}
        js = ["ledger/series_preview.js"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ("tenant", "code") if obj is not None and obj.pk else ()
        return (*fixed, *super().get_readonly_fields(request, obj))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = {"time_zone": ledger_settings().time_zone}
        return {**initial, **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A series and its history are part of the audit trail. Switch off a series that you don't need."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saves as ``define_series`` does, and says when a new template takes effect."""
        saved = form.change.save(actor=actor_name(request.user))
        obj.pk, obj._state.adding, obj._state.db = saved.pk, False, saved._state.db
        if answer := describe_form(saved, today_in(saved.time_zone, saved._state.db)):
            self.message_user(request, answer, messages.INFO)
        for finding in obj.rule_findings():
            if finding.outcome is Outcome.WARNED:
                self.message_user(request, f"{finding.rules}: {finding}", messages.WARNING)

    @admin.display(description=_("allocation"), ordering="allocation")
    def shown_allocation(self, obj: Series) -> str:
        return obj.allocation

    @admin.display(description=_("next number today"))
    def next_number(self, obj: Any) -> str:
        """The next number, from what the list has already read."""
        try:
            today: date = obj.today or today_in(obj.time_zone, obj._state.db)
            period = obj.period_today or planned_after(obj.ended_form, obj, today, obj._state.db, granted=obj.granted)
            return _next_number(obj, period, today)
        except LedgerError as error:
            return gettext("none: %(why)s") % {"why": error.problem}

    @admin.display(description=_("next number"))
    def preview(self, obj: Series) -> str:
        """The preview when the page opens. A script updates it while somebody types."""
        alias = router.db_for_write(Series)
        context = {
            "preview": _preview_as_it_is(obj, alias),
            "url": reverse(f"{self.admin_site.name}:ledger_series_preview"),
            "series": obj.pk,
        }
        return render_to_string("ledger/admin/preview.html", context)

    @admin.display(description=_("periods"))
    def periods(self, obj: Series) -> str:
        if not obj.pk:
            return gettext("The first one opens with the first number.")
        url = reverse(f"{self.admin_site.name}:ledger_period_changelist")
        return format_html('<a href="{}?series={}">{}</a>', url, obj.pk, _("Periods and counters"))

    def own_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        return [path("preview/", view, name="ledger_series_preview")]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The preview of the typed form as JSON, for users who may save it. Nothing is saved."""
        series = None
        if pk := request.GET.get("series"):
            series = self.get_object(request, pk)
            if series is None:
                raise Http404(f"There is no series {pk}.")
        if not (self.has_change_permission(request, series) if series else self.has_add_permission(request)):
            raise PermissionDenied
        data = request.GET.copy()
        if not data.get("code"):
            data["code"] = _SOME_CODE
        if not data.get("template"):
            return JsonResponse(asdict(Preview()))
        form = self.get_form(request, series, change=series is not None)(data, instance=series or Series())
        if form.is_valid():
            preview = preview_series(form.instance, router.db_for_write(Series))
        else:
            preview = Preview(refusals=_complaints(form))
        return JsonResponse(asdict(preview))


def _next_number(series: Series, period: Period, today: date) -> str:
    """Like ``ledger.issuing.next_number``, without its query for the lowest slot of the pool: the list has read it."""
    period.series = series
    known: int | None = period.last_value + 1
    if series.allocation == Allocation.REMOTE:
        known = None  # none at all, where no draft is free
    elif series.allocation == Allocation.POOLED and period.pk:
        known = upcoming(period)
    return next_number(series, period, today, series._state.db or router.db_for_write(Series), known)


def _preview_as_it_is(series: Series, alias: str) -> Preview:
    if not series.template:
        return Preview()
    series.code, code = series.code or _SOME_CODE, series.code
    series.time_zone, zone = series.time_zone or ledger_settings().time_zone, series.time_zone
    try:
        check_series(series, alias)
        return preview_series(series, alias)
    except InvalidArgument as error:
        return Preview(refusals=[str(error)])
    finally:
        series.code, series.time_zone = code, zone


def _complaints(form: forms.BaseForm) -> list[str]:
    told = []
    for name, errors in form.errors.items():
        # The error of a template names it. For the others, the reader must know which field is meant.
        label = "" if name in ("__all__", "template") else f"{form.fields[name].label}: "
        told += [f"{label}{error}" for error in errors]
    return told
