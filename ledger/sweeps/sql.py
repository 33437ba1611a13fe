"""The statements of the sweeps: each is about a set, so a sweep with nothing to do costs one query for all series."""

from ledger.zones import TODAY

# Notes that reported holes have healed.
HEAL = "SELECT ledger_heal()"

# The next two take ``after`` (the id of the last period read), ``size`` (how many; null for all), ``ids`` (the periods
# to look at; null for all), and ``todays``. They also find periods of series with an unknown time zone, which may be
# due; for these the last column is false.
_THESE = "NOT p.moves AND p.id > %(after)s AND (%(ids)s::bigint[] IS NULL OR p.id = ANY (%(ids)s::bigint[]))"

# Open periods whose series closes them some days after their end, and that time is over in the series' own zone. An
# authorised range that has expired is closed the day after next where the series says nothing: its unused end lapses.
PERIODS_TO_CLOSE = f"""
    SELECT p.id, {TODAY} IS NOT NULL
    FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
    WHERE p.closed_at IS NULL AND (s.close_after_days IS NOT NULL OR p.ordinal > 0)
      AND p.ends_on < DATE '9999-12-31' - coalesce(s.close_after_days::integer, 1)
      AND (p.ends_on + coalesce(s.close_after_days::integer, 1) < {TODAY} OR {TODAY} IS NULL)
      AND {_THESE}
    ORDER BY p.id
    LIMIT %(size)s
"""  # noqa: S608  (our own text)

# The periods of pooled series that may mint; and whether less than a quarter of a batch is left (a period without a
# pool counts too). A batch follows the rate of use (ledger_mint).
_POOLED = """
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    LEFT JOIN ledger_pool l ON l.tenant = p.tenant AND l.period_id = p.id
    WHERE s.allocation = 'pooled' AND s.is_active AND p.closed_at IS NULL AND p.last_value < p.max_value
"""
_IS_LOW = """(
    SELECT count(*) FROM (
        SELECT FROM ledger_slot w WHERE w.tenant = p.tenant AND w.period_id = p.id LIMIT coalesce(l.batch, 16) / 4
    ) free) < coalesce(l.batch, 16) / 4
"""

# Current periods whose pool is low.
LOW_POOLS = f"""
    SELECT p.id, p.tenant, p.last_value, {TODAY} IS NOT NULL
    {_POOLED} AND ({TODAY} BETWEEN p.starts_on AND p.ends_on OR {TODAY} IS NULL) AND {_THESE} AND {_IS_LOW}
    ORDER BY p.id
    LIMIT %(size)s
"""

# How the last run of each sweep went, and when one last succeeded. Two probes of an index for each, however many runs
# are remembered. Argument: names.
LATEST = """
    SELECT n.sweep, r.started_at, r.finished_at, r.error, r.counts, g.started_at, g.finished_at, clock_timestamp()
    FROM unnest(%s::text[]) AS n (sweep)
    LEFT JOIN LATERAL (
        SELECT * FROM ledger_sweeprun r WHERE r.sweep = n.sweep ORDER BY r.started_at DESC LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT g.started_at, g.finished_at FROM ledger_sweeprun g
        WHERE g.sweep = n.sweep AND g.error = '' AND g.finished_at IS NOT NULL
        ORDER BY g.finished_at DESC LIMIT 1
    ) g ON true
"""

# For the metrics: pools of current periods and the low ones among them; reservations that wait, and the age of the
# oldest in seconds. Parameter: todays.
QUEUED = f"""
    SELECT pools.count, pools.low, waiting.count, waiting.age
    FROM (
        SELECT count(*), count(*) FILTER (WHERE {_IS_LOW}) AS low
        {_POOLED} AND {TODAY} BETWEEN p.starts_on AND p.ends_on
    ) pools,
    (SELECT count(*),
            coalesce(extract(epoch FROM clock_timestamp() - min(r.reserved_at) FILTER (WHERE isfinite(r.reserved_at))),
                     0)::float AS age
     FROM ledger_reservation r) waiting
"""  # noqa: S608
