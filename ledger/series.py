"""Defining series: in code, or by default on first use."""

import json
import logging
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import date
from typing import Any, TypedDict, Unpack

from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from ledger import form_changes, homes, refusals, sql
from ledger.allocation.second_connection import ask_ahead, sees_new_rows
from ledger.calendars import CalendarKind, day_after, require_plain_date
from ledger.conf import ledger_settings
from ledger.cursors import fetch_value
from ledger.database_errors import translate_database_errors
from ledger.databases import series_named
from ledger.errors import AllocationChange, InvalidCalendar, InvalidSeries, SecondConnectionFailed
from ledger.keys import actor_name, check_text, tenant_key
from ledger.misspelt import unknown
from ledger.models import Allocation, DefaultSeries, Period, Series
from ledger.rules import rules_text
from ledger.zones import today_in

_log = logging.getLogger(__name__)


class SeriesSettings(TypedDict, total=False):
    """The settings of a series: the keyword arguments of ``define_series``."""

    template: str
    calendar: str
    fiscal_start: str
    time_zone: str
    allocation: str
    system: str
    give_back: bool
    start_value: int
    max_length: int
    max_days_ahead: int
    chronological: bool
    early_release: bool
    rules: str | Sequence[str]
    close_after_days: int | None
    is_active: bool


#: The names of the settings.
SETTINGS = tuple(SeriesSettings.__annotations__)


def define_series(
    code: Series | str,
    *,
    org: Any = None,
    from_day: date | None = None,
    by: Any = None,
    using: str | None = None,
    **settings: Unpack[SeriesSettings],
) -> Series:
    """Make the series ``code`` of a tenant, or change the settings of the one that exists; returns it.

    ``code`` is a text, or the series to change. ``org`` and ``using`` are as in ``issue``.

    Settings are the fields of ``Series``: ``template`` (needed for a new one), ``calendar`` ("year" by default),
    ``fiscal_start`` ("04-01"), ``time_zone`` (by default LEDGER["TIME_ZONE"], else Django's), ``allocation``
    ("serial"; "at_commit", "pooled", "reserved" and "remote" don't make checkouts wait for each other), ``system`` (the
    accounting system of a remote series), ``give_back``, ``start_value``, ``max_length`` in characters,
    ``max_days_ahead`` (how many days after today a document may be dated), ``chronological`` (dates never decrease),
    ``early_release`` (the next checkout gets the counter before the commit of this one is on disk), ``rules`` (the rule
    sets that are checked: "DE", or several, such as ("DE", "FR-einvoice"); see ``ledger.rules``), ``close_after_days``
    and ``is_active``. ``by`` names who defines it, for its history.
    Settings that are left out stay as they are. Safe to call at each deployment: a series that needs no change is
    neither locked nor written, so the least-privileged role may call it too.

    A changed ``template``, ``calendar``, ``fiscal_start`` or ``start_value`` is a new form. A period with numbers keeps
    its own; one that was opened ahead and is still empty is compiled again. ``holds_from`` of the returned series is
    the first day of the new form. ``from_day`` chooses that day, even in the middle of a period, which then ends the
    day before, and the counter continues in the new form. A period that never ends needs it. It is ignored for a new
    series, and if nothing changes. A changed ``max_length`` holds at once.

    Raises InvalidTemplate, InvalidCalendar, InvalidSeries, InvalidDate, AgainstRules or InvalidTenant, or NotGranted if
    the role may not change series; then nothing is written. ``series.rule_findings()`` lists what the rules doubt but
    don't forbid.
    """
    code, org, using = series_named(code, org, using)
    alias = using or router.db_for_write(Series)
    tenant = tenant_key(org)
    if names := unknown(settings, SETTINGS):
        raise InvalidSeries(
            f"A series has no setting {names}.",
            rule=f"Its settings are {', '.join(SETTINGS)}.",
            remedy="Correct the name.",
        )
    if "rules" in settings:
        settings["rules"] = rules_text(settings["rules"])
    if from_day is not None:
        require_plain_date(from_day)
    actor = actor_name(by)
    with translate_database_errors(code), transaction.atomic(using=alias):
        found = find_series(alias, tenant, code)
        if found is not None and all(getattr(found, name) == value for name, value in settings.items()):
            check_series(found, alias)
            return found
        series = found or new_series(tenant, code, settings)
        change = SeriesChange(series, alias, from_day=from_day)
        for name, value in settings.items():
            setattr(series, name, value)
        change.check()
        return change.save(actor=actor, names=None if found is None else settings)


def save_series(
    series: Series, alias: str, *, actor: str = "", names: Iterable[str] | None = None, from_day: date | None = None
) -> Series:
    """Have the database make or change a checked series, with the settings of ``names`` or all; returns it as saved."""
    arguments = [series.tenant, series.code, settings_json(series, names), actor, from_day]
    return Series.objects.using(alias).get(pk=fetch_value(alias, sql.DEFINE_SERIES, arguments))


def settings_json(series: Series, names: Iterable[str] | None = None) -> str:
    """The settings as JSON for the database, with the bounds that the rules set, because only Python knows the
    rules."""
    settings = {name: getattr(series, name) for name in (SETTINGS if names is None else names)}
    settings["rules_length"], settings["rules_highest"] = series.rule_bounds()
    authorised = series.must_be_authorised()
    settings["rules_authorised"] = None if authorised is None else authorised.isoformat()
    return json.dumps(settings)


class SeriesChange:
    """A series about to be made or changed. Create it before the change, so that it knows the old settings.

    ``from_day`` is the first day of a new form, or None for as soon as possible.
    """

    def __init__(self, series: Series, alias: str, *, from_day: date | None = None) -> None:
        self.series = series
        self.alias = alias
        self.from_day = from_day
        self.before = copy(series) if series.pk else None

    def check(self) -> None:
        """Raise the first reason why the changed series could not work; nothing has been saved yet."""
        check_series(self.series, self.alias)
        form_changes.check_collision(self.before, self.series, self.alias)
        if self.before is None:
            return
        form_changes.check_form(self.before, self.series, self.from_day, self.alias)
        if self.from_day is None and _calendar(self.before) != _calendar(self.series):
            check_calendar_change(self.before, self.series, self.alias)
        if _supplier(self.before) != _supplier(self.series):
            check_allocation_change(self.series, self.alias)

    def save(self, *, actor: str = "", names: Iterable[str] | None = None) -> Series:
        """Have the database make the change; returns the series as saved, with the first day of its new form."""
        with translate_database_errors(self.series.code):
            saved = save_series(self.series, self.alias, actor=actor, names=names, from_day=self.from_day)
        if self.before is not None:
            changed = [name for name in form_changes.FORM if getattr(self.before, name) != getattr(saved, name)]
            if changed:
                today = today_in(saved.time_zone, self.alias)
                saved.holds_from = form_changes.holds_from(saved, changed, self.alias, today)
        return saved


def _supplier(series: Series) -> tuple[str, str]:
    """Where its values come from: two accounting systems differ as much as two allocations."""
    return (series.allocation, series.system if series.allocation == Allocation.REMOTE else "")


def _calendar(series: Series) -> tuple[str, str]:
    return (series.calendar, series.fiscal_start)


def find_series(alias: str, tenant: str, code: str) -> Series | None:
    """The series of a tenant, or None. Raises TenantMoved if the tenant isn't at home in this database."""
    return homes.find_at_home(alias, tenant, Series.objects.using(alias).filter(tenant=tenant, code=code).first)


def find_or_make_series(alias: str, tenant: str, code: str) -> Series:
    """The series of a tenant, made from the default of that code if necessary; raises UnknownSeries, or TenantMoved."""
    series = find_series(alias, tenant, code)
    if series is None and make_default_series(connections[alias], tenant, code):
        series = find_series(alias, tenant, code)
    if series is None:
        raise refusals.unknown_series(alias, tenant, code)
    return series


def series_of(alias: str, tenant: str | None, code: str | None) -> QuerySet[Series]:
    """The series of a tenant (None: of all) and of a code (None: of any)."""
    wanted = {"tenant": tenant, "code": code}
    return Series.objects.using(alias).filter(**{name: value for name, value in wanted.items() if value is not None})


def default_series(tenant: str, code: str) -> Series | None:
    """The unsaved series that LEDGER["DEFAULT_SERIES"] has under ``code``, or None; raises if it is not valid."""
    settings = ledger_settings().default_series.get(code)
    if settings is None:
        return None
    check_code(code)
    series = new_series(tenant, code, settings)
    series.check_settings()
    return series


def make_default_series(connection: BaseDatabaseWrapper, tenant: str, code: str, *, ahead: bool = False) -> bool:
    """Make the default series ``code``, unless another checkout just did; returns whether there is such a default.

    ``ahead`` commits it at once, so that no other checkout waits for this one to commit; except for ``serial``, where
    they wait anyway.
    """
    series = default_series(tenant, code)
    if series is None:
        return False
    if ahead and series.allocation != Allocation.SERIAL:
        try:
            keep_default(connection.alias, code, series, ahead=True)
            ask_ahead(connection, sql.MAKE_DEFAULT, [tenant, code, None, None], lock_timeout="5s")
        except SecondConnectionFailed as error:
            if series.allocation == Allocation.RESERVED:
                raise  # as in periods.open_period_for
            _log.warning("The series %s is made inside a checkout, and others wait for it: %s", series, error)
        else:
            if find_series(connection.alias, tenant, code) is None and not sees_new_rows(connection):
                raise refusals.old_snapshot(code)
            return True
    keep_default(connection.alias, code, series)
    fetch_value(connection.alias, sql.MAKE_DEFAULT, [tenant, code, None, None])
    return True


def keep_default(alias: str, code: str, series: Series, *, tenant: str | None = None, ahead: bool = False) -> None:
    """Have the database make series of ``code`` as LEDGER["DEFAULT_SERIES"] says now; ``migrate`` does so too.

    With ``tenant``, the default is for that tenant alone; with ``ahead``, it is committed at once. Raises InvalidSeries
    if the database has another default and this role may not change it.
    """
    wanted = settings_json(series)
    if tenant is not None:
        wanted = json.dumps({**json.loads(wanted), "tenant": tenant})
    there = DefaultSeries.objects.using(alias).filter(code=code).values_list("settings", flat=True).first()
    if there == json.loads(wanted):
        return
    try:
        if ahead:
            ask_ahead(connections[alias], sql.DEFINE_DEFAULT, [code, wanted], lock_timeout="5s")
            return
        with transaction.atomic(using=alias):
            fetch_value(alias, sql.DEFINE_DEFAULT, [code, wanted])
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != "42501":
            raise
        raise InvalidSeries(
            f"LEDGER['DEFAULT_SERIES'][{code!r}] isn't what the database {alias!r} has as its default.",
            rule="A checkout's role may make default series, but not change their settings.",
            remedy="Run manage.py migrate as the ledger's owner, which takes the setting over.",
        ) from error


def check_series(series: Series, alias: str) -> None:
    """Raise the first reason why the series could not work; the database is asked too."""
    check_code(series.code)
    tenant_key(series.tenant)
    series.check_settings()
    today_in(series.time_zone, alias)  # the database turns moments into business dates, so it must know the zone
    if "{series}" in series.template:
        return
    alike = Series.objects.using(alias).filter(tenant=series.tenant, template__iexact=series.template)
    if (twin := alike.exclude(code=series.code).first()) is not None:
        raise InvalidSeries(
            f"Series {twin.code!r} of tenant {series.tenant!r} has the template {twin.template!r} as well.",
            rule="A tenant's numbers are unique over all its series, without regard to case.",
            remedy=f"Give {series.code!r} a prefix of its own, or put {{series}} into the template.",
        )


def check_calendar_change(before: Series, series: Series, alias: str) -> None:
    """Refuse a new calendar whose next period would overlap the last one that stays: a person decides about the gap."""
    if series.calendar == CalendarKind.EXPLICIT:
        return
    last = form_changes.last_kept(before, alias)
    if last is None or last.ends_on == date.max:
        return
    following = series.as_calendar().span(day_after(last.ends_on))
    assert following is not None
    if following.starts_on <= last.ends_on:
        raise InvalidCalendar(
            f"With the calendar {series.calendar!r} the next period of {str(series)!r} would be "
            f"{following.starts_on} to {following.ends_on}, which overlaps {last.label}.",
            rule="Periods of a series may not overlap; a person decides whether a short one lies between.",
            remedy=f"First open it: manage.py ledger_period open {series.code} --starts-on {day_after(last.ends_on)} "
            f"--ends-on {following.ends_on}. Or let the counter go on: from_day={day_after(last.ends_on)!r} (--from).",
        )


def check_allocation_change(series: Series, alias: str) -> None:
    """Refuse another allocation while an open period has given out values; ``change_allocation`` settles them first."""
    periods = Period.objects.using(alias).filter(series=series, closed_at=None)
    used = next((period for period in periods if period.last_value >= period.first_value), None)
    if used is None:
        return
    raise AllocationChange(
        f"The allocation of series {str(series)!r} can't become {series.allocation!r} now: its period {used.label} is "
        f"open and has given out values up to {used.last_value}.",
        rule="An allocation is changed between periods, or by a command that first proves that no value waits.",
        remedy=f"Run manage.py ledger_series allocate {series.code} {series.allocation}, or wait until the period is "
        "closed.",
    )


def change_allocation(
    code: Series | str,
    allocation: str,
    *,
    org: Any = None,
    give_back: bool | None = None,
    system: str | None = None,
    by: Any = None,
    using: str | None = None,
) -> int:
    """Change how a series takes its numbers, also in the middle of a period; returns how many gaps it left.

    ``code`` is the series, or its code; ``org`` the tenant, for a code.

    Makes a default series that doesn't exist yet. Holds the counters of its open periods and waits for the checkouts
    that hold values of them, as long as ``lock_timeout`` allows. Then reserved values that were not taken, and free
    values below the highest number, become flagged gaps; free values above it go back to the counter. Raises
    UnknownSeries, InvalidSeries, or LockTimeout with nothing changed.
    """
    code, org, using = series_named(code, org, using)
    alias = using or router.db_for_write(Series)
    tenant, actor = tenant_key(org), actor_name(by)
    with translate_database_errors(code), transaction.atomic(using=alias):
        series = find_or_make_series(alias, tenant, code)
        chosen = {"give_back": give_back, "system": system}
        changed = {"allocation": allocation} | {name: value for name, value in chosen.items() if value is not None}
        for name, value in changed.items():
            setattr(series, name, value)
        check_series(series, alias)
        arguments = [tenant, code, settings_json(series, changed), actor]
        gaps: int = fetch_value(alias, sql.CHANGE_ALLOCATION, arguments)
    return gaps


def check_code(code: Any) -> None:
    """Raise InvalidSeries unless ``code`` can name a series."""
    if not isinstance(code, str):
        raise InvalidSeries(
            f"The code {code!r} is of type {type(code).__name__}.",
            rule="The code of a series is a text.",
            remedy="Choose a short word, such as 'invoice' or 'credit-note'.",
        )
    check_text(code, InvalidSeries, "The code ")


def new_series(tenant: str, code: str, settings: Any) -> Series:
    """The unsaved series of these settings, with the defaults of LEDGER; raises where it has no template."""
    if "template" not in settings:
        raise InvalidSeries(
            f"The new series {code!r} has no template.",
            rule="A series is made with the template of its numbers.",
            remedy=f"Pass one: define_series({code!r}, template='{code[:3].upper()}-{{year}}-{{counter:06}}').",
        )
    if names := unknown(settings, SETTINGS):
        raise InvalidSeries(
            f"The default series {code!r} has a setting that no series has: {names}.",
            rule=f"Its settings are {', '.join(SETTINGS)}.",
            remedy="Correct LEDGER['DEFAULT_SERIES'].",
        )
    chosen = {"time_zone": ledger_settings().time_zone, "max_days_ahead": ledger_settings().max_days_ahead, **settings}
    chosen["rules"] = rules_text(chosen.get("rules", ""))
    return Series(tenant=tenant, code=code, **chosen)
