-- Explain gaps, all of them or none: flagged entries, and ranges of an adopted history, by their ids. Returns the ids of
-- the events.
CREATE OR REPLACE FUNCTION ledger_explain(
    p_tenant text, p_entries bigint[], p_adopted bigint[], p_explanation text, p_actor text
) RETURNS SETOF bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    wanted bigint := coalesce(cardinality(p_entries), 0) + coalesce(cardinality(p_adopted), 0);
    gaps bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT (SELECT count(*) FROM ledger_entry e WHERE e.id = ANY (p_entries) AND e.tenant = p_tenant AND e.kind = 'gap')
         + (SELECT count(*) FROM ledger_adoptedgap g WHERE g.id = ANY (p_adopted) AND g.tenant = p_tenant)
    INTO gaps;
    IF gaps <> wanted THEN
        RAISE EXCEPTION 'of % gaps to explain, the tenant % has %', wanted, quote_literal(p_tenant), gaps
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN QUERY
    INSERT INTO ledger_gapexplained (tenant, entry_id, adopted_gap_id, explanation, actor)
    SELECT p_tenant, e, NULL, p_explanation, p_actor FROM unnest(p_entries) e
    UNION ALL
    SELECT p_tenant, NULL, g, p_explanation, p_actor FROM unnest(p_adopted) g
    RETURNING id;
END $$;
