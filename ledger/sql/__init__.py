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

# As the two above, of the lowest free slots (migrations/sql/issue_pooled.sql). The same arguments.
ISSUE_POOLED = "SELECT ledger_issue_pooled(%s, %s, %s, %s, %s, %s, %s)"
ISSUE_POOLED_MANY = (
    "SELECT * FROM ledger_issue_pooled_many(%s, %s, %s::date, %s::timestamptz, %s::text[], %s, %s::jsonb, %s)"
)

# As the two above, of the earliest free drafts (migrations/sql/issue_remote.sql). The same arguments.
ISSUE_REMOTE = "SELECT ledger_issue_remote(%s, %s, %s, %s, %s, %s, %s)"
ISSUE_REMOTE_MANY = (
    "SELECT * FROM ledger_issue_remote_many(%s, %s, %s::date, %s::timestamptz, %s::text[], %s, %s::jsonb, %s)"
)

# Makes slots, in a transaction of its own. Arguments: tenant, period, where the counter was seen, how many at least.
MINT = "SELECT ledger_mint(%s, %s, %s, %s)"

# The same in the checkout's own transaction, with that transaction's id.
MINT_HERE = "SELECT ledger_mint(%s, %s, %s, %s), pg_current_xact_id()::text"
THIS_TRANSACTION = "SELECT pg_current_xact_id_if_assigned()::text"

# The lowest slot that is there to be taken, be it held by a checkout or not. Arguments: tenant, period, give_back.
LOWEST_SLOT = """
    SELECT min(w.value) FROM ledger_slot w
    WHERE w.tenant = %(tenant)s AND w.period_id = %(period)s
      AND (%(give_back)s OR w.value > coalesce((
          SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s
      ), -1))
"""

# Where a number will come from (migrations/sql/issue_reserved.sql). Arguments: tenant, series, on, at, document,
# allocation.
LOOK = "SELECT ledger_look(%s, %s, %s, %s, %s, %s)"

# Which of a block's documents need a number. Arguments: tenant, series id, period, documents, whether the date was
# stated, metadata or null.
FRESH = "SELECT * FROM ledger_fresh(%s, %s, %s, %s::text[], %s, %s::jsonb)"

# Reservations, in a transaction of their own. Arguments: tenant, period, date, documents, actor, and the transaction of
# the checkout.
RESERVE = "SELECT * FROM ledger_reserve(%s, %s, %s, %s::text[], %s, %s)"

# Reservations become entries. Arguments: tenant, series id, period, date, reservations, documents, actor, metadata.
ISSUE_RESERVED = "SELECT * FROM ledger_issue_reserved(%s, %s, %s, %s, %s::bigint[], %s::text[], %s, %s::jsonb)"

# A ticket to be numbered while COMMIT runs (migrations/sql/issue_at_commit.sql). Arguments: tenant, series, on, at,
# documents, actor, metadata or null, whether the date was stated. A notice at COMMIT is asked for.
LEAVE_TICKETS = "SELECT ledger_leave_ticket(%s, %s, %s, %s, %s::text[], %s, %s, %s, true)"

# The same for one document, spared the writing of a list.
LEAVE_TICKET = LEAVE_TICKETS.replace("%s::text[]", "ARRAY[%s]")

# Numbers a ticket before COMMIT. Argument: ticket.
NUMBER_TICKET = "SELECT ledger_number_ticket(%s)"

# Leaves nothing waiting in a period (migrations/sql/gaps.sql). Arguments: tenant, period, cause, actor.
SETTLE_PERIOD = "SELECT ledger_settle_period(%s, %s, %s, %s)"

# READ COMMITTED or not. Under the others a transaction doesn't see what was committed since it began.
SEES_NEW_ROWS = "SELECT current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')"

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
# read in batches. Parameters: days, after (the id of the last series read), size (of a batch).
SERIES_WITHOUT_PERIOD = """
    SELECT s.id
    FROM ledger_series s
    WHERE s.is_active
      AND s.calendar <> 'explicit'
      AND NOT EXISTS (
          SELECT FROM ledger_period p
          WHERE p.tenant = s.tenant AND p.series_id = s.id
            AND (clock_timestamp() AT TIME ZONE s.time_zone)::date + %(days)s BETWEEN p.starts_on AND p.ends_on
      )
      AND s.id > %(after)s
    ORDER BY s.id
    LIMIT %(size)s
"""
