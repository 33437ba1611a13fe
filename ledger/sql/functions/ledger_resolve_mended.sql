-- Resolve the alarms whose repair the database itself can check: each of the lost values has a row again, or the
-- reservation is gone. Returns how many. It takes no arguments from the caller, who therefore can't hide an alarm.
CREATE OR REPLACE FUNCTION ledger_resolve_mended() RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    resolved bigint;
BEGIN
    INSERT INTO ledger_alarmresolved (tenant, alarm_id)
    SELECT a.tenant, a.id
    FROM ledger_alarmraised a
    JOIN ledger_series s ON s.tenant = a.tenant AND s.code = a.series
    JOIN ledger_period p ON p.tenant = a.tenant AND p.series_id = s.id AND p.starts_on = a.starts_on
                         AND p.ordinal = a.ordinal
    CROSS JOIN LATERAL (
        SELECT ((SELECT count(*) FROM ledger_entry e
                 WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.value BETWEEN a.value AND a.through)
              + (SELECT count(*) FROM ledger_slot w
                 WHERE w.tenant = p.tenant AND w.period_id = p.id AND w.value BETWEEN a.value AND a.through)
              + (SELECT count(*) FROM ledger_reservation r
                 WHERE r.tenant = p.tenant AND r.period_id = p.id AND r.value BETWEEN a.value AND a.through))::numeric
              + (SELECT coalesce(sum(least(g.last_value, a.through)::numeric
                                     - greatest(g.first_value, a.value)::numeric + 1::numeric), 0::numeric)
                 FROM ledger_adoptedgap g
                 WHERE g.tenant = p.tenant AND g.period_id = p.id
                   AND g.first_value <= a.through AND g.last_value >= a.value) AS count
    ) known
    WHERE a.kind = 'lost-or-tampered' AND known.count = a.through::numeric - a.value::numeric + 1::numeric
      AND NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = a.tenant AND m.state <> 'arrived')
    UNION ALL
    SELECT a.tenant, a.id
    FROM ledger_alarmraised a
    WHERE a.kind = 'reservation-old'
      AND NOT EXISTS (SELECT FROM ledger_reservation r WHERE r.tenant = a.tenant AND r.id = a.row_id)
      AND NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = a.tenant AND m.state <> 'arrived')
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS resolved = ROW_COUNT;
    RETURN resolved;
END $$;
