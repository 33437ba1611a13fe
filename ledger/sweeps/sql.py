"""The statements of the sweeps: sets, so that a sweep with nothing to do costs one query, however many series."""

from __future__ import annotations

# Of holes that were reported, those that a number has filled since; each once.
HEAL = """
    INSERT INTO ledger_holehealed (tenant, hole_id, entry_id)
    SELECT h.tenant, h.id, e.id
    FROM ledger_holereported h
    JOIN ledger_entry e ON e.tenant = h.tenant AND e.period_id = h.period_id AND e.value = h.value AND e.kind = 'issued'
    WHERE NOT EXISTS (SELECT FROM ledger_holehealed d WHERE d.tenant = h.tenant AND d.hole_id = h.id)
    ON CONFLICT DO NOTHING
"""

# Open periods whose series closes them some days after their end, and that time is over in the series' own zone.
# Arguments: id of the last period read, batch size.
PERIODS_TO_CLOSE = """
    SELECT p.id
    FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
    WHERE p.closed_at IS NULL AND s.close_after_days IS NOT NULL
      AND p.ends_on < DATE '9999-12-31' - s.close_after_days
      AND p.ends_on + s.close_after_days < (clock_timestamp() AT TIME ZONE s.time_zone)::date
      AND p.id > %s
    ORDER BY p.id
    LIMIT %s
"""

# Pools of current periods with less than a quarter of a batch left, and current periods of pooled series that have no
# pool yet. A batch follows the rate of use (ledger_mint). Arguments: id of the last period read, batch size.
LOW_POOLS = """
    SELECT p.tenant, p.id, p.last_value
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    LEFT JOIN ledger_pool l ON l.tenant = p.tenant AND l.period_id = p.id
    WHERE s.allocation = 'pooled' AND s.is_active AND p.closed_at IS NULL AND p.last_value < p.max_value
      AND (clock_timestamp() AT TIME ZONE s.time_zone)::date BETWEEN p.starts_on AND p.ends_on
      AND p.id > %s
      AND (SELECT count(*) FROM (
              SELECT FROM ledger_slot w WHERE w.tenant = p.tenant AND w.period_id = p.id LIMIT coalesce(l.batch, 16) / 4
          ) free) < coalesce(l.batch, 16) / 4
    ORDER BY p.id
    LIMIT %s
"""

# When each sweep last succeeded, and how its last run went.
LATEST = """
    SELECT DISTINCT ON (r.sweep) r.sweep, r.started_at, r.finished_at, r.error, r.counts,
           (SELECT max(g.finished_at) FROM ledger_sweeprun g
            WHERE g.sweep = r.sweep AND g.error = '' AND g.finished_at IS NOT NULL) AS succeeded_at,
           clock_timestamp()
    FROM ledger_sweeprun r
    ORDER BY r.sweep, r.started_at DESC
"""
