-- Close a period for good: nothing is appended to it later. Waits for the checkouts that hold its counter, or values of it;
-- what they left behind becomes gaps. 'closed'; 'before' where it was closed already; 'runs' where it has not ended in
-- the series' time zone and p_early doesn't say that this is meant; 'unknown'.
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
    UPDATE ledger_period p SET closed_at = closing WHERE p.id = p_period;
    RETURN 'closed';
END $$;
