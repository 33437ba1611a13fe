-- Why the period of a date gives out no number: the reasons in the order in which a person should hear them.
CREATE OR REPLACE FUNCTION ledger_refusal(p_tenant text, p_series_id bigint, p_on date, p_count integer) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT CASE WHEN p.closed_at IS NOT NULL THEN 'closed'
                    WHEN s.chronological AND p.last_issued_on > p_on
                         AND ledger_is_out_of_order(p_tenant, p.id, p_on) THEN 'out_of_order'
                    WHEN p.last_value > p.max_value - p_count THEN 'exhausted'
                    ELSE 'try_again' END
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.tenant = p_tenant AND p.series_id = p_series_id AND p_on BETWEEN p.starts_on AND p.ends_on
    ), 'no_period')
$$;
