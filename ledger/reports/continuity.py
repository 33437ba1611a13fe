"""Every number from first to last: issued, void or missing, period by period, counted twice."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import router

from ledger.cursors import fetch, made_of
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
        rows = fetch(alias, sql.PERIODS, wanted)
        for row in rows:
            yield _summary(row)
        if len(rows) < _BATCH:
            return
        last = rows[-1]
        wanted |= {"after_tenant": last.tenant, "after_series": last.series}
        wanted |= {"after_start": last.starts_on, "after_ordinal": last.ordinal}


def _summary(row: Any) -> PeriodSummary:
    last = row.counter - (row.free - row.healing)
    expected = last - row.first + 1
    accounted = row.issued + row.adopted + row.flagged + row.reserved
    # What the counter passed before the lowest row and after the highest one is missing too.
    ends = [last - row.first + 1] if row.lowest is None else [row.lowest - row.first, last - row.highest]
    outside = [count for count in ends if count > 0]
    missing = row.inner_missing + sum(outside)
    # Of the rows alone: a run that begins with free slots begins with the lowest of them.
    healing_before = 0 if row.lowest_healing is None else max(0, row.lowest - row.lowest_healing)
    from_rows = 0 if row.lowest is None else row.highest - row.lowest + 1 + healing_before
    upcoming = row.lowest_free if row.is_pooled and row.lowest_free is not None else row.counter + 1
    series = Series(code=row.series)
    period = Period(series=series, starts_on=row.starts_on, ends_on=row.ends_on, ordinal=row.ordinal)
    # Of a remote series only a draft tells the next number.
    next_number = row.drafted if row.is_remote else NumberFormat(row.prefix, row.width, row.suffix).shown(upcoming)
    return made_of(
        PeriodSummary,
        row,
        period=period.label,
        last=last,
        expected=expected,
        expected_from_rows=from_rows,
        missing=missing,
        missing_ranges=row.ranges + len(outside),
        longest_range=max([0, row.longest, *outside]),
        next_number=None if row.closed or upcoming > row.max_value else next_number,
        # From the counter, from the rows alone, and both of the same range. No slot heals what isn't missing.
        identity_holds=expected == accounted + missing == from_rows == accounted + row.inner_missing + healing_before
        and row.healing <= missing,
    )
