-- Lock the counter of a period as issuing does, until the transaction ends. Returns 'held' with the last value,
-- 'closed', or 'unknown'; with p_nowait also 'busy' if another transaction holds it.
CREATE OR REPLACE FUNCTION ledger_hold(p_tenant text, p_period bigint, p_nowait boolean) RETURNS text[]
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    counter record;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    IF p_nowait THEN
        SELECT p.last_value, p.closed_at INTO counter
        FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND THEN RETURN ARRAY['busy']; END IF;
    ELSE
        PERFORM ledger_wait_in_line(p_period);
        SELECT p.last_value, p.closed_at INTO counter
        FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant FOR NO KEY UPDATE;
        IF NOT FOUND THEN RETURN ARRAY['unknown']; END IF;
    END IF;
    IF counter.closed_at IS NOT NULL THEN RETURN ARRAY['closed']; END IF;
    RETURN ARRAY['held', counter.last_value::text];
END $$;
