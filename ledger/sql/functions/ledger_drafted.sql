-- The number that a draft of the accounting system gave to a value, or null.
CREATE OR REPLACE FUNCTION ledger_drafted(p_tenant text, p_period bigint, p_value bigint) RETURNS text
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    RETURN (SELECT d.number FROM ledger_draftmade d
            WHERE d.tenant = p_tenant AND d.period_id = p_period AND d.value = p_value);
END $$;
