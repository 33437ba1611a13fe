"""Every number from first to last: issued, void or missing, period by period, counted twice."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import router

from ledger.cursors import fetch, from_row
from ledger.databases import query_scope
from ledger.formats import NumberFormat
from ledger.models import Entry, Period, Series

_BATCH = 200


# One row for each of the next periods, in order. Counter and rows come from one statement, hence from one snapshot:
# read apart, a checkout in between would make them disagree. Each period's rows are walked once, by value, along the
# indexes or sorted on disk, so that no period needs more memory than another.
#
# A row's predecessor is the document before it. Right after a flagged gap or a reservation, which are no documents,
# it is looked up; that walks back over them once, so the whole stays linear.
#
# Reservations count as rows, since they take a value for good. Free slots don't: those below the highest row are
# missing until the next checkouts take them, and those above it were only minted ahead.
#
# Parameters: tenant, series, since, until (NULL for all), after_tenant, after_series, after_start, after_ordinal (of
# the last period read), batch.
_PERIODS = """
    WITH chosen AS MATERIALIZED (
        SELECT p.*, s.code, s.allocation, s.give_back
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE (%(tenant)s::text IS NULL AND NOT p.moves OR p.tenant = %(tenant)s::text)
          AND (%(series)s::text IS NULL OR s.code = %(series)s::text)
          AND (%(since)s::date IS NULL OR p.ends_on >= %(since)s::date)
          AND (%(until)s::date IS NULL OR p.starts_on <= %(until)s::date)
          AND (%(after_tenant)s::text IS NULL
               OR (p.tenant, s.code, p.starts_on, p.ordinal)
                  > (%(after_tenant)s::text, %(after_series)s::text, %(after_start)s::date, %(after_ordinal)s::int))
        ORDER BY p.tenant, s.code, p.starts_on, p.ordinal
        LIMIT %(batch)s
    ), voided AS (
        SELECT e.period_id, count(*) AS voids
        FROM chosen c
        JOIN ledger_entry e ON e.tenant = c.tenant AND e.period_id = c.id
        JOIN ledger_numbervoided v ON v.tenant = c.tenant AND v.entry_id = e.id
         AND (%(tenant)s::text IS NULL OR v.tenant = %(tenant)s::text)
        GROUP BY e.period_id
    )
    SELECT p.tenant, p.code AS series, p.starts_on, p.ends_on, p.prefix, p.width, p.suffix, p.max_value,
           p.closed_at IS NOT NULL AS closed, greatest(p.first_value, 0) AS first, p.last_value AS counter,
           p.allocation IN ('pooled', 'remote') AS is_pooled, run.*, coalesce(voided.voids, 0) AS void,
           known.*, queue.*,
           p.allocation = 'remote' AS is_remote,
           (SELECT d.number FROM ledger_draftmade d
            WHERE d.tenant = p.tenant AND d.period_id = p.id AND d.value = queue.lowest_free) AS drafted,
           p.ordinal
    FROM chosen p
    LEFT JOIN voided ON voided.period_id = p.id
    CROSS JOIN LATERAL (
        SELECT min(e.value) AS lowest,
               max(e.value) AS highest,
               count(*) FILTER (WHERE e.kind = 'issued') AS issued,
               count(*) FILTER (WHERE e.kind = 'adopted') AS adopted,
               count(*) FILTER (WHERE e.kind = 'gap') AS flagged,
               count(*) FILTER (WHERE e.kind = 'reserved') AS reserved,
               coalesce(sum(e.following - e.value - 1) FILTER (WHERE e.following > e.value + 1), 0)::bigint
                   AS inner_missing,
               count(*) FILTER (WHERE e.following > e.value + 1) AS ranges,
               coalesce(max(e.following - e.value - 1), 0) AS longest,
               count(*) FILTER (WHERE e.following = e.value) AS duplicates,
               count(*) FILTER (
                   WHERE e.kind NOT IN ('gap', 'reserved')
                     AND CASE WHEN e.neighbour IN ('gap', 'reserved') THEN (
                                  SELECT CASE WHEN e.kind = 'adopted' AND d.kind = 'adopted'
                                              THEN e.issued_at < d.issued_at ELSE e.issued_on < d.issued_on END
                                  FROM ledger_entry d
                                  WHERE d.tenant = p.tenant AND d.period_id = p.id AND d.value < e.value
                                    AND d.kind <> 'gap'
                                  ORDER BY d.value DESC
                                  LIMIT 1)
                              WHEN e.kind = 'adopted' AND e.neighbour = 'adopted' THEN e.issued_at < e.before_at
                              ELSE e.issued_on < e.before_on END
               ) AS out_of_order
        FROM (
            SELECT r.value, r.kind, r.issued_on, r.issued_at,
                   lead(r.value) OVER by_value AS following,
                   lag(r.kind) OVER by_value AS neighbour,
                   lag(r.issued_at) OVER by_value AS before_at,
                   lag(r.issued_on) OVER by_value AS before_on
            FROM (
                SELECT n.value, n.kind, n.issued_on, n.issued_at
                FROM ledger_entry n WHERE n.tenant = p.tenant AND n.period_id = p.id
                UNION ALL
                SELECT v.value, 'reserved', v.issued_on, v.reserved_at
                FROM ledger_reservation v WHERE v.tenant = p.tenant AND v.period_id = p.id
            ) r
            WINDOW by_value AS (ORDER BY r.value)
        ) e
    ) run
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(g.last_value - g.first_value + 1), 0)::bigint AS adopted_missing,
               coalesce(sum(g.last_value - g.first_value + 1) FILTER (
                   WHERE EXISTS (SELECT FROM ledger_gapexplained x
                                 WHERE x.tenant = g.tenant AND x.adopted_gap_id = g.id)
               ), 0)::bigint AS explained
        FROM ledger_adoptedgap g
        WHERE g.tenant = p.tenant AND g.period_id = p.id
    ) known
    CROSS JOIN LATERAL (
        SELECT count(*) AS free,
               count(*) FILTER (WHERE w.value < run.highest) AS healing,
               min(w.value) FILTER (WHERE w.value < run.highest) AS lowest_healing,
               -- Where nothing may be given back to a later document, what comes next lies above all that was issued.
               min(w.value) FILTER (WHERE p.give_back OR w.value > coalesce(run.highest, -1)) AS lowest_free
        FROM ledger_slot w
        WHERE w.tenant = p.tenant AND w.period_id = p.id
    ) queue
    ORDER BY p.tenant, p.code, p.starts_on, p.ordinal
"""


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """How the values of one period are accounted for.

    ``first`` and ``last`` are the counter's, without the free slots that were only minted ahead; ``last`` is ``first -
    1`` before the first number. ``expected`` is how many values that makes. ``lowest`` and ``highest`` are those of the
    rows, and ``expected_from_rows`` is how many values they span, with free slots before the lowest. ``issued`` were
    given out by Folio, ``adopted`` by a previous system; ``void`` counts those of both that were voided. ``flagged``
    are gaps with an entry; ``reserved`` are shown to somebody, and become entries or gaps. ``missing`` are all others,
    in ``missing_ranges``, the longest of ``longest_range`` values; ``adopted_missing`` of them are known holes of an
    adopted history, of which ``explained`` were explained; ``healing`` of them are free slots below the highest number,
    which the next checkouts take. ``free`` counts all free slots. ``duplicates`` are values that come again, which only
    a lost unique index allows.

    ``out_of_order`` counts documents dated before their predecessor by value: by the stated time if both were adopted,
    else by business date, since Folio's clock tells when a number was given out, not the date of its document.
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
        """How many values have or had a document: issued and adopted."""
        return self.issued + self.adopted

    @property
    def ahead(self) -> int:
        """How many free slots lie above the highest number: minted ahead, and not missing."""
        return self.free - self.healing

    def as_dict(self) -> dict[str, Any]:
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
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted: dict[str, Any] = {"tenant": tenant, "series": series, "since": since, "until": until, "batch": _BATCH}
    wanted |= dict.fromkeys(("after_tenant", "after_series", "after_start", "after_ordinal"))
    while True:
        rows = fetch(alias, _PERIODS, wanted)
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
    # From the rows only. A run that begins with free slots begins with the lowest of them.
    healing_before = 0 if row.lowest_healing is None else max(0, row.lowest - row.lowest_healing)
    from_rows = 0 if row.lowest is None else row.highest - row.lowest + 1 + healing_before
    upcoming = row.lowest_free if row.is_pooled and row.lowest_free is not None else row.counter + 1
    series = Series(code=row.series)
    period = Period(series=series, starts_on=row.starts_on, ends_on=row.ends_on, ordinal=row.ordinal)
    # The next number of a remote series is known only from a draft.
    next_number = row.drafted if row.is_remote else NumberFormat(row.prefix, row.width, row.suffix).shown(upcoming)
    return from_row(
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
        # From the counter and from the rows only, both of the same range. No slot heals what isn't missing.
        identity_holds=expected == accounted + missing == from_rows == accounted + row.inner_missing + healing_before
        and row.healing <= missing,
    )
