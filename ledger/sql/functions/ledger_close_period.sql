-- Close a period for good: nothing can be appended to it later. Waits for the checkouts that hold its counter or its
-- values. What they leave behind becomes gaps, and the unused end of an authorised range lapses. Returns 'closed';
-- 'before' if it was already closed; 'runs' if it has not ended in the series' time zone and p_early isn't set;
-- 'unknown'.
CREATE OR REPLACE FUNCTION ledger_close_period(p_tenant text, p_period bigint, p_early boolean, p_actor text)
RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    period record;
    closing timestamptz;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT p.series_id, p.ends_on, p.closed_at INTO period
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF period.closed_at IS NOT NULL THEN RETURN 'before'; END IF;
    IF p_early IS NOT TRUE AND (SELECT (clock_timestamp() AT TIME ZONE s.time_zone)::date <= period.ends_on
                        FROM ledger_series s WHERE s.id = period.series_id) THEN
        RETURN 'runs';
    END IF;
    PERFORM ledger_act_as(p_actor);
    PERFORM ledger_settle_period(p_tenant, p_period, 'period closed', p_actor);
    closing := clock_timestamp();
    -- Another period may give out its unused values: an authorised range with the same prefix.
    UPDATE ledger_period p
    SET closed_at = closing, max_value = CASE WHEN p_early AND p.ordinal = 0 THEN p.last_value ELSE p.max_value END
    WHERE p.id = p_period;
    INSERT INTO ledger_rangelapsed (tenant, authorised_id, first_value, last_value, actor)
    SELECT p_tenant, a.id, p.last_value + 1, a.last_value, p_actor
    FROM ledger_authorisedrange a JOIN ledger_period p ON p.id = a.period_id
    WHERE a.tenant = p_tenant AND a.period_id = p_period AND p.last_value < a.last_value;
    RETURN 'closed';
END $$;
