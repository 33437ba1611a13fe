-- Whether this login may act for a tenant: for all of them, unless ledger_tenantbinding binds it to some.
--
-- In PL/pgSQL, so that it doesn't become part of each checkout's query, which asks only for a login that is bound.
CREATE OR REPLACE FUNCTION ledger_serves(p_tenant text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
        OR EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text AND b.tenant = p_tenant);
END $$;
