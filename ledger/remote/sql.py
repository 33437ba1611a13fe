"""The statements about drafts and their pools."""

from ledger.zones import TODAY

# The pool of a series, for one worker until the time is over; no row if another worker has it, or the series isn't
# remote any more. Looks at one accounting system don't count for another. Arguments: claim, lasts, tenant, series.
CLAIM = """
    INSERT INTO ledger_remotepool AS r (tenant, series_id, system, claimed_by, claimed_until)
    SELECT s.tenant, s.id, s.system, %(claim)s, clock_timestamp() + %(lasts)s::interval
    FROM ledger_series s
    WHERE s.tenant = %(tenant)s AND s.id = %(series)s AND s.allocation = 'remote' AND s.is_active
    ON CONFLICT (tenant, series_id) DO UPDATE
    SET system = excluded.system, claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until,
        looked_at = CASE WHEN r.system = excluded.system THEN r.looked_at END,
        looked_through = CASE WHEN r.system = excluded.system THEN r.looked_through ELSE 0 END
    WHERE r.claimed_until IS NULL OR r.claimed_until < clock_timestamp()
    RETURNING r.system, r.looked_at, r.full_look_at, r.looked_through, clock_timestamp() AS claimed_at
"""

# Renews the claim; no row if another worker has the pool. Arguments: lasts, tenant, series, claim.
RENEW = """
    UPDATE ledger_remotepool r SET claimed_until = clock_timestamp() + %s::interval
    WHERE r.tenant = %s AND r.series_id = %s AND r.claimed_by = %s
    RETURNING 1
"""

# Releases the pool and records how the refill went; nothing if the claim was lost meanwhile.
# Arguments: tenant, series, claim, error, whether a person is needed, wanted.
RELEASE = """
    UPDATE ledger_remotepool r
    SET claimed_by = '', claimed_until = NULL, tried_at = clock_timestamp(), error = %(error)s,
        refilled_at = CASE WHEN %(error)s = '' THEN clock_timestamp() ELSE r.refilled_at END,
        needs_person = %(needs_person)s, wanted = coalesce(%(wanted)s::integer, r.wanted)
    WHERE r.tenant = %(tenant)s AND r.series_id = %(series)s AND r.claimed_by = %(claim)s
"""

# How far the looks at the accounting system have come. Null leaves a column as it is.
NOTE_LOOK = """
    UPDATE ledger_remotepool r
    SET looked_at = coalesce(%(looked_at)s::timestamptz, r.looked_at),
        full_look_at = coalesce(%(full_look_at)s::timestamptz, r.full_look_at),
        looked_through = coalesce(%(looked_through)s::bigint, r.looked_through)
    WHERE r.tenant = %(tenant)s AND r.series_id = %(series)s AND r.claimed_by = %(claim)s
"""

# The periods of a series that checkouts need these days: today's, the next one shortly before it begins, and the last
# one while it is open and late documents may come. With the free drafts, the numbers used in the last hour, and whether
# the last so many drafts were all refused within the hour.
# Arguments: tenant, series, days before the next one begins, days after the last one has ended, how many in a row.
PERIODS = """
    SELECT p.id AS period, p.starts_on, p.ends_on, t.today, p.last_value >= p.max_value AS exhausted,
           (SELECT count(*) FROM ledger_slot w WHERE w.tenant = p.tenant AND w.period_id = p.id) AS free,
           (SELECT count(*)
            FROM (SELECT e.kind, e.issued_at FROM ledger_entry e
                  WHERE e.tenant = p.tenant AND e.period_id = p.id ORDER BY e.value DESC LIMIT 2000) r
            WHERE r.kind = 'issued' AND r.issued_at > clock_timestamp() - interval '1 hour') AS used,
           coalesce((SELECT max(d.ordinal) FROM ledger_draftmade d
                     WHERE d.tenant = p.tenant AND d.period_id = p.id), 0) AS last_ordinal,
           coalesce((SELECT count(*) = %(in_a_row)s AND bool_and(l.value IS NULL)
                   AND max(l.drafted_at) > clock_timestamp() - interval '1 hour'
            FROM (SELECT d.value, d.drafted_at FROM ledger_draftmade d
                  WHERE d.tenant = p.tenant AND d.period_id = p.id
                  ORDER BY d.ordinal DESC LIMIT %(in_a_row)s) l), false) AS is_stuck
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    CROSS JOIN LATERAL (SELECT (clock_timestamp() AT TIME ZONE s.time_zone)::date AS today) t
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s AND p.closed_at IS NULL
      AND p.starts_on <= t.today + %(before)s::int AND p.ends_on >= t.today - %(after)s::int
    ORDER BY p.starts_on
"""

# Arguments: tenant, series, period, claim, lasts, ordinal, remote id, number, reference, refusal.
STORE = "SELECT ledger_store_draft(%s, %s, %s, %s, %s::interval, %s, %s, %s, %s, %s)"

# Arguments: tenant, period, value, what the accounting system said, actor.
WITHDRAW = "SELECT ledger_withdraw_slot(%s, %s, %s, %s::jsonb, %s)"

# Records that a draft is gone there. Arguments: tenant, draft, state, actor.
CANCEL = "SELECT ledger_cancel_draft(%s, %s, %s, %s)"

# Keeps a draft of a killed worker. Arguments: tenant, period, ordinal, system, remote id, number, reference.
KEEP_STRAY = "SELECT ledger_keep_stray(%s, %s, %s, %s, %s, %s, %s)"

_DRAFT = "d.id, d.tenant, d.period_id, d.value, d.number, d.system, d.remote_id, d.reference, d.drafted_at"

# The drafts of a series whose slots are free, or held by a checkout, oldest first.
FREE = f"""
    SELECT {_DRAFT}
    FROM ledger_draftmade d
    JOIN ledger_slot w ON w.tenant = d.tenant AND w.period_id = d.period_id AND w.value = d.value
    JOIN ledger_period p ON p.id = d.period_id
    WHERE d.tenant = %(tenant)s AND p.series_id = %(series)s AND d.system = %(system)s
    ORDER BY d.id
"""  # noqa: S608  (our own text)

# Drafts that no document has or will get, and that aren't cancelled yet: refused ones, and those of gaps.
UNUSED = f"""
    SELECT s.code, p.starts_on, p.ends_on,
           coalesce(nullif(d.refusal, ''), e.metadata ->> 'cause'::text, '') AS cause,
           coalesce(e.metadata -> 'said'::text ->> 'state'::text, '') AS said,
           {_DRAFT}
    FROM ledger_draftmade d
    JOIN ledger_period p ON p.id = d.period_id
    JOIN ledger_series s ON s.id = p.series_id
    LEFT JOIN ledger_entry e ON e.tenant = d.tenant AND e.period_id = d.period_id AND e.value = d.value
    WHERE d.system = %(system)s
      AND (%(tenant)s::text IS NULL OR d.tenant = %(tenant)s)
      AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND (%(day)s::date IS NULL OR %(day)s::date BETWEEN p.starts_on AND p.ends_on)
      AND (d.value IS NULL OR e.kind = 'gap')
      AND NOT EXISTS (SELECT FROM ledger_draftcancelled c WHERE c.tenant = d.tenant AND c.draft_id = d.id)
    ORDER BY d.id
"""  # noqa: S608

# The state of the pools of remote series, in today's periods. Parameter: todays.
STATES = f"""
    SELECT s.tenant, s.code AS series, s.system, p.starts_on, p.ends_on,
           CASE WHEN p.id IS NULL THEN 0
                ELSE (SELECT count(*) FROM ledger_slot w WHERE w.tenant = p.tenant AND w.period_id = p.id) END AS free,
           coalesce(r.wanted, 0) AS wanted, r.tried_at, r.refilled_at, coalesce(r.error, '') AS error,
           coalesce(r.needs_person, false) AS needs_person
    FROM ledger_series s
    LEFT JOIN ledger_remotepool r ON r.tenant = s.tenant AND r.series_id = s.id
    LEFT JOIN ledger_period p ON p.tenant = s.tenant AND p.series_id = s.id AND p.closed_at IS NULL
        AND {TODAY} BETWEEN p.starts_on AND p.ends_on
    WHERE s.allocation = 'remote' AND s.is_active
      AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY s.tenant, s.code
"""  # noqa: S608  (our own text)
