-- Turn a lost value into a gap, so that people can explain it. Returns the answer of ledger_claim_gap.
CREATE OR REPLACE FUNCTION ledger_flag_lost(p_tenant text, p_period bigint, p_value bigint, p_actor text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value)
        OR EXISTS (SELECT FROM ledger_reservation r
                   WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value)
        OR EXISTS (SELECT FROM ledger_adoptedgap g
                   WHERE g.tenant = p_tenant AND g.period_id = p_period
                     AND p_value BETWEEN g.first_value AND g.last_value)
        OR p_value NOT BETWEEN (SELECT p.first_value FROM ledger_period p WHERE p.id = p_period)
                           AND (SELECT p.last_value FROM ledger_period p WHERE p.id = p_period) THEN
        RETURN 'settled';
    END IF;
    RETURN ledger_claim_gap(p_tenant, p_period, p_value, 'lost', p_actor, true);
END $$;
