-- Acknowledge alarms, all of them or none: who, and why they may stay. Returns the ids of the events.
CREATE OR REPLACE FUNCTION ledger_acknowledge_alarms(p_alarms bigint[], p_reason text, p_actor text)
RETURNS SETOF bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(a.tenant) FROM ledger_alarmraised a WHERE a.id = ANY (p_alarms);
    RETURN QUERY
    INSERT INTO ledger_alarmacknowledged (tenant, alarm_id, reason, actor)
    SELECT a.tenant, w.id, p_reason, p_actor
    FROM unnest(p_alarms) AS w (id) LEFT JOIN ledger_alarmraised a ON a.id = w.id
    RETURNING id;
END $$;
