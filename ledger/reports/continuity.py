"""Every number from first to last: issued, void or missing, period by period, counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import router

from ledger.cursors import open_cursor
from ledger.databases import choose
from ledger.formats import NumberFormat
from ledger.models import Entry, Period, Series
from ledger.reports import continuity_sql as sql

_BATCH = 200


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """How the values of one period are accounted for.

    ``first`` and ``last`` are what the counter says, less the free slots that were only minted ahead; the last one is
    ``first - 1`` before the first number. ``expected`` is how many values that makes. ``lowest`` and ``highest`` are
    what the rows say, and ``expected_from_rows`` is how many values they span, free slots before the lowest among them.
    ``issued`` were given out by Folio, ``adopted`` by a previous system; ``void`` counts those of both that were voided
    since. ``flagged`` are gaps with an entry; ``reserved`` are shown to somebody, and become
    entries or gaps. ``missing`` are all others, in ``missing_ranges``, the longest of ``longest_range`` values;
    ``adopted_missing`` of them are known holes of an adopted history, and ``explained`` of those were explained;
    ``healing`` of them are free slots below the highest number, which the next checkouts take. ``free`` counts all free
    slots. ``duplicates`` are values that come again, which only a lost unique index could let happen.

    ``out_of_order`` counts documents dated before their predecessor by value: by the stated time where both were
    adopted, else by business date, since Folio's clock says when a number was given out, not what its document is of.
    """

    tenant: str
    series: str
    period: str
    starts_on: date
    ends_on: date
    ordinal: int
    first: int
    last: int
    lowest: int | None
    highest: int | None
    expected: int
    expected_from_rows: int
    issued: int
    adopted: int
    void: int
    flagged: int
    reserved: int
    missing: int
    missing_ranges: int
    longest_range: int
    adopted_missing: int
    explained: int
    free: int
    healing: int
    duplicates: int
    out_of_order: int
    next_number: str | None
    closed: bool
    identity_holds: bool

    @property
    def used(self) -> int:
        """How many values a document bears or bore: issued and adopted."""
        return self.issued + self.adopted

    @property
    def ahead(self) -> int:
        """How many free slots lie above the highest number: minted ahead, and not missing."""
        return self.free - self.healing

    def as_dict(self) -> dict[str, Any]:
        """All that is known, for JSON."""
        return {**asdict(self), "ahead": self.ahead}


def summarise(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    since: date | None = None,
    until: date | None = None,
    using: str | None = None,
) -> Iterator[PeriodSummary]:
    """One summary for each period, in the order of tenant, series and date.

    ``tenant`` is a key (``""`` is the one without a name), ``org`` what ``issue`` takes; with neither, all tenants.
    ``series`` is one or its code. ``since`` and ``until`` leave out periods that end before the one or start after the
    other. Reads a batch of periods at a time, each from one snapshot, so memory grows neither with their number nor
    with the ledger, and checkouts may go on meanwhile.
    """
    tenant, series, using = choose(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted: dict[str, Any] = {
        "tenant": tenant,
        "series": series,
        "since": since,
        "until": until,
        "after_tenant": None,
        "after_series": None,
        "after_start": None,
        "after_ordinal": None,
        "batch": _BATCH,
    }
    while True:
        with open_cursor(alias) as cursor:
            cursor.execute(sql.PERIODS, wanted)
            rows = cursor.fetchall()
        for row in rows:
            yield _summary(row)
        if len(rows) < _BATCH:
            return
        last = rows[-1]
        wanted |= {"after_tenant": last[0], "after_series": last[1], "after_start": last[2], "after_ordinal": last[-1]}


def _summary(row: tuple[Any, ...]) -> PeriodSummary:
    tenant, code, starts_on, ends_on, prefix, width, suffix, max_value, closed, first, counter, is_pooled = row[:12]
    lowest, highest, issued, adopted, flagged, reserved, inner, ranges, longest, duplicates, out_of_order = row[12:23]
    void, adopted_missing, explained, free, healing, lowest_healing, lowest_free = row[23:30]
    is_remote, drafted, ordinal = row[30:]
    last = counter - (free - healing)
    expected = last - first + 1
    accounted = issued + adopted + flagged + reserved
    # What the counter passed before the lowest row and after the highest one is missing too.
    ends = [last - first + 1] if lowest is None else [lowest - first, last - highest]
    outside = [count for count in ends if count > 0]
    missing = inner + sum(outside)
    # Of the rows alone: a run that begins with free slots begins with the lowest of them.
    healing_before = 0 if lowest_healing is None else max(0, lowest - lowest_healing)
    from_rows = 0 if lowest is None else highest - lowest + 1 + healing_before
    upcoming = lowest_free if is_pooled and lowest_free is not None else counter + 1
    period = Period(series=Series(code=code), starts_on=starts_on, ends_on=ends_on, ordinal=ordinal)
    # Of a remote series only a draft tells the next number.
    next_number = drafted if is_remote else NumberFormat(prefix, width, suffix).shown(upcoming)
    return PeriodSummary(
        tenant=tenant,
        series=code,
        period=period.label,
        starts_on=starts_on,
        ends_on=ends_on,
        ordinal=ordinal,
        first=first,
        last=last,
        lowest=lowest,
        highest=highest,
        expected=expected,
        expected_from_rows=from_rows,
        issued=issued,
        adopted=adopted,
        void=void,
        flagged=flagged,
        reserved=reserved,
        missing=missing,
        missing_ranges=ranges + len(outside),
        longest_range=max([0, longest, *outside]),
        adopted_missing=adopted_missing,
        explained=explained,
        free=free,
        healing=healing,
        duplicates=duplicates,
        out_of_order=out_of_order,
        next_number=None if closed or upcoming > max_value else next_number,
        closed=closed,
        # From the counter, from the rows alone, and both of the same range. No slot heals what isn't missing.
        identity_holds=expected == accounted + missing == from_rows == accounted + inner + healing_before
        and healing <= missing,
    )
