-- Close a period if its series' close_after_days have passed since its end. Returns the answer of ledger_close_period;
-- it is also 'runs' if the days haven't passed, or the series has no close_after_days.
CREATE OR REPLACE FUNCTION ledger_close_due(p_tenant text, p_period bigint, p_actor text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    IF NOT EXISTS (
        SELECT FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.id = p_period AND p.tenant = p_tenant
          AND (s.close_after_days IS NOT NULL OR p.ordinal > 0)
          AND p.ends_on < DATE '9999-12-31' - coalesce(s.close_after_days::integer, 1)
          AND p.ends_on + coalesce(s.close_after_days::integer, 1) < (clock_timestamp() AT TIME ZONE s.time_zone)::date) THEN
        RETURN 'runs';
    END IF;
    RETURN ledger_close_period(p_tenant, p_period, false, p_actor);
END $$;
