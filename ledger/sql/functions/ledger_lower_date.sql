-- Whether a period's latest date no longer forbids p_day, because the numbers with later dates are void; then this sets
-- the date back. A void itself doesn't lock the counter; the checkout that needs the earlier date does. Otherwise this
-- locks and changes nothing.
CREATE OR REPLACE FUNCTION ledger_lower_date(p_tenant text, p_series bigint, p_day date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    period bigint;
    latest date;
BEGIN
    SELECT q.id INTO period FROM ledger_find_period(p_tenant, p_series, p_day) q
    WHERE q.closed_at IS NULL AND q.last_issued_on > p_day;
    IF NOT FOUND THEN
        SELECT r.id INTO period FROM ledger_period r
        WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.ordinal > 0 AND p_day BETWEEN r.starts_on AND r.ends_on
          AND r.closed_at IS NULL AND r.last_value < r.max_value AND r.last_issued_on > p_day
        ORDER BY r.ordinal LIMIT 1;
    END IF;
    IF NOT FOUND OR ledger_is_out_of_order(p_tenant, period, p_day) THEN RETURN false; END IF;
    PERFORM ledger_wait_in_line(period);
    PERFORM FROM ledger_period p WHERE p.id = period AND p.closed_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    latest := ledger_latest_date(p_tenant, period);
    UPDATE ledger_period p SET last_issued_on = latest WHERE p.id = period;
    RETURN (latest > p_day) IS NOT TRUE;
END $$;
