-- Change how a series takes its numbers, also in the middle of a period: first nothing waits any more in its open periods,
-- then the settings change. How many gaps that left, or null where there is no such series.
CREATE OR REPLACE FUNCTION ledger_change_allocation(p_tenant text, p_code text, p_settings jsonb, p_actor text)
RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series bigint;
    period bigint;
    gaps bigint := 0;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT s.id INTO series FROM ledger_series s
    WHERE s.tenant = p_tenant AND s.code = p_code FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    FOR period IN
        SELECT p.id FROM ledger_period p
        WHERE p.tenant = p_tenant AND p.series_id = series AND p.closed_at IS NULL
        ORDER BY p.id FOR NO KEY UPDATE
    LOOP
        gaps := gaps + ledger_settle_period(p_tenant, period, 'allocation changed', p_actor);
    END LOOP;
    PERFORM ledger_save_series(p_tenant, p_code, p_settings, p_actor);
    RETURN gaps;
END $$;
