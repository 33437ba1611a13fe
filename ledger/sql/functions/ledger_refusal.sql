-- Why a series gives out no number on a day, the most useful reason first. If authorised ranges are valid on that day,
-- they decide, and not an earlier period.
CREATE OR REPLACE FUNCTION ledger_refusal(p_tenant text, p_series_id bigint, p_on date, p_count integer) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT CASE WHEN s.chronological AND ledger_later_range(p_tenant, s.id, p_on) THEN 'out_of_order'
                    WHEN EXISTS (SELECT FROM ledger_find_range(p_tenant, s.id, p_on, s.chronological)) THEN 'try_again'
                    ELSE 'exhausted' END
        FROM ledger_series s
        WHERE s.id = p_series_id
          AND EXISTS (SELECT FROM ledger_period p
                      WHERE p.tenant = p_tenant AND p.series_id = p_series_id AND p.ordinal > 0
                        AND p_on BETWEEN p.starts_on AND p.ends_on)
    ), (
        SELECT CASE WHEN p.closed_at IS NOT NULL THEN 'closed'
                    WHEN s.chronological AND p.last_issued_on > p_on
                         AND ledger_is_out_of_order(p_tenant, p.id, p_on) THEN 'out_of_order'
                    WHEN p.last_value > p.max_value - p_count THEN 'exhausted'
                    ELSE 'try_again' END
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.tenant = p_tenant AND p.series_id = p_series_id AND p_on BETWEEN p.starts_on AND p.ends_on
          AND p.ordinal = 0
    ), 'no_period')
$$;
