-- The authorised range from which the next number of a day comes: the first range of the series that is open, valid on
-- that day, and not used up. Its columns are those of ledger_find_period. With the chronology guard (p_guarded), no
-- range of the series may have a later date.
CREATE OR REPLACE FUNCTION ledger_find_range(p_tenant text, p_series bigint, p_day date, p_guarded boolean) RETURNS TABLE (
    id bigint, starts_on date, ends_on date, prefix text, width integer, suffix text,
    first_value bigint, last_value bigint, max_value bigint, last_issued_on date, closed_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT r.id, r.starts_on, r.ends_on, r.prefix, r.width, r.suffix, r.first_value, r.last_value, r.max_value,
           r.last_issued_on, r.closed_at
    FROM ledger_period r
    WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.ordinal > 0 AND p_day BETWEEN r.starts_on AND r.ends_on
      AND r.closed_at IS NULL AND r.last_value < r.max_value
      AND (NOT p_guarded
           OR (r.last_issued_on IS NULL OR r.last_issued_on <= p_day) AND NOT ledger_later_range(p_tenant, p_series, p_day))
    ORDER BY r.ordinal LIMIT 1
$$;
