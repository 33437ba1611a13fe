-- A series by its code, the business date of a call, and why the series gives out nothing: 'inactive', 'allocation',
-- 'foreign' (the login may not act for this tenant), 'too_far' (the date is further in the future than the series
-- allows), or null. The series' time zone decides the business date, and the clock is read as late as possible.
--
-- A set-returning function without SECURITY DEFINER or SET, so that PostgreSQL inlines it. Only the inner query reads
-- the clock, so that it is read once, and PostgreSQL merges the two queries.
CREATE OR REPLACE FUNCTION ledger_find_series(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_allocation text
) RETURNS TABLE (
    id bigint, day date, refusal text, chronological boolean, give_back boolean, time_zone text, early_release boolean
) LANGUAGE sql STABLE AS $$
    SELECT s.id, s.day,
           CASE WHEN NOT s.is_active THEN 'inactive'
                WHEN s.allocation <> p_allocation THEN 'allocation'
                WHEN EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
                     AND NOT ledger_serves(p_tenant) THEN 'foreign'
                WHEN s.day > s.last_day THEN 'too_far' END,
           s.chronological, s.give_back, s.time_zone, s.early_release
    FROM (SELECT t.id, t.is_active, t.allocation, t.chronological, t.give_back, t.time_zone, t.early_release,
                 coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE t.time_zone)::date) AS day,
                 CASE WHEN p_on IS NOT NULL OR p_at IS NOT NULL
                      THEN (clock_timestamp() AT TIME ZONE t.time_zone)::date + t.max_days_ahead END AS last_day
          FROM ledger_series t
          WHERE t.tenant = p_tenant AND t.code = p_series) s
$$;
