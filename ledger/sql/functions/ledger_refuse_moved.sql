-- Raises object_in_use for a tenant that is moving to another home or has moved there, unless this transaction moves its
-- rows.
CREATE OR REPLACE FUNCTION ledger_refuse_moved(p_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    move record;
BEGIN
    SELECT m.state, m.home INTO move FROM ledger_tenantmove m WHERE m.tenant = p_tenant;
    IF ledger_is_moving(p_tenant) THEN RETURN; END IF;
    RAISE EXCEPTION 'the tenant % is not at home here: %, %', quote_literal(p_tenant), move.state, move.home
        USING ERRCODE = 'object_in_use', CONSTRAINT = 'ledger_tenant_moves', TABLE = 'ledger_tenantmove',
              DETAIL = json_build_object('tenant', p_tenant, 'state', move.state, 'home', move.home)::text;
END $$;
