-- Whether an authorised range of a series has a number, or a value that waits, dated after p_day.
CREATE OR REPLACE FUNCTION ledger_later_range(p_tenant text, p_series bigint, p_day date) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM ledger_period r
                   WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.ordinal > 0 AND r.last_issued_on > p_day
                     AND ledger_is_out_of_order(p_tenant, r.id, p_day))
$$;
