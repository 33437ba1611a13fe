"""Takes over one counter: its last value, and its history if the shop has one."""

import hashlib
import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction

from ledger.calendars import CalendarKind
from ledger.compat.moving.history import History
from ledger.compat.new_series import find_or_make
from ledger.compat.scopes import open_current, today_of
from ledger.conf import ledger_settings
from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.errors import AdoptionError, LedgerError
from ledger.models import Adoption, Entry, Period, Series
from ledger.periods import find_period, open_period
from ledger.series import check_code, find_series, new_series, settings_json

#: Table, why values are missing, actor; lists of tenants, series ids, periods or null, last values, digests, options.
_ADOPT = """
    SELECT count(ledger_adopt_counter(c.tenant, c.series, c.period, c.last, %s, c.digest, c.options::jsonb, %s, %s))
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])
         AS c (tenant, series, period, last, digest, options)
"""

# New series, each with its period of a day, if it is to have one. Arguments: actor; tenants, codes, settings, days.
_MAKE = """
    WITH made AS MATERIALIZED (
        SELECT c.tenant, c.code, c.day, ledger_define_series(c.tenant, c.code, c.settings::jsonb, %s, NULL)
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[]) AS c (tenant, code, settings, day)
    )
    SELECT count(CASE WHEN m.day IS NOT NULL THEN ledger_open_period(m.tenant, m.code, m.day) END) FROM made m
"""


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of another system: the key of its row, the series that continues it, and its last value."""

    row: str
    tenant: str
    series: str
    settings: dict[str, Any]
    last: int
    #: A day of the period that it counts in, if its name says so; else today is meant.
    day: date | None = None

    def facts(self) -> dict[str, Any]:
        """The evidence that is kept of where it stood."""
        day = {} if self.day is None else {"day": self.day.isoformat()}
        return {"row": self.row, "last": self.last, **day}


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one counter, or of one tenant's numbers; ``state`` is "moved" or "moved before"."""

    tenant: str
    series: str
    state: str
    adopted: int = 0
    missing: int = 0
    last: int | None = None
    next_number: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A move under way: of which system, from which table, and how."""

    kind: str
    table: str
    alias: str
    by: str
    explain_gaps: str | None = None
    history: History | None = None
    #: By the row of a counter: its series, its period of today if it has given out a value, and the value taken over.
    ready: dict[str, tuple[Series, Period | None, int]] = field(default_factory=dict)
    before: set[tuple[str, str]] = field(default_factory=set)
    #: Today by time zone.
    days: dict[str, date] = field(default_factory=dict)

    def begin(self) -> None:
        """Read what earlier moves took over. The caller holds the lock that allows one move at a time."""
        events = Adoption.objects.using(self.alias).filter(source=self.table, options__kind=self.kind)
        self.before.update((tenant, options["row"]) for tenant, options in events.values_list("tenant", "options"))

    def prepare(self, counters: list[Counter]) -> None:
        """Take over counters without a history, and once more those that have counted on since.

        The first run is long, since it creates series and periods, but nobody waits for it. The second run, with the
        old table locked, has little to do.
        """
        waiting = [one for one in counters if (one.tenant, one.row) not in self.before]
        self._make_many([one for one in waiting if one.row not in self.ready])
        behind = []
        for counter in waiting:
            series, period, last = self.ready.get(counter.row, (None, None, -1))
            if last == counter.last:
                continue
            series = series or self._empty_series(counter)
            if period is None and counter.last and counter.day is None:
                period = open_current(self.alias, series)
            elif period is None and counter.last:
                period = open_period(series, counter.day, using=self.alias)
            self.ready[counter.row] = series, period, counter.last
            behind.append((counter, series, period))
        self._adopt(behind)

    def _make_many(self, counters: list[Counter]) -> None:
        """Create the missing series and their periods in one statement; special cases are left for later."""
        mine = Series.objects.using(self.alias).filter(tenant__in={one.tenant for one in counters})
        there = set(mine.values_list("tenant", "code"))
        new = [
            (one, series) for one in counters if (series := _ordinary(one)) and (one.tenant, one.series) not in there
        ]
        # If one of them is refused, create none here: the caller creates them one by one, and says why one fails.
        with suppress(LedgerError), translate_database_errors(self.table), transaction.atomic(using=self.alias):
            lists: list[Any] = [
                [one.tenant for one, _ in new],
                [one.series for one, _ in new],
                [settings_json(series) for _, series in new],
                [self._day(one, series) if one.last else None for one, series in new],
            ]
            fetch(self.alias, _MAKE, [self.by, *lists])
            made = {(series.tenant, series.code): series for series in mine.all()}
            ids = {made[one.tenant, one.series].pk for one, _ in new}
            periods = defaultdict(list)
            for opened in Period.objects.using(self.alias).select_related("series").filter(series__in=ids):
                periods[opened.series_id].append(opened)
            for one, planned in new:
                series, day = made[one.tenant, one.series], self._day(one, planned)
                period = next((found for found in periods[series.pk] if found.starts_on <= day <= found.ends_on), None)
                self.ready[one.row] = series, period, -1

    def told(self, counters: list[Counter]) -> list[Moved]:
        """What became of counters that were prepared."""
        return [
            Moved(one.tenant, one.series, "moved before")
            if (one.tenant, one.row) in self.before
            else self._moved(one, *self.ready[one.row][:2])
            for one in counters
        ]

    def take_over(self, counter: Counter) -> Moved:
        """Let the series continue after the last value of the counter.

        Raises AdoptionError if that would repeat a number: the counter stands below the highest number of the history,
        or the series has numbers of its own.
        """
        if (counter.tenant, counter.row) in self.before:
            return Moved(counter.tenant, counter.series, "moved before")
        series = self._empty_series(counter)
        adopted = missing = 0
        if self.history is not None:
            result = self.history.adopt(self.alias, counter.tenant, counter.series, {}, self.explain_gaps, self.by)
            adopted, missing = (0, 0) if result is None else (result.rows, result.missing)
        day = counter.day or today_of(self.alias, series)
        current = find_period(series, day, self.alias)
        if current is not None and current.last_value < current.first_value:
            current = None  # it has no numbers
        values = Entry.objects.using(self.alias).filter(tenant=series.tenant, series=series).order_by("-value")
        before = values.values_list("value", flat=True).first() or 0
        highest = before if current is None else current.last_value
        if current is not None and highest > counter.last:
            raise AdoptionError(
                f"The counter {counter.row!r} of {self.table} stands at {counter.last}, and the highest number that a "
                f"document has is {highest}.",
                rule="A number is never given twice, so a counter never goes on below the highest used number.",
                remedy=f"See who counted past it; then let {self.table} say {highest}, and move again.",
            )
        # Without numbers in the current year, and with each one of the years before: the new year begins at 1.
        goes_on = counter.last not in (0, highest)
        today = find_period(series, day, self.alias) if goes_on else None
        self._adopt([(counter, series, today)])
        if goes_on and today is None:
            if counter.day is None:
                open_current(self.alias, series, after=counter.last)
            else:
                open_period(series, day, first_value=counter.last + 1, using=self.alias)
        elif current is not None:
            missing += counter.last - current.last_value
        period = find_period(series, day, self.alias)
        number = None if period is None else period.as_format().number(period.last_value + 1, day)
        return Moved(counter.tenant, counter.series, "moved", adopted, missing, counter.last, number)

    def _empty_series(self, counter: Counter) -> Series:
        found = find_series(self.alias, counter.tenant, counter.series)
        if found is None:
            return find_or_make(self.alias, counter.tenant, counter.series, counter.settings)
        if Entry.objects.using(self.alias).filter(tenant=counter.tenant, series=found).exists():
            raise AdoptionError(
                f"The series {counter.series!r} has numbers already, and {self.table} has a counter at {counter.last}.",
                rule="Old numbers come before the first one of Folio, so the series must be empty.",
                remedy="Move before the first call of Folio; or rename the old counter, and move it under that name.",
            )
        return found

    def _day(self, counter: Counter, series: Series) -> date:
        if counter.day is None and series.time_zone not in self.days:
            self.days[series.time_zone] = today_of(self.alias, series)
        return counter.day or self.days[series.time_zone]

    def _moved(self, counter: Counter, series: Series, period: Period | None) -> Moved:
        number = None
        if period is not None:
            number = period.as_format().number(counter.last + 1, self._day(counter, series))
        return Moved(counter.tenant, counter.series, "moved", last=counter.last, next_number=number)

    def _adopt(self, counters: list[tuple[Counter, Series, Period | None]]) -> None:
        """Keep the evidence of where each counter stood, and let its ``period`` go on after it."""
        facts = [json.dumps({"kind": self.kind, **counter.facts()}, sort_keys=True) for counter, _, _ in counters]
        lists: list[Any] = [
            [series.tenant for _, series, _ in counters],
            [series.pk for _, series, _ in counters],
            [None if period is None else period.pk for _, _, period in counters],
            [counter.last for counter, _, _ in counters],
            [hashlib.sha256(text.encode()).hexdigest() for text in facts],
            facts,
        ]
        fetch(self.alias, _ADOPT, [self.table, self.explain_gaps, self.by, *lists])


def _ordinary(counter: Counter) -> Series | None:
    """The series to be made for a counter, if it has a template, a calendar, and no rules that somebody must check."""
    settings = {**ledger_settings().default_series.get(counter.series, {}), **counter.settings}
    if "template" not in counter.settings or settings.get("rules") or settings.get("calendar") == CalendarKind.EXPLICIT:
        return None
    try:
        check_code(counter.series)
        series = new_series(counter.tenant, counter.series, settings)
        series.check_settings()
    except LedgerError:
        return None
    return series
