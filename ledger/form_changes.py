"""From which day a changed setting holds: which periods keep their form, and which are compiled again."""

from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext

from ledger import refusals, sql
from ledger.calendars import CalendarKind, day_after, day_before
from ledger.cursors import fetch_value
from ledger.errors import InvalidCalendar, InvalidDate, InvalidSeries, LedgerError
from ledger.localization import day_told
from ledger.models import Entry, Period, Reservation, Series
from ledger.zones import today_in

#: What makes the form of a period: one that has numbers keeps it.
FORM = ("template", "calendar", "fiscal_start", "start_value")


def keeps_form(period: Period, before: Series, alias: str) -> bool:
    """Whether a period stays as it is when the settings ``before`` change.

    It does if it has numbers, or was not made by those settings: it has another form, or dates that people gave it.
    Any other is compiled again (sql/functions/ledger_renew_periods.sql).
    """
    if period.closed_at is not None or period.last_value >= period.first_value or period.has_drafts:
        return True
    if not _has_form(period, before):
        return True
    if before.as_calendar().span(period.starts_on) in (None, period.as_span()):
        return False
    ended = _periods_of(before, alias).filter(cut_short=True, ends_on=day_before(period.starts_on))
    return not ended.exists()


def last_kept(before: Series, alias: str) -> Period | None:
    """The last period that keeps its form, or at least its dates, under a new calendar."""
    for period in _periods_of(before, alias).order_by("-starts_on"):
        if keeps_form(period, before, alias) or before.as_calendar().span(period.starts_on) != period.as_span():
            return period
    return None


def check_form(before: Series, series: Series, from_day: date | None, alias: str) -> None:
    """Refuse a new form that could never hold, or not from ``from_day`` on."""
    if all(getattr(before, name) == getattr(series, name) for name in FORM):
        return
    periods = _periods_of(series, alias)
    if from_day is None:
        last = periods.order_by("-starts_on").first()
        if last is not None and last.ends_on == date.max and keeps_form(last, before, alias):
            raise _never(series, alias)
        return
    today = today_in(series.time_zone, alias)
    ahead = periods.filter(cut_short=True, ends_on__gte=today, ends_on__lt=day_before(from_day))
    begun = ahead.order_by("-ends_on").first()
    if begun is not None and not periods.filter(starts_on=day_after(begun.ends_on)).exists():
        raise InvalidDate(
            f"The series {str(series)!r} has another form from {day_after(begun.ends_on)} on already.",
            rule="Where the counter goes on is known only on that day; until then no further form can follow.",
            remedy="Choose that day, or an earlier one; or wait until it has come.",
        )
    if (from_day - today).days > max(series.max_days_ahead, 400):
        raise InvalidDate(
            f"{from_day} lies too far ahead for another form of the series {str(series)!r}.",
            rule="The periods until then are opened with the form that they have now: 400 days ahead at most, or as "
            "many as a document may be dated.",
            remedy="Choose an earlier day, or change it later.",
        )
    held = periods.filter(starts_on__lt=from_day, ends_on__gte=from_day).first()
    for model in (Entry, Reservation):
        dated = model._default_manager.using(alias).filter(tenant=series.tenant, period=held, issued_on__gte=from_day)
        latest = None if held is None else dated.order_by("-issued_on").first()
        if latest is not None:
            raise InvalidDate(
                f"The series {str(series)!r} has numbers dated {latest.issued_on}, so it can't have another form from "
                f"{from_day} on.",
                rule="A number keeps the form that it was given.",
                remedy=f"Choose a later day: from_day={day_after(latest.issued_on)!r}.",
            )


def check_collision(before: Series | None, series: Series, alias: str) -> None:
    """Refuse settings by which two series of the tenant could give out the same number."""
    telling = (*FORM, "max_length", "rules", "is_active")
    is_as_before = before is not None and all(getattr(before, name) == getattr(series, name) for name in telling)
    if is_as_before or not series.is_active:
        return
    longest, highest = series.rule_bounds()
    length = series.max_length if longest is None else min(series.max_length, longest)
    texts = (series.tenant, series.code, series.template, series.calendar, series.fiscal_start, series.time_zone)
    other = fetch_value(alias, sql.COLLIDING_SERIES, [*texts, series.start_value, length, highest])
    if other is not None:
        raise refusals.series_collide(series.code, other)


def holds_from(series: Series, changed: Collection[str], alias: str, today: date) -> date | None:
    """The first day, ``today`` or later, whose numbers have the form of the settings; None if no day ever has."""
    day = today
    for period in _periods_of(series, alias).filter(ends_on__gte=today).order_by("starts_on"):
        if period.starts_on > day:
            break
        starts_anew = "start_value" not in changed or period.first_value == series.start_value
        if _has_form(period, series) and starts_anew:
            break
        if period.ends_on == date.max:
            return None
        day = day_after(period.ends_on)
    return day


def form_ahead(series: Series, alias: str) -> date | None:
    """The day from which the form of the settings holds, if today's numbers have another one; else None."""
    try:
        today = today_in(series.time_zone, alias)
    except LedgerError:
        return None  # reported elsewhere
    day = holds_from(series, ("template",), alias, today)
    return day if day is not None and day > today else None


def describe_form(series: Series, today: date) -> str:
    """From when the new form holds, in a sentence; empty if no new form was chosen."""
    if series.holds_from is None:
        return ""
    if series.holds_from <= today:
        return gettext("The new form holds at once.")
    told = gettext(
        "The new form holds from %(day)s on: the period before has numbers, and keeps its form. "
        "--from (from_day=) ends it earlier."
    )
    return told % {"day": day_told(series.holds_from)}


def _periods_of(series: Series, alias: str) -> QuerySet[Period]:
    return Period.objects.using(alias).filter(tenant=series.tenant, series_id=series.pk)


def _has_form(period: Period, series: Series) -> bool:
    try:
        return series.as_template().compile(period.as_span()) == period.as_format()
    except LedgerError:
        return False  # no period was made by settings that can't be read


def _never(series: Series, alias: str) -> LedgerError:
    day = day_after(today_in(series.time_zone, alias))
    error = InvalidCalendar if series.calendar != CalendarKind.NEVER else InvalidSeries
    return error(
        f"The series {str(series)!r} has a period that never ends and has numbers, so another form would never hold.",
        rule="A period that has numbers keeps its form: template, calendar, fiscal start and start value hold from the "
        "next period on.",
        remedy=f"Say from which day on, such as define_series({series.code!r}, …, from_day={day!r}), or manage.py "
        f"ledger_series create {series.code} … --from {day}: its period then ends the day before.",
    )
