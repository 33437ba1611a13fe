-- Record that an unused draft is void or deleted in the accounting system; a second call changes nothing.
CREATE OR REPLACE FUNCTION ledger_cancel_draft(p_tenant text, p_draft bigint, p_state text, p_actor text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    IF NOT EXISTS (
        SELECT FROM ledger_draftmade d
        LEFT JOIN ledger_entry e ON e.tenant = d.tenant AND e.period_id = d.period_id AND e.value = d.value
        WHERE d.id = p_draft AND d.tenant = p_tenant AND (d.value IS NULL OR e.kind = 'gap')) THEN
        RAISE EXCEPTION 'draft % of tenant % is free, or a document has its number', p_draft, quote_literal(p_tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger_draftcancelled (tenant, draft_id, state, actor)
    VALUES (p_tenant, p_draft, p_state, p_actor)
    ON CONFLICT DO NOTHING;
END $$;
