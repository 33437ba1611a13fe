"""How many values of each stretch of a period are issued, void, in progress, missing, confirmed.

Entries never change, and a value has at most one. So a block of values that all have an entry, or lie in a range that a
previous system left out, never changes its counts: Django's cache keeps them, and ten million rows are read once. Other
blocks are counted each time, along the unique index.

Cached counts don't see rows that were lost later. They are dropped when an alarm is raised or resolved, and the page
says when they were counted.
"""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Self

from django.core.cache import cache
from django.db import router

from ledger.cursors import fetch
from ledger.formats import MAX_VALUE
from ledger.intervals import merged
from ledger.localization import numbers_told
from ledger.models import AdoptedGap, Entry, Period, RemoteReading
from ledger.web import counts_sql as sql

# The values of a period's voids above an id. Arguments: tenant, period, after.
_VALUES = """
    SELECT e.value
    FROM ledger_numbervoided v
    JOIN ledger_entry e ON e.id = v.entry_id
    WHERE v.tenant = %(tenant)s AND v.id > %(after)s AND e.tenant = v.tenant AND e.period_id = %(period)s
"""
# How many voids a tenant has, how many of them above an id, and the highest id.
_SEEN = """
    SELECT count(*), count(*) FILTER (WHERE v.id > %(after)s), max(v.id)
    FROM ledger_numbervoided v WHERE v.tenant = %(tenant)s
"""


# Voids are only added, but their ids don't commit in order: a new void may have a lower id than one seen before. If the
# voids above the highest id seen account for the whole increase, they are all that is new. Otherwise read all again.
@dataclass(slots=True)
class _Kept:
    """``values``, sorted, when the tenant had ``count`` voids with ids up to ``through``."""

    count: int = 0
    through: int = 0
    values: "array[int]" = field(default_factory=lambda: array("q"))


def voided_values(period: Period, alias: str, key: str, seconds: int) -> "array[int]":
    """The void values of a period, sorted. ``key`` is that of the cache."""
    kept: _Kept = cache.get(key) or _Kept()
    wanted: dict[str, Any] = {"tenant": period.tenant, "period": period.pk}
    # The three figures share a snapshot and the values come after it: a void committed in between only comes twice.
    [(count, added, highest)] = fetch(alias, _SEEN, {**wanted, "after": kept.through})
    if count == kept.count:
        return kept.values
    if kept.count + added != count:
        kept = _Kept()
    added_values = (row.value for row in fetch(alias, _VALUES, {**wanted, "after": kept.through}))
    values = array("q", sorted({*kept.values, *added_values}))
    cache.set(key, _Kept(count, highest, values), seconds)
    return values


#: Values of a cached block; larger in a period that would have too many blocks.
_BLOCK, _BLOCKS = 500, 40_000
#: Stretches of one picture.
BUCKETS = 400
#: A day, so that rows deleted with the guards off don't stay visible for longer.
_KEPT = 86_400
#: Raise it when the cached values change, so that a new version doesn't read those of an old one.
_SCHEMA = 2
#: What accounting systems confirm may change between two readings, when numbers are written there.
_KEPT_CONFIRMED = 60
#: Up to so many stretches are read one by one; more, from the first to the last in one go.
_MOST_RUNS = 20


class Counted(NamedTuple):
    """How many entries of each kind; ``flagged`` as gaps."""

    issued: int = 0
    adopted: int = 0
    flagged: int = 0

    @classmethod
    def of(cls, kind: str, count: int) -> Self:
        """So many entries of one kind; an unknown kind counts as none."""
        return cls(*(count if kind == each else 0 for each in ("issued", "adopted", "gap")))


@dataclass(slots=True)
class Bucket:
    """The values from ``first`` to ``last``, both inclusive, counted by state.

    ``issued`` and ``adopted`` have documents, ``void`` of them were voided since and ``confirmed`` are known to an
    accounting system; ``flagged`` are gaps with an entry, ``known`` were left out by a previous system; ``reserved``
    and ``free`` may still get a document. All others are lost.
    """

    first: int
    last: int
    issued: int = 0
    adopted: int = 0
    flagged: int = 0
    known: int = 0
    void: int = 0
    reserved: int = 0
    free: int = 0
    confirmed: int = 0

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    @property
    def used(self) -> int:
        """Values that have or had a document."""
        return self.issued + self.adopted

    @property
    def in_progress(self) -> int:
        """Values that may still get one."""
        return self.reserved + self.free

    @property
    def lost(self) -> int:
        """Values of which nothing is known."""
        return max(0, self.size - self.used - self.flagged - self.known - self.in_progress)

    @property
    def missing(self) -> int:
        """Values that never get a document, or are lost."""
        return self.flagged + self.known + self.lost


@dataclass(slots=True)
class _Settled:
    """What the cache keeps of a period: by block, how many are issued, adopted, flagged; and documents by day."""

    blocks: dict[int, Counted] = field(default_factory=dict)
    days: Counter[date] = field(default_factory=Counter)
    #: When the first of them was counted.
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class PeriodCounts:
    """What is known of a period, by stretches of its values. Reads what it is asked for, and no more.

    ``counted_at`` is when the oldest of the cached counts were made; None where all were made just now.
    """

    period: Period
    alias: str
    counted_at: datetime | None
    stamp: str
    block: int
    blocks: dict[int, Counted]
    days: Counter[date]
    known: list[tuple[int, int]]
    #: The void values, in order.
    voids: "array[int]"

    def sentence(self, total: Bucket, to_explain: int, since: date | None, until: date | None) -> str:
        """The sums of all dates, or of the days from ``since`` to ``until``, in the report's words.

        ``total`` and ``to_explain`` are of the whole period; a lost value has no date.
        """
        valid, void, missing, in_progress = total.used - total.void, total.void, total.missing, total.in_progress
        if since is not None or until is not None:
            wanted = {**self._wanted, "last": self.period.last_value, "since": since, "until": until}
            ((void, missing, to_explain, in_progress),) = fetch(self.alias, sql.DATED, wanted)
            first, last = since or date.min, until or date.max
            days: Any = self.days.items()  # a day may be one that no calendar knows
            valid = sum(count for day, count in days if isinstance(day, date) and first <= day <= last) - void
        return numbers_told(valid=valid, void=void, missing=missing, to_explain=to_explain, in_progress=in_progress)

    def total(self) -> Bucket:
        return self.buckets(_start(self.period), self.period.last_value, 1)[0]

    def buckets(self, first: int, last: int, most: int = BUCKETS) -> list[Bucket]:
        """The values from ``first`` to ``last`` in about ``most`` stretches of one size; the last may be shorter.

        Where stretches are whole blocks, the first one may begin a little before ``first``, and the last one end later.
        """
        if last < first:
            return [Bucket(first, last)]
        origin, size = self._grid(first, last, most)
        of_blocks = most == 1 or size >= self.block
        first, last = origin, min(self.period.last_value, origin + -(-(last - origin + 1) // size) * size - 1)
        found = [Bucket(low, min(last, low + size - 1)) for low in range(first, last + 1, size)]
        wanted = {**self._wanted, "origin": origin, "size": size, "first": first, "last": last}
        if of_blocks:
            starts = ((_start(self.period) + block * self.block, each) for block, each in self.blocks.items())
            counts = [((low - origin) // size, each) for low, each in starts if origin <= low <= last]
        else:
            counts = [(at, Counted.of(kind, count)) for at, kind, count in fetch(self.alias, sql.ENTRIES, wanted)]
        for at, counted in counts:
            found[at].issued += counted.issued
            found[at].adopted += counted.adopted
            found[at].flagged += counted.flagged
        for low, high in self.known:
            for at in range(max(0, (low - origin) // size), min(len(found) - 1, (high - origin) // size) + 1):
                bucket = found[at]
                bucket.known += max(0, min(high, bucket.last) - max(low, bucket.first) + 1)
        for name, at, count in fetch(self.alias, sql.QUEUES, wanted):
            setattr(found[at], name, getattr(found[at], name) + count)
        for bucket in found:
            bucket.void = bisect_right(self.voids, bucket.last) - bisect_left(self.voids, bucket.first)
        of_tenant = RemoteReading.objects.using(self.alias).filter(tenant=self.period.tenant).order_by("system")
        if readings := list(of_tenant.values_list("system", "generation", "finished_at", "compared_at")):
            seen = hashlib.sha256(f"{readings}{len(self.voids)}{self.period.last_value}".encode()).hexdigest()
            key = _key(self.period, self.alias, f"confirmed:{origin}:{size}:{last}:{seen}", self.stamp)
            confirmed: Any = cache.get_or_set(
                key, lambda: [tuple(row) for row in fetch(self.alias, sql.CONFIRMED, wanted)], _KEPT_CONFIRMED
            )
            for at, count in confirmed:
                found[at].confirmed = count
        return found

    @property
    def _wanted(self) -> dict[str, Any]:
        return {"tenant": self.period.tenant, "period": self.period.pk}

    def _grid(self, first: int, last: int, most: int) -> tuple[int, int]:
        """Where the stretches begin and how long they are; those longer than a block are whole blocks."""
        span = last - first + 1
        size = -(-span // most)
        if most == 1:
            return first, span
        if size < self.block:
            return first, size
        size = -(-size // self.block) * self.block
        return (first - _start(self.period)) // self.block * self.block + _start(self.period), size


def minted_ahead(period: Period) -> int:
    """How many free slots lie above every value that a document or a checkout has: these aren't numbers yet."""
    wanted = {"tenant": period.tenant, "period": period.pk}
    ((count,),) = fetch(router.db_for_read(Entry), sql.AHEAD, wanted)
    return int(count)


def period_counts(period: Period, *, fresh: bool = False) -> PeriodCounts:
    """The counts of a period: from the cache, and from the ledger where a block isn't full yet.

    ``fresh`` reads all of it from the ledger, and caches that instead.
    """
    alias = router.db_for_read(Entry)
    size = max(_BLOCK, -(-(period.last_value - _start(period) + 1) // _BLOCKS))
    size = _BLOCK * 2 ** (-(-size // _BLOCK) - 1).bit_length()
    # Changes with each alarm raised or resolved, and with the schema, which may be a clone.
    [(raised, resolved, table)] = fetch(alias, sql.ALARM_STAMP)
    stamp = f"{table}.{raised}.{resolved}"
    key = _key(period, alias, f"blocks:{size}", stamp)
    kept: _Settled | None = None if fresh else cache.get(key)
    settled = kept or _Settled()
    adopted = AdoptedGap.objects.using(alias).filter(tenant=period.tenant, period=period)
    known = list(adopted.order_by("first_value").values_list("first_value", "last_value"))
    blocks, days = dict(settled.blocks), Counter(settled.days)
    there = (period.last_value - _start(period)) // size + 1 if period.last_value >= _start(period) else 0
    left_out = _left_out(known, _start(period), size)
    added = 0
    for first, last in _runs([block for block in range(there) if block not in settled.blocks]):
        read, days_read = _count(period, alias, size, first, last)
        for block, counted in read.items():
            if block in settled.blocks:
                continue
            blocks[block] = counted
            days.update(days_read[block])
            if sum(counted) + left_out.get(block, 0) == size:
                settled.blocks[block] = counted
                settled.days.update(days_read[block])
                added += 1
    if added:
        cache.set(key, settled, _KEPT)
    elif fresh:
        cache.delete(key)
    voids = voided_values(period, alias, _key(period, alias, "voids", stamp), _KEPT)
    counted_at = settled.since if kept is not None and kept.blocks else None
    return PeriodCounts(period, alias, counted_at, stamp, size, blocks, days, known, voids)


def _count(
    period: Period, alias: str, size: int, first: int, last: int
) -> tuple[dict[int, Counted], dict[int, Counter[date]]]:
    """The blocks from ``first`` to ``last``, each with its documents by day."""
    wanted = {
        "tenant": period.tenant,
        "period": period.pk,
        "origin": _start(period),
        "size": size,
        "first": _start(period) + first * size,
        "last": min(MAX_VALUE, _start(period) + (last + 1) * size - 1),
    }
    found: dict[int, Counted] = {}
    days: dict[int, Counter[date]] = {}
    for block, kind, day, count in fetch(alias, sql.BLOCKS, wanted):
        found[block] = Counted(*map(sum, zip(found.get(block, Counted()), Counted.of(kind, count), strict=True)))
        its_days = days.setdefault(block, Counter())
        if kind != Entry.Kind.GAP:
            its_days[day] += count
    return found, days


def _left_out(known: Iterable[tuple[int, int]], start: int, size: int) -> dict[int, int]:
    """By block, how many values a previous system left out."""
    found: dict[int, int] = {}
    for low, high in known:
        for block in range((low - start) // size, (high - start) // size + 1):
            begins = start + block * size
            found[block] = found.get(block, 0) + min(high, begins + size - 1) - max(low, begins) + 1
    return found


def _runs(blocks: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbours, each as its first and last."""
    runs = list(merged((block, block) for block in blocks))
    return runs if len(runs) <= _MOST_RUNS else [(runs[0][0], runs[-1][1])]


def _start(period: Period) -> int:
    """The first value of a period; no value is below 0, whatever a row says."""
    return max(0, period.first_value)


def _key(period: Period, alias: str, what: str, stamp: str) -> str:
    # With the time it was opened, since another database behind the same cache has the same ids.
    return f"ledger:{_SCHEMA}:{alias}:{period.pk}:{period.opened_at.timestamp()}:{period.first_value}:{stamp}:{what}"
