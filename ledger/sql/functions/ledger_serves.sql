-- Whether this login may act for a tenant: for all of them, unless ledger_tenantbinding binds it to some.
CREATE OR REPLACE FUNCTION ledger_serves(p_tenant text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
        OR EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text AND b.tenant = p_tenant)
$$;
