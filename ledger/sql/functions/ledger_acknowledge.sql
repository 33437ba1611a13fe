-- Acknowledge findings, all of them or none: who, and why they may stay. Returns the ids of the events.
CREATE OR REPLACE FUNCTION ledger_acknowledge(p_tenant text, p_findings bigint[], p_reason text, p_actor text)
RETURNS SETOF bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    RETURN QUERY
    INSERT INTO ledger_findingacknowledged (tenant, finding_id, reason, actor)
    SELECT p_tenant, f, p_reason, p_actor FROM unnest(p_findings) f
    RETURNING id;
END $$;
