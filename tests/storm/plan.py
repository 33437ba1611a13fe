"""The documents to number in a storm, and each checkout's plan, drawn in advance from the worker's seed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time as time_of_day, timedelta
from enum import StrEnum
from random import Random

#: Every allocation that the storm knows, with the letter that its numbers begin with.
ALLOCATIONS = {"serial": "S", "pooled": "P", "reserved": "R", "at_commit": "C"}

#: The servers of a storm over two homes, as DATABASES has them; one of one home has the first.
HOMES = ("default", "south")

#: The tenants and the zones that decide their business dates.
TENANTS = {"tenant-1": "UTC", "tenant-2": "Asia/Kolkata", "tenant-3": "Pacific/Auckland"}

#: The storm's own days: a year's end comes soon, and a day takes a few seconds, so periods end all the time.
FIRST_DAY = date(2030, 12, 28)
SECONDS_A_DAY = 4.0

#: How the code of a series ends that refuses a date before the last one issued.
STRICT = "-strict"

#: Several workers ask for the same document within so many seconds.
_SHARED_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class SeriesOfStorm:
    """A series that every tenant has; ``strict`` refuses a date before the last one issued.

    Without ``gives_back`` no value that a rollback gave back goes to a later document. With ``early`` a counter is
    given up before the disk has the commit.
    """

    code: str
    allocation: str
    template: str
    calendar: str
    strict: bool = False
    gives_back: bool = True
    early: bool = False


def all_series(allocations: tuple[str, ...]) -> list[SeriesOfStorm]:
    """For each allocation one by year and one by day, and one with the choice that this allocation leaves.

    Some release early and some don't, and a checkout may take numbers of both.
    """
    found = []
    for allocation in allocations:
        letter = ALLOCATIONS[allocation]
        found += [
            SeriesOfStorm(f"{allocation}-year", allocation, f"{letter}Y-{{year}}-{{counter:06}}", "year"),
            SeriesOfStorm(
                f"{allocation}-day",
                allocation,
                f"{letter}D{{year}}{{month}}{{day}}-{{counter:04}}",
                "day",
                early=allocation != "pooled",
            ),
        ]
        if allocation in ("serial", "at_commit"):
            template = f"{letter}M-{{year}}-{{month}}-{{counter:05}}"
            early = allocation == "at_commit"
            found.append(SeriesOfStorm(allocation + STRICT, allocation, template, "month", strict=True, early=early))
        if allocation == "pooled":
            template = f"{letter}K-{{year}}-{{counter:06}}"
            found.append(SeriesOfStorm(f"{allocation}-kept", allocation, template, "year", gives_back=False))
    return found


@dataclass(frozen=True, slots=True)
class Clock:
    """A worker's clock: the storm's days since it began, and how many days this worker's clock is off."""

    began: float
    skew_days: float = 0.0

    def now(self) -> datetime:
        days = (time.time() - self.began) / SECONDS_A_DAY + self.skew_days
        return datetime.combine(FIRST_DAY, time_of_day(), UTC) + timedelta(days=days)

    def today(self) -> date:
        return self.now().date()

    def shared(self) -> int:
        """The same whole number for all workers for a moment."""
        return int((time.time() - self.began) / _SHARED_SECONDS)


class Isolation(StrEnum):
    """The isolation levels that a checkout may run under."""

    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


class Savepoint(StrEnum):
    """The fate of the savepoint in which a checkout takes its first number."""

    NONE = "none"
    KEPT = "kept"
    ROLLED_BACK = "rolled back"
    TWICE = "rolled back, then done again"


@dataclass(frozen=True, slots=True)
class Item:
    """One series of one tenant, and the documents that get a number of it; more than one at once with issue_many."""

    tenant: str
    series: str
    allocation: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkout:
    """Everything that one checkout will do; a retry does the same with ``again``."""

    items: tuple[Item, ...]
    on: date | datetime | None
    isolation: Isolation = Isolation.READ_COMMITTED
    savepoint: Savepoint = Savepoint.NONE
    rolls_back: bool = False
    early: bool = False  # asks for the number before COMMIT, also where that forces it
    on_commit: bool = False  # asks for it in transaction.on_commit
    payment: float = 0.0
    rest: float = 0.0
    voids: bool = False  # declares void what an earlier checkout got, instead

    def again(self) -> Checkout:
        """What a retry does: the documents and dates stay, and it means to commit."""
        return replace(self, rolls_back=False, payment=0.0)


class Planner:
    """Draws one checkout after the other. The same seed draws the same ones; dates and shared keys follow the clock."""

    def __init__(self, random: Random, name: str, clock: Clock, series: list[SeriesOfStorm]) -> None:
        self._random = random
        self._name = name
        self._clock = clock
        self._series = series
        self._count = 0

    def draw(self) -> Checkout:
        random = self._random
        self._count += 1
        items = self._items(f"{self._name}-{self._count}")
        on: date | datetime | None = self._date(strict=any(item.series.endswith(STRICT) for item in items))
        if random.random() < 0.08:
            on, items = self._shared()
        return Checkout(
            items=tuple(items),
            on=on,
            isolation=random.choices(list(Isolation), (16, 1, 3))[0],
            savepoint=random.choices(list(Savepoint), (14, 3, 2, 2))[0],
            rolls_back=random.random() < 0.15,
            early=random.random() < 0.1,
            on_commit=random.random() < 0.2,
            payment=random.choices((0.0, random.expovariate(1 / 0.02)), (3 - len(items), 1))[0],
            rest=random.expovariate(1 / 0.015),
            voids=random.random() < 0.04,
        )

    def _items(self, key: str) -> list[Item]:
        """One item, or two of different series in any order: some meet others who take them in the opposite one."""
        random = self._random
        tenant = random.choices(list(TENANTS), (4, 1, 1))[0]
        if random.random() >= 0.2:
            return [self._item(key, tenant, random.choice(self._series))]
        chosen = random.sample(self._series, 2)
        if random.random() < 0.5:
            # The same two as everybody else's, so that they meet.
            chosen = random.sample(self._series[:2], 2)
            tenant = next(iter(TENANTS))
        return [self._item(key, tenant, series) for series in chosen]

    def _item(self, key: str, tenant: str, series: SeriesOfStorm) -> Item:
        random = self._random
        count = random.randrange(2, 6) if random.random() < 0.08 else 1
        documents = (key,) if count == 1 else tuple(f"{key}-{part}" for part in range(1, count + 1))
        return Item(tenant, series.code, series.allocation, documents)

    def _date(self, *, strict: bool) -> date | datetime | None:
        """Today by the worker's own clock, mostly; else a date shortly before, whose period may be closed, or none.

        A strict series follows the clock that is fast, and refuses all others: there, clocks differ by a moment, and
        for that moment some are on the next day already.
        """
        how = self._random.random()
        if strict and how < 0.9:
            return replace(self._clock, skew_days=self._random.uniform(-0.15, 0.15)).today()
        if how < 0.5:
            return self._clock.now()
        if how < 0.8:
            return self._clock.today()
        if how < 0.87:
            return None
        return self._clock.today() - timedelta(days=self._random.randrange(1, 4))

    def _shared(self) -> tuple[date, list[Item]]:
        """What other workers ask for at this very moment too: same series, same document, same date."""
        moment = self._clock.shared()
        series = self._series[moment % len(self._series)]
        tenant = list(TENANTS)[moment % 2]
        day = FIRST_DAY + timedelta(days=int(moment * _SHARED_SECONDS / SECONDS_A_DAY))
        return day, [Item(tenant, series.code, series.allocation, (f"shared-{moment}",))]
