-- A tenant's move to another home, step by step: for the ledger's owner.
--
-- 'leaving', at the old home: waits for the checkouts that hold counters, slots or reservations; from then on nothing is
-- written for the tenant here. 'arriving', at the new home: the same, and this transaction may insert its rows as they
-- are. 'arrived': the tenant lives here, and this transaction is recorded as the one that brought it. 'left': the rows
-- here are an old copy, which this transaction may delete. 'dropped': the copy is gone. null, at the old home: the
-- tenant stays.
CREATE OR REPLACE FUNCTION ledger_move(p_tenant text, p_state text, p_home text, p_digest text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF p_state = 'arriving' AND EXISTS (SELECT FROM ledger_series s WHERE s.tenant = p_tenant)
       AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = p_tenant AND m.state = 'arriving') THEN
        RAISE EXCEPTION 'the tenant % has series here', quote_literal(p_tenant) USING ERRCODE = 'restrict_violation';
    END IF;
    IF p_state IN ('leaving', 'arriving', 'left') THEN
        INSERT INTO ledger_tenantmove AS m (tenant, state, home, digest, mover, changed_at)
        VALUES (p_tenant, p_state, p_home, p_digest, pg_current_xact_id()::text::bigint, clock_timestamp())
        ON CONFLICT (tenant) DO UPDATE
        SET state = excluded.state, home = excluded.home, digest = excluded.digest, mover = excluded.mover,
            changed_at = excluded.changed_at;
    ELSE
        UPDATE ledger_tenantmove m
        SET state = coalesce(p_state, 'arrived'), digest = p_digest, mover = CASE WHEN p_state = 'arrived' THEN m.mover END
        WHERE m.tenant = p_tenant;
    END IF;
    IF p_state = 'leaving' THEN
        PERFORM FROM ledger_series s WHERE s.tenant = p_tenant ORDER BY s.id FOR UPDATE;
        PERFORM FROM ledger_period p WHERE p.tenant = p_tenant ORDER BY p.id FOR UPDATE;
        PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant ORDER BY s.period_id, s.value FOR UPDATE;
        PERFORM FROM ledger_reservation r WHERE r.tenant = p_tenant ORDER BY r.period_id, r.value FOR UPDATE;
    END IF;
    IF p_state = 'leaving' OR p_state IS NULL THEN
        UPDATE ledger_period p SET moves = p_state IS NOT NULL WHERE p.tenant = p_tenant;
    END IF;
END $$;
