-- Report free slots below the highest number of their period, each once: holes that the next checkouts will fill.
-- Returns how many were reported for the first time.
CREATE OR REPLACE FUNCTION ledger_report_holes(p_tenants text[], p_periods bigint[], p_values bigint[]) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    reported bigint;
BEGIN
    INSERT INTO ledger_holereported (tenant, period_id, value)
    SELECT s.tenant, s.period_id, s.value
    FROM unnest(p_tenants, p_periods, p_values) AS t (tenant, period, value)
    JOIN ledger_slot s ON s.tenant = t.tenant AND s.period_id = t.period AND s.value = t.value
    WHERE EXISTS (SELECT FROM ledger_entry e
                  WHERE e.tenant = s.tenant AND e.period_id = s.period_id AND e.value > s.value)
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = s.tenant AND m.state <> 'arrived')
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS reported = ROW_COUNT;
    RETURN reported;
END $$;
