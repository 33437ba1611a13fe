"""Every hand-written statement, named and commented; the stored functions they call stand in ``migrations/sql``."""

from __future__ import annotations

# The hot path: one round trip for one number (migrations/sql/issue_serial.sql).
# Arguments: tenant, series, on, at, document, actor, metadata as JSON text.
# Without casts, since each is one more thing to parse: there is one function of that name.
ISSUE_SERIAL = "SELECT ledger_issue_serial(%s, %s, %s, %s, %s, %s, %s)"

# A contiguous block in one statement. Arguments as above, with a list of documents, null for metadata that were not
# stated, and whether the date was.
ISSUE_SERIAL_MANY = (
    "SELECT * FROM ledger_issue_serial_many(%s, %s, %s::date, %s::timestamptz, %s::text[], %s, %s::jsonb, %s)"
)

# The business date of a moment, or of now, as the series' time zone has it. Arguments: at, zone.
BUSINESS_DATE = "SELECT (coalesce(%s::timestamptz, clock_timestamp()) AT TIME ZONE %s)::date"

# Declares a number void; no row comes back when it is void already.
# Arguments: tenant, entry, reason, replacement, actor.
VOID = """
    INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (tenant, entry_id) DO NOTHING
    RETURNING id
"""

# The tenant's periods of which one prefix goes on where the other ends: the few that are worth a closer look, out of
# what may be ten years of days. Arguments: tenant, prefix.
PERIODS_OF_SUCH_PREFIX = """
    SELECT p.id
    FROM ledger_period p
    WHERE p.tenant = %(tenant)s
      AND (starts_with(upper(p.prefix), upper(%(prefix)s)) OR starts_with(upper(%(prefix)s), upper(p.prefix)))
"""

# When the chronology guard is switched on: what the counters of the open periods must compare with. From then on
# issuing keeps it up to date, also in a checkout that does not know of the guard yet.
# Arguments: tenant, series.
REMEMBER_LATEST_DATES = """
    UPDATE ledger_period p
    SET last_issued_on = ledger_latest_date(p.tenant, p.id)
    WHERE p.tenant = %s AND p.series_id = %s AND p.closed_at IS NULL
"""

# Active series without a period for the day that lies so many days ahead of their own today; ordered, so that it can be
# read in batches. Arguments: days, id of the last series read, batch size.
SERIES_WITHOUT_PERIOD = """
    SELECT s.id
    FROM ledger_series s
    WHERE s.is_active
      AND s.calendar <> 'explicit'
      AND NOT EXISTS (
          SELECT FROM ledger_period p
          WHERE p.tenant = s.tenant AND p.series_id = s.id
            AND (clock_timestamp() AT TIME ZONE s.time_zone)::date + %s BETWEEN p.starts_on AND p.ends_on
      )
      AND s.id > %s
    ORDER BY s.id
    LIMIT %s
"""
