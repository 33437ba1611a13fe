-- Raises insufficient_privilege unless this login may act for the tenant, and object_in_use if the tenant is moving to
-- another home or has moved there.
CREATE OR REPLACE FUNCTION ledger_refuse_foreign(p_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = p_tenant AND m.state <> 'arrived') THEN
        PERFORM ledger_refuse_moved(p_tenant);
    END IF;
    IF NOT ledger_serves(p_tenant) THEN
        RAISE EXCEPTION 'the login % may not act for the tenant %', session_user, quote_literal(p_tenant)
            USING ERRCODE = 'insufficient_privilege', HINT = 'The table ledger_tenantbinding says whom it serves.';
    END IF;
END $$;
