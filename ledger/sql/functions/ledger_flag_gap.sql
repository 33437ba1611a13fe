-- Flag a value that a checkout left behind as a gap: a reservation, or a slot of a series without give_back. Returns the
-- answer of ledger_claim_gap.
CREATE OR REPLACE FUNCTION ledger_flag_gap(p_tenant text, p_period bigint, p_value bigint, p_actor text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    RETURN ledger_claim_gap(
        p_tenant, p_period, p_value,
        CASE WHEN EXISTS (SELECT FROM ledger_reservation r
                          WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value)
             THEN 'not committed' ELSE 'given back, and not for a later document' END,
        p_actor, false);
END $$;
