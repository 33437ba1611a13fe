-- Whether this transaction itself moves the tenant's rows to this home, or drops its old copy: the guards let it pass.
CREATE OR REPLACE FUNCTION ledger_is_moving(p_tenant text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, @schema@, pg_temp AS $$
    SELECT EXISTS (SELECT FROM ledger_tenantmove m
                   WHERE m.tenant = p_tenant AND m.state IN ('arriving', 'left')
                     AND m.mover = pg_current_xact_id_if_assigned()::text::bigint)
$$;
