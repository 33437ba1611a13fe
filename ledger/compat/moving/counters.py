"""Taking over one counter: its history where the shop has one, and where it stands in any case."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from ledger.compat.moving.history import History
from ledger.compat.scopes import open_current, today_of
from ledger.errors import AdoptionError
from ledger.models import Adoption, Entry, Period, Series
from ledger.periods import find_period
from ledger.series import define_series, find_series

#: Arguments: tenant, series id, period or null, last value, table, digest, options as JSON, why values are missing,
#: actor.
ADOPT_COUNTER = "SELECT ledger_adopt_counter(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)"


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of another system: the key of its row, the series that goes on with it, and the last value it gave."""

    row: str
    tenant: str
    series: str
    settings: dict[str, Any]
    last: int


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
    options: dict[str, Any] = field(default_factory=dict)

    def moved_before(self, counter: Counter) -> bool:
        """Whether this row was taken over already."""
        events = Adoption.objects.using(self.alias).filter(tenant=counter.tenant, source=self.table)
        return events.filter(options__kind=self.kind, options__row=counter.row).exists()

    def take_over(self, counter: Counter) -> Moved:
        """Let the series go on after the last value of the counter.

        Raises AdoptionError where that would give out a number again: the counter stands below the highest number of
        the history, or the series has numbers of its own.
        """
        if self.moved_before(counter):
            return Moved(counter.tenant, counter.series, "moved before")
        series = self._empty_series(counter)
        adopted = missing = 0
        if self.history is not None:
            result = self.history.adopt(self.alias, counter.tenant, counter.series, {}, self.explain_gaps, self.by)
            adopted, missing = (0, 0) if result is None else (result.rows, result.missing)
        current = self._current(series)
        highest = self._highest(series) if current is None else current.last_value
        if current is not None and highest > counter.last:
            raise AdoptionError(
                f"The counter {counter.row!r} of {self.table} stands at {counter.last}, and the highest number that a "
                f"document bears is {highest}.",
                rule="A number is never given twice, so a counter never goes on below the highest used number.",
                remedy=f"See who counted past it; then let {self.table} say {highest}, and move again.",
            )
        # Without numbers in the current year, and with each one of the years before: the new year begins at 1.
        goes_on = counter.last not in (0, highest)
        today = find_period(series, today_of(self.alias, series), self.alias) if goes_on else None
        self._adopt(counter, series, today)
        if goes_on and today is None:
            open_current(connections[self.alias], series, after=counter.last)
        elif current is not None:
            missing += counter.last - current.last_value
        period = find_period(series, today_of(self.alias, series), self.alias)
        return Moved(
            counter.tenant,
            counter.series,
            "moved",
            adopted=adopted,
            missing=missing,
            last=counter.last,
            next_number=None
            if period is None
            else period.as_format().number(period.last_value + 1, today_of(self.alias, series)),
        )

    def _empty_series(self, counter: Counter) -> Series:
        found = find_series(self.alias, counter.tenant, counter.series)
        if found is None:
            return define_series(counter.series, org=counter.tenant, using=self.alias, **counter.settings)
        if Entry.objects.using(self.alias).filter(tenant=counter.tenant, series=found).exists():
            raise AdoptionError(
                f"The series {str(found)!r} has numbers already, and {self.table} has a counter at {counter.last}.",
                rule="Old numbers come before the first one of Folio, so the series must be empty.",
                remedy="Move before the first call of Folio; or rename the old counter, and move it under that name.",
            )
        return found

    def _highest(self, series: Series) -> int:
        values = Entry.objects.using(self.alias).filter(tenant=series.tenant, series=series)
        highest: int | None = values.order_by("-value").values_list("value", flat=True).first()
        return highest or 0

    def _adopt(self, counter: Counter, series: Series, period: Period | None) -> None:
        """Keep the evidence of where the counter stood, and let ``period`` go on after it."""
        facts = {"kind": self.kind, "row": counter.row, "last": counter.last, **self.options}
        text = json.dumps(facts, sort_keys=True)
        where = None if period is None else period.pk
        arguments: list[Any] = [series.tenant, series.pk, where, counter.last, self.table]
        with connections[self.alias].cursor() as cursor:
            digest = hashlib.sha256(text.encode()).hexdigest()
            cursor.execute(ADOPT_COUNTER, [*arguments, digest, text, self.explain_gaps, self.by])

    def _current(self, series: Series) -> Period | None:
        """The period of today, if it has numbers."""
        period = find_period(series, today_of(self.alias, series), self.alias)
        return None if period is None or period.last_value < period.first_value else period
