"""Implements the API of django-sequence: its errors, the series of its scopes, and setting a counter by hand."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from ledger.arguments import day_or_moment
from ledger.calendars import CalendarKind
from ledger.compat.conf import compat_settings
from ledger.compat.new_series import unsaved_series
from ledger.cursors import fetch
from ledger.errors import InvalidArgument, InvalidSeries, LedgerError, LockTimeout, UnknownSeries
from ledger.models import Period, Series
from ledger.periods import close_period, find_period, open_period
from ledger.series import default_series
from ledger.zones import today_in


class SequenceError(LedgerError):
    """Base of django-sequence's errors."""


class SequenceNotFoundError(SequenceError, UnknownSeries):
    """There is no such sequence, and ``auto_create=False`` asked not to make it."""


class SequenceLockedError(SequenceError, LockTimeout):
    """Another transaction holds the sequence and didn't end in time, or has used the sequence in the meantime."""


class SequenceExists(SequenceError, IntegrityError):
    """The organisation has a sequence of that scope already."""


def not_found(scope: str, tenant: str) -> SequenceNotFoundError:
    return SequenceNotFoundError(
        f"There is no sequence {scope!r} of {tenant or 'no organisation'}.",
        rule="Look-ups, and next_sequence(auto_create=False), make no sequence.",
        remedy=f"Make it: Sequence.objects.create(scope={scope!r}, …), or leave auto_create out.",
    )


def exists(scope: str, tenant: str) -> SequenceExists:
    return SequenceExists(
        f"There is a sequence {scope!r} of {tenant or 'no organisation'} already.",
        rule="An organisation has one sequence of each scope.",
        remedy="Use get_or_create(), or next_sequence(), which makes it at the first call.",
    )


@contextmanager
def locked_by_others() -> Iterator[None]:
    """Raise a LockTimeout as SequenceLockedError, which callers of django-sequence know."""
    try:
        yield
    except SequenceLockedError:
        raise
    except LockTimeout as error:
        raise SequenceLockedError(error.problem, rule=error.rule, remedy=error.remedy) from error


# Arguments: tenant, period, the last value, actor.
_SKIP = "SELECT ledger_skip_values(%s, %s, %s, %s)"

_RULES = {
    "behind": "A counter never goes back.",
    "exhausted": "A number is no longer than its series allows.",
    "many": "One step leaves at most 10,000 gaps.",
    "closed": "Nothing is added to a closed period.",
    "queued": "Where values wait in a pool, or as reservations, the counter is not moved by hand.",
}

_APART = "{series}:"

#: The default prefix of a scope's numbers, and whether the year follows.
DEFAULTS: dict[str, tuple[str, bool]] = {
    "invoice": ("INV-", True),
    "order": ("ORD-", True),
    "receipt": ("RCP-", True),
    "ticket": ("TKT-", False),
}


def template_of(prefix: str, pad_width: int, *, include_year: bool) -> str:
    """The template that makes the numbers of django-sequence: ``INV-{year}-{counter:06}``."""
    if not 0 <= pad_width <= 18:
        raise InvalidSeries(
            f"The pad_width {pad_width} is out of range.",
            rule="A counter is padded to at most 18 digits.",
            remedy="Choose a width such as 6.",
        )
    text = prefix.replace("{", "{{").replace("}", "}}")
    counter = f"{{counter:0{pad_width}}}" if pad_width else "{counter}"
    return f"{text}{{year}}-{counter}" if include_year else f"{text}{counter}"


def told_apart(template: str, prefix: str, taken: Iterable[str]) -> str:
    """The template of a scope; it begins with the scope if that has no prefix, and another scope has the template.

    Callers get the numbers of the original, ``2026-000001`` in both scopes. In the ledger, where a tenant's numbers are
    unique, this one's are ``quote:2026-000001``.
    """
    return _APART + template if not prefix and template in taken else template


def as_original(series: Series, number: str) -> str:
    """A number as django-sequence would have written it."""
    return number.removeprefix(f"{series.code}:") if series.template.startswith(_APART) else number


def series_of_scope(alias: str, tenant: str, scope: str, prefix: str, pad_width: int, *, include_year: bool) -> Series:
    """The series of a scope, not saved yet."""
    chosen = compat_settings()
    count_on = chosen.count_on_over_years
    if (prefix, pad_width, include_year) == ("", 6, True) and chosen.default_prefixes and not count_on:
        default = default_series(tenant, scope)
        if default is not None:
            return default
    if not prefix and scope in DEFAULTS and chosen.default_prefixes:
        prefix, with_year = DEFAULTS[scope]
        include_year = include_year and with_year
    calendar = CalendarKind.NEVER
    if include_year:
        calendar = CalendarKind.EXPLICIT if count_on else CalendarKind.YEAR
    others = Series.objects.using(alias).filter(tenant=tenant).exclude(code=scope)
    template = template_of(prefix, pad_width, include_year=include_year)
    template = told_apart(template, prefix, others.values_list("template", flat=True))
    return unsaved_series(alias, tenant, scope, template=template, calendar=calendar)


def today_of(alias: str, series: Series) -> date:
    """Today in the series' time zone, by the clock that issuing uses."""
    _, moment = day_or_moment(None)
    return today_in(series.time_zone, alias, moment)


def open_current(alias: str, series: Series, *, after: int | None = None) -> Period:
    """Open the period of today; its counter continues after the value ``after``.

    If the counter goes on over the years (the calendar is explicit), it continues after the previous year, which is
    closed: that waits for transactions that still hold a value of it.
    """
    with transaction.atomic(using=alias):
        today = today_of(alias, series)
        first_value = None if after is None else after + 1
        if series.calendar != CalendarKind.EXPLICIT:
            return open_period(series, today, first_value=first_value, using=alias)
        if (found := find_period(series, today, alias)) is not None:
            return found
        year = date(today.year, 1, 1), date(today.year, 12, 31)
        before = Period.objects.using(alias).select_related("series").filter(series=series, ends_on__lt=year[0])
        if (last := before.order_by("-starts_on").first()) is not None:
            last = close_period(last, early=True, by="django-sequence", using=alias)
            first_value = max(first_value or 0, last.last_value + 1)
        return open_period(series, starts_on=year[0], ends_on=year[1], first_value=first_value, using=alias)


def skip_to(alias: str, series: Series, value: Any) -> None:
    """Move the current period forward to ``value``; the values between become gaps with the cause "skipped".

    A period without numbers simply begins after ``value``. Raises InvalidArgument if the counter can't go there.
    """
    if not isinstance(value, int) or value < 0:
        raise InvalidArgument(
            f"current_value={value!r} is not a value of a counter.",
            rule="A counter counts in whole numbers from 0 on; it takes no expression such as F().",
            remedy="Pass a whole number, or call next_sequence().",
        )
    if find_period(series, today_of(alias, series), alias) is None:
        open_current(alias, series, after=value)
        return
    period = open_current(alias, series)
    [(outcome,)] = fetch(alias, _SKIP, [series.tenant, period.pk, value, "django-sequence"])
    if outcome != "skipped":
        raise InvalidArgument(
            f"The sequence {series.code!r} can't go from {period.last_value} to {value}.",
            rule=_RULES[outcome],
            remedy="Pass a higher value, a few steps on; or define another series: define_series(…, start_value=…).",
        )
