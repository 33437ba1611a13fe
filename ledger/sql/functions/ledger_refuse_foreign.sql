-- Raises insufficient_privilege unless this login may act for the tenant.
CREATE OR REPLACE FUNCTION ledger_refuse_foreign(p_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ledger_serves(p_tenant) THEN
        RAISE EXCEPTION 'the login % may not act for the tenant %', session_user, quote_literal(p_tenant)
            USING ERRCODE = 'insufficient_privilege', HINT = 'The table ledger_tenantbinding says whom it serves.';
    END IF;
END $$;
