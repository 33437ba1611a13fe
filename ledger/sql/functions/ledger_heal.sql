-- Record for each reported hole, once, that a number has filled it. Returns how many.
CREATE OR REPLACE FUNCTION ledger_heal() RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    healed bigint;
BEGIN
    INSERT INTO ledger_holehealed (tenant, hole_id, entry_id)
    SELECT h.tenant, h.id, e.id
    FROM ledger_holereported h
    JOIN ledger_entry e
        ON e.tenant = h.tenant AND e.period_id = h.period_id AND e.value = h.value AND e.kind = 'issued'
    WHERE NOT EXISTS (SELECT FROM ledger_holehealed d WHERE d.tenant = h.tenant AND d.hole_id = h.id)
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = h.tenant AND m.state <> 'arrived')
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS healed = ROW_COUNT;
    RETURN healed;
END $$;
