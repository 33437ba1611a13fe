-- Resolve these alarms, because a later look no longer found their problems: only unresolved ones, of tenants for whom
-- this login may act. Returns how many.
CREATE OR REPLACE FUNCTION ledger_resolve_alarms(p_alarms bigint[]) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    resolved bigint;
BEGIN
    INSERT INTO ledger_alarmresolved (tenant, alarm_id)
    SELECT a.tenant, a.id FROM ledger_alarmraised a
    WHERE a.id = ANY (p_alarms) AND ledger_serves(a.tenant)
      AND NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = a.tenant AND m.state <> 'arrived')
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS resolved = ROW_COUNT;
    RETURN resolved;
END $$;
