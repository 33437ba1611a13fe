-- Whether this login may act for a tenant: for all tenants, unless ledger_tenantbinding binds it to some.
--
-- In PL/pgSQL, so that PostgreSQL doesn't inline it into each checkout's query, which calls it only for a bound login.
CREATE OR REPLACE FUNCTION ledger_serves(p_tenant text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
        OR EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text AND b.tenant = p_tenant);
END $$;
