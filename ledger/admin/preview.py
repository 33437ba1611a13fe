"""What a series would give out next, worked out before it is saved."""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext

from ledger.calendars import CalendarKind, Span, day_after
from ledger.changes import keeps_form
from ledger.errors import LedgerError
from ledger.issuing import next_number
from ledger.models import Period, Series
from ledger.periods import find_period, planned_period
from ledger.words import day_told, period_told
from ledger.zones import today_in


@dataclass(frozen=True, slots=True)
class Line:
    """One number with the words around it; no number where the period gives out none, and ``note`` says why."""

    label: str
    number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """Numbers to come, or the reasons why there can be none."""

    lines: list[Line] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preview_series(series: Series, alias: str) -> Preview:
    """The next number today and at the start of the next period; ``series`` is checked, and may be unsaved.

    A period that saving would compile again is shown as it would be then.
    """
    try:
        today = today_in(series.time_zone, alias)
        current = _period(series, today, alias)
        lines = [_line(gettext("Today"), series, current, today, alias)]
        following = day_after(current.ends_on)
        if following > current.ends_on and (
            series.calendar != CalendarKind.EXPLICIT or _opened(series, following, alias)
        ):
            period = _period(series, following, alias)
            lines.append(
                _line(gettext("From %(day)s") % {"day": day_told(following)}, series, period, following, alias)
            )
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
        note = gettext("if a period is opened by hand that starts on %(day)s") % {"day": day_told(day)}
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
