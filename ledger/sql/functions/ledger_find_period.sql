-- The period of a series that contains a day; ledger_find_range finds authorised ranges. LIMIT keeps this one look-up in
-- the unique index, whatever the planner knows about a table that grows fast. A set-returning function, so that
-- PostgreSQL inlines it.
CREATE OR REPLACE FUNCTION ledger_find_period(p_tenant text, p_series bigint, p_day date) RETURNS TABLE (
    id bigint, starts_on date, ends_on date, prefix text, width integer, suffix text,
    first_value bigint, last_value bigint, max_value bigint, last_issued_on date, closed_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT q.id, q.starts_on, q.ends_on, q.prefix, q.width, q.suffix, q.first_value, q.last_value, q.max_value,
           q.last_issued_on, q.closed_at
    FROM (SELECT r.id, r.starts_on, r.ends_on, r.prefix, r.width, r.suffix, r.first_value, r.last_value, r.max_value,
                 r.last_issued_on, r.closed_at
          FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.starts_on <= p_day AND r.ordinal = 0
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= p_day
$$;
