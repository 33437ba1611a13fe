-- Record the result of a look at the rows of a model (p_system). For each number of p_missing, whose document is gone,
-- raise a finding unless one is unresolved; resolve the findings of the other p_entries. A void number needs no
-- document.
CREATE OR REPLACE FUNCTION ledger_note_documents(
    p_tenant text, p_system text, p_entries bigint[], p_missing bigint[], OUT raised bigint, OUT resolved bigint
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    INSERT INTO ledger_findingraised (tenant, system, kind, subject, occurrence, entry_id, number, document, facts)
    SELECT p_tenant, p_system, 'no-document', upper(e.number), coalesce(last.occurrence, 0) + 1, e.id, e.number, e.document,
           jsonb_build_object('here', jsonb_build_object(
               'number', e.number, 'kind', e.kind, 'document', e.document, 'issued_on', e.issued_on,
               'issued_at', e.issued_at, 'actor', e.actor), 'there', '[]'::jsonb)
    FROM ledger_entry e
    LEFT JOIN LATERAL (
        SELECT f.occurrence,
               NOT EXISTS (SELECT FROM ledger_findingresolved d
                           WHERE d.tenant = f.tenant AND d.finding_id = f.id) AS is_open
        FROM ledger_findingraised f
        WHERE f.tenant = p_tenant AND f.system = p_system AND f.kind = 'no-document' AND f.subject = upper(e.number)
        ORDER BY f.occurrence DESC LIMIT 1
    ) last ON true
    WHERE e.id = ANY (p_missing) AND e.tenant = p_tenant AND e.kind IN ('issued', 'adopted') AND e.document > ''
      AND last.is_open IS NOT TRUE
      AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
    ORDER BY e.id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS raised = ROW_COUNT;

    INSERT INTO ledger_findingresolved (tenant, finding_id)
    SELECT f.tenant, f.id FROM ledger_findingraised f
    WHERE f.tenant = p_tenant AND f.system = p_system AND f.kind = 'no-document'
      AND f.entry_id = ANY (p_entries) AND f.entry_id <> ALL (p_missing)
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
    ORDER BY f.id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS resolved = ROW_COUNT;
END $$;
