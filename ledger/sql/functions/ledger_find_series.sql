-- A series by its code, the business date of a call, and why the series gives out nothing: 'inactive', 'allocation',
-- 'foreign' (the login may not act for this tenant), 'too_far' (the date lies further ahead than the series allows), or
-- null. The series' time zone decides the business date, and the clock is read as late as can be.
--
-- A set without SECURITY DEFINER or SET, so that it becomes part of the query that asks.
CREATE OR REPLACE FUNCTION ledger_find_series(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_allocation text
) RETURNS TABLE (
    id bigint, day date, refusal text, chronological boolean, give_back boolean, time_zone text, early_release boolean
) LANGUAGE sql STABLE AS $$
    SELECT s.id, d.day,
           CASE WHEN NOT s.is_active THEN 'inactive'
                WHEN s.allocation <> p_allocation THEN 'allocation'
                WHEN EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
                     AND NOT ledger_serves(p_tenant) THEN 'foreign'
                WHEN (p_on IS NOT NULL OR p_at IS NOT NULL)
                     AND d.day > (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead
                     THEN 'too_far' END,
           s.chronological, s.give_back, s.time_zone, s.early_release
    FROM ledger_series s
    CROSS JOIN LATERAL (
        SELECT coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date) AS day
    ) d
    WHERE s.tenant = p_tenant AND s.code = p_series
$$;
