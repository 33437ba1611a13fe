"""Opening and closing periods. The first call that needs a period makes its row, so nothing has to run at midnight."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from django.db import DataError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import errors, homes, refusals, sql
from ledger.allocation.second_connection import ask_ahead, seen_ahead, sees_new_rows
from ledger.arguments import day_or_moment
from ledger.calendars import Span, day_after
from ledger.conf import ledger_settings
from ledger.cursors import fetch_value, id_batches
from ledger.database_errors import translate_database_errors
from ledger.databases import database_of, expect, impatient, same_row, series_named
from ledger.errors import LedgerError
from ledger.exhaustion import outgrown_at_last_rate
from ledger.keys import actor_name, tenant_key
from ledger.models import Allocation, AuthorisedRange, Period, Series, Slot
from ledger.rules import Outcome
from ledger.series import find_or_make_series
from ledger.signals import ask_for_seal
from ledger.zones import TODAY, today_in, todays_json

_log = logging.getLogger(__name__)

_BATCH = 500

#: Days: a hundred years.
_FURTHEST_AHEAD = 36_525

# Active series that have no period yet for the day so many days after their own today, or whose time zone is unknown.
# Parameters: days, after (the id of the last series read), size, todays.
_WITHOUT_PERIOD = f"""
    SELECT s.id
    FROM ledger_series s
    WHERE s.is_active AND {sql.at_home("s.tenant")}
      AND s.calendar <> 'explicit'
      AND (s.rules_authorised IS NULL OR s.rules_authorised > {TODAY} + %(days)s::int)
      AND NOT EXISTS (SELECT FROM ledger_authorisedrange a WHERE a.tenant = s.tenant AND a.series_id = s.id)
      AND NOT EXISTS (
          SELECT FROM ledger_period p
          WHERE p.tenant = s.tenant AND p.series_id = s.id
            -- The continuation of a form that ends early is opened on its day.
            AND ({TODAY} + %(days)s::int BETWEEN p.starts_on AND p.ends_on OR p.cut_short AND p.ends_on >= {TODAY})
      )
      AND s.id > %(after)s
    ORDER BY s.id
    LIMIT %(size)s
"""  # noqa: S608  (our own text)

#: How long a sweep waits for a checkout that is just opening the same period.
_PATIENCE = "2s"


def find_period(series: Series, day: date, alias: str) -> Period | None:
    """The period that holds ``day``, or None; of authorised ranges, the one that gives that day its next number."""
    holding = Period.objects.using(alias).select_related("series").order_by("ordinal")
    found = list(holding.filter(tenant=series.tenant, series=series, starts_on__lte=day, ends_on__gte=day))
    if len(found) > 1:
        waiting = set(Slot.objects.using(alias).filter(period__in=found).values_list("period_id", flat=True))
        for one in found:
            if one.closed_at is None and (one.last_value < one.max_value or one.pk in waiting):
                return one
    return found[-1] if found else None


def planned_period(series: Series, day: date, alias: str | None = None) -> Period:
    """The unsaved period that the series' calendar has for ``day``. Raises NoPeriod if periods are opened by hand.

    If the form of the same stretch of the calendar was ended early, the days after it continue its counter.
    """
    alias = alias or router.db_for_read(Period)
    return planned_after(ended_form(series, day, alias), series, day, alias, granted=has_ranges(series, day, alias))


def planned_after(ended: Period | None, series: Series, day: date, alias: str, *, granted: bool) -> Period:
    """``planned_period`` for a caller that has the answers of ``ended_form`` and ``has_ranges`` already."""
    span = series.as_calendar().span(day)
    _refuse_without_range(series, day, alias, granted)
    if span is None:
        raise refusals.no_period(series, day, alias)
    if ended is None or ended.ends_on < span.starts_on:
        return Period.of(series, span)
    return Period.of(series, Span(day_after(ended.ends_on), span.ends_on), first_value=ended.last_value + 1)


def _refuse_without_range(series: Series, day: date, alias: str, granted: bool) -> None:
    """Raise RangesExhausted if the numbers of ``day`` come from authorised ranges alone."""
    since = series.rules_authorised
    if granted or (since is not None and day >= since):
        raise refusals.ranges_exhausted(series, day, alias)


def has_ranges(series: Series, day: date, alias: str) -> bool:
    """Whether an authority has granted ranges to the series by ``day``, so that its numbers come from them alone."""
    ranges = AuthorisedRange.objects.using(alias).filter(tenant=series.tenant, series=series.pk)
    return not series._state.adding and ranges.filter(valid_from__lte=day).exists()


def ended_form(series: Series, day: date, alias: str) -> Period | None:
    """The last period before ``day``, if its form was ended early and no other period has followed."""
    if series._state.adding:
        return None
    began = Period.objects.using(alias).filter(tenant=series.tenant, series=series, starts_on__lte=day)
    last = began.order_by("-starts_on").first()
    return last if last is not None and last.cut_short and last.ends_on < day else None


def open_period(
    series: Series | str,
    day: date | None = None,
    *,
    org: Any = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    first_value: int | None = None,
    label: str | None = None,
    by: Any = None,
    using: str | None = None,
) -> Period:
    """Open the period of ``series`` that holds ``day``, as its calendar has it, or an explicit one by its two dates.

    ``series`` is a series, or the code of one of the tenant ``org``; a default series is made for it. Explicit dates,
    ``starts_on`` and ``ends_on``, both inclusive, make a period of any length under any calendar: a short first year, a
    52/53-week year, the stretch between two fiscal years. ``first_value`` is where its counter starts, by default where
    the series' periods do; ``label`` the text of ``{label}`` in its numbers, such as ``"2082/83"``. ``by`` names who
    opens it, which is kept with a period that is made by hand. Opening a period that is open already returns it. Raises
    PeriodConflict if it would overlap another one or repeat its numbers, NoPeriod if the calendar has none for the day,
    and InvalidArgument if the arguments can't make a period. ``using`` is as in ``issue``.
    """
    code, org, using = series_named(series, org, using)
    alias = using or router.db_for_write(Period)
    for given in (day, starts_on, ends_on):
        day_or_moment(given)  # refuses anything but a date
    if isinstance(series, Series) and series._state.db == alias:
        found = series
    else:
        found = find_or_make_series(alias, tenant_key(org), code)
    if day is None and starts_on is None and ends_on is None:
        day = today_in(found.time_zone, alias)
    period = _wanted_period(found, day, starts_on, ends_on, first_value, label, alias)
    by_hand = starts_on is not None or first_value not in (None, found.start_value)
    opened = _opened(period, alias, day, ahead=False, by_hand=actor_name(by) if by_hand else None, label=label)
    if first_value is not None and opened.first_value != first_value:
        raise errors.PeriodConflict(
            f"The period {opened.label} of series {str(series)!r} is open already, from {opened.first_value} on.",
            rule=f"A period's first value is set when it is opened; {first_value} was asked for.",
            remedy="Leave first_value out, or open another period.",
        )
    return opened


def open_period_for(connection: BaseDatabaseWrapper, series: Series, day: date) -> Period:
    """Open the period that a checkout needs for ``day``, by the series' calendar; otherwise as ``open_period``.

    It is committed ahead of the checkout, so that no other checkout waits for this one to commit; except in a
    ``serial`` series, where they wait anyway, and in a series that nobody else can see yet.
    """
    period = planned_period(series, day, connection.alias)
    try:
        ahead = series.allocation != Allocation.SERIAL and seen_ahead(connection, series)
        return _opened(period, connection.alias, day, ahead=ahead)
    except errors.SecondConnectionFailed as error:
        if series.allocation == Allocation.RESERVED:
            raise  # its values are committed on the second connection, which would not see this period
        _log.warning("The period %s is opened inside a checkout, and others wait for it: %s", period, error)
        return _opened(period, connection.alias, day, ahead=False)


def close_period(period: Period, *, early: bool = False, by: Any = None, using: str | None = None) -> Period:
    """Close a period for good: the database refuses every later entry in it.

    Waits for checkouts that hold its counter or values of it, and raises LockTimeout if ``lock_timeout`` runs out.
    Reservations that were not taken, and free values below the highest number, become flagged gaps, by ``by``. Raises
    PeriodError while the period still runs in the series' time zone, unless ``early``. Closing a closed period changes
    nothing. ``using`` is a database alias, by default the one that ``period`` was read from.
    """
    expect(period, Period, "period", "Pass the Period itself, such as entry.period, or open_period('invoice', day).")
    alias = database_of(period, Period, using)
    actor = actor_name(by)
    same_row(period, alias)
    with translate_database_errors("of this period", wanted="closing a period needs"), transaction.atomic(using=alias):
        outcome = fetch_value(alias, sql.CLOSE_PERIOD, [period.tenant, period.pk, early, actor])
        found = Period.objects.using(alias).select_related("series").filter(pk=period.pk).first()
        if found is None:
            raise errors.NoPeriod(
                f"The period {period.label} of tenant {period.tenant!r} is not in the database {alias!r}.",
                rule="Only an open period can be closed.",
                remedy="Open it first: open_period('invoice', day).",
            )
        if outcome == "runs":
            today = today_in(found.series.time_zone, alias)
            raise errors.PeriodError(
                f"The period {found.label} of series {str(found.series)!r} still runs; today is {today}.",
                rule="A period is closed after it has ended, and closing is final.",
                remedy="Wait until it has ended, or pass early=True (--early) if you mean it.",
            )
        transaction.on_commit(partial(ask_for_seal, alias), using=alias, robust=True)
    return found


def open_next_periods(
    *, ahead_days: int | None = None, series: Sequence[Series | int] | None = None, using: str | None = None
) -> dict[str, Any]:
    """Open what the next ``ahead_days`` days need, for all active series of all tenants, or ``series``: rows or ids.

    ``ahead_days`` is LEDGER["OPEN_AHEAD_DAYS"] by default (30), ``series`` are some series or their ids, ``using`` is
    where the routers write. Safe to run at any time, twice or at once. Returns ``{"opened": count, "failed":
    [{"series", "error"}, …]}``. A series that can't be opened does not stop the others. Neither does one whose next
    period a checkout is opening right now, in its own transaction: this waits for two seconds, and goes on.
    """
    expect(() if series is None else series, Iterable, "series", "Pass a list of series, or of their ids.")
    some = list(series or ())
    for given in some:
        expect(given, (Series, int), "series", "Pass a list of series, or of their ids.")
    alias = database_of(some[0] if some else None, Period, using)
    days = ledger_settings().open_ahead_days if ahead_days is None else ahead_days
    expect(days, int, "ahead_days", "Pass ahead_days=30, or leave it out for LEDGER['OPEN_AHEAD_DAYS'].")
    if not 0 <= days <= _FURTHEST_AHEAD:
        raise errors.InvalidCalendar(
            f"ahead_days={days!r:.60} is out of range.",
            rule=f"Periods are opened 0 to {_FURTHEST_AHEAD:,} days ahead, a whole number.",
            remedy="Pass ahead_days=30, or leave it out for LEDGER['OPEN_AHEAD_DAYS'].",
        )
    ids = [one if isinstance(one, int) else same_row(one, alias).pk for one in some]
    opened = 0
    failed: list[dict[str, str]] = []
    for batch in series_without_period(alias, _BATCH, ahead_days=days) if series is None else [ids]:
        for one in Series.objects.using(alias).filter(pk__in=batch, is_active=True).order_by("pk"):
            try:
                with translate_database_errors(one.code), impatient(alias, _PATIENCE):
                    today = today_in(one.time_zone, alias)
                    opened += _open_through(one, today, today + timedelta(days=days), alias)
            except (LedgerError, DataError, ValueError, ArithmeticError) as error:
                failed.append({"series": str(one), "error": str(error)})
    return {"opened": opened, "failed": failed}


def series_without_period(alias: str, size: int, *, ahead_days: int | None = None) -> Iterator[list[int]]:
    """The ids of active series that need a period within ``ahead_days`` days and have none yet, ``size`` at a time.

    Series with an unknown time zone are among them, so that they are reported.
    """
    days = ledger_settings().open_ahead_days if ahead_days is None else ahead_days
    return id_batches(alias, _WITHOUT_PERIOD, size, days=days, todays=todays_json(alias))


def _opened(
    period: Period, alias: str, day: date | None, *, ahead: bool, by_hand: str | None = None, label: str | None = None
) -> Period:
    """``period`` as the database has it, after making it if necessary. Raises PeriodConflict if it can't be made.

    The database makes the period that holds ``day`` by the series' own row, whose settings may just have changed; with
    ``by_hand``, which names who asked, by the period's own dates and first value.
    """
    within = day or period.starts_on
    opened = find_period(period.series, within, alias)
    if opened is None:
        _refuse_repetition(period, alias)
        _check_rules(period, alias)
        # If two transactions open the same period, one makes it and the other finds it.
        arguments: list[Any] = [period.tenant, period.series.code, within]
        if by_hand is not None:
            arguments[2:] = [period.starts_on, period.ends_on, period.first_value, by_hand, label]
        statement = sql.OPEN_PERIOD if by_hand is None else sql.OPEN_EXPLICIT
        if ahead:
            [(outcome,)] = ask_ahead(connections[alias], statement, arguments, lock_timeout="5s")
        else:
            outcome = fetch_value(alias, statement, arguments)
        if outcome == "too_far":
            raise refusals.too_far(period.series, period.starts_on)
        if outcome.startswith("conflict: "):
            raise errors.PeriodConflict(
                f"The period {period.label} of series {str(period.series)!r} can't be opened: "
                f"{outcome.removeprefix('conflict: ')}.",
                rule=refusals.UNIQUE_RULE,
                remedy="Change the series' template, so that its numbers can't be mistaken for others.",
            )
        opened = find_period(period.series, within, alias)
        if opened is None and ahead and not sees_new_rows(connections[alias]):
            raise refusals.old_snapshot(period.series.code)
    elif opened.moves:
        homes.refuse_moved(alias, opened.tenant)
    if opened is None or (day is None and (opened.starts_on, opened.ends_on) != (period.starts_on, period.ends_on)):
        raise _conflict(period, alias)
    return opened


def _wanted_period(
    series: Series,
    day: date | None,
    starts_on: date | None,
    ends_on: date | None,
    first_value: int | None,
    label: str | None,
    alias: str,
) -> Period:
    """The unsaved period that the arguments of ``open_period`` ask for."""
    if (starts_on is None) is not (ends_on is None) or (starts_on is not None and day is not None):
        raise errors.InvalidCalendar(
            f"Asked for was a period with day={day}, starts_on={starts_on}, ends_on={ends_on}.",
            rule="A period is named by a day in it, or by both its first and its last day.",
            remedy="Pass open_period(series, day), or open_period(series, starts_on=…, ends_on=…).",
        )
    if first_value is not None:
        expect(first_value, int, "first_value", "Pass a whole number, such as first_value=500.")
    if day is None:
        assert starts_on is not None
        assert ends_on is not None
        _refuse_without_range(series, ends_on, alias, has_ranges(series, ends_on, alias))
        period = Period.of(series, Span(starts_on, ends_on), first_value=first_value, label=label)
    else:
        period = planned_period(series, day, alias)
        if first_value is not None or label is not None:
            period = Period.of(series, period.as_span(), first_value=first_value, label=label)
    if not 0 <= period.first_value <= period.max_value:
        raise errors.InvalidSeries(
            f"The period {period.label} of series {str(series)!r} can't start at {period.first_value}.",
            rule=f"Its values lie between 0 and {period.max_value}, so that numbers keep the series' length limit of "
            f"{series.max_length} characters and its rules.",
            remedy="Choose another first value, a shorter template or a higher length limit.",
        )
    return period


def _open_through(series: Series, first: date, last: date, alias: str) -> int:
    opened, day = 0, first
    while True:
        period = find_period(series, day, alias)
        if period is None:
            period = open_period(series, day, using=alias)
            opened += 1
        if period.ends_on >= last or (period.cut_short and period.ends_on >= first):
            return opened  # the continuation is opened on its day, when its first value is known
        day = day_after(period.ends_on)


def _refuse_repetition(period: Period, alias: str) -> None:
    """Raise PeriodConflict if the tenant has another period that could give out one of this period's numbers."""
    numbers: list[Any] = [period.prefix, period.width, period.suffix, period.first_value, period.max_value]
    ended = ended_form(period.series, period.starts_on, alias)  # bounded, so that the two never collide
    left_aside = None if ended is None else ended.pk
    found = fetch_value(alias, sql.COLLIDING_PERIOD, [period.tenant, *numbers, left_aside])
    other = None if found is None else Period.objects.using(alias).select_related("series").get(pk=found)
    place = attrgetter("series_id", "starts_on", "ends_on")
    if other is None or place(other) == place(period):  # the same period, which another checkout has just opened
        return
    raise errors.PeriodConflict(
        f"The period {period.label} of series {str(period.series)!r} could repeat the numbers of {other}: "
        f"{period.as_format().number(period.first_value)!r} follows {other.as_format().number(other.first_value)!r}.",
        rule=refusals.UNIQUE_RULE,
        remedy="Put what tells them apart into the template, such as {year}-{month}, {series} or letters.",
    )


def _check_rules(period: Period, alias: str) -> None:
    """Raise AgainstRules if the rules by country forbid the period; log what they doubt, and a counter too small."""
    findings = [finding for finding in period.check_rules() if finding.outcome is not Outcome.PASSED]
    if period.series.rules and (told := outgrown_at_last_rate(period, alias)) is not None:
        findings.append(told)
    for finding in findings:
        _log.warning("The period %s of series %s: %s", period.label, period.series, finding)


def _conflict(period: Period, alias: str) -> errors.PeriodError:
    """Why PostgreSQL did not take the period."""
    theirs = Period.objects.using(alias).select_related("series").filter(tenant=period.tenant)
    mine = theirs.filter(series=period.series)
    overlapping = mine.filter(starts_on__lte=period.ends_on, ends_on__gte=period.starts_on).first()
    if overlapping is not None:
        return errors.PeriodConflict(
            f"The period {period.label} of series {str(period.series)!r} overlaps {overlapping.label}.",
            rule="Periods of a series may not overlap.",
            remedy=f"Choose dates outside it: manage.py ledger_period open {period.series.code} --starts-on "
            f"{day_after(overlapping.ends_on)} --ends-on …",
        )
    _refuse_repetition(period, alias)
    return errors.NoPeriod(
        f"Another checkout opened the period {period.label} of series {str(period.series)!r}, and rolled back.",
        rule="A period is opened inside a transaction, which may roll back.",
        remedy="Run the whole transaction again.",
    )
