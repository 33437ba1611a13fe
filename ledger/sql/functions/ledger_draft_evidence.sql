-- The evidence of an unused draft, for the entry of its value; an empty object if the value has no draft.
CREATE OR REPLACE FUNCTION ledger_draft_evidence(p_tenant text, p_period bigint, p_value bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT jsonb_build_object('draft', jsonb_build_object(
            'system', d.system, 'remote_id', d.remote_id, 'reference', d.reference, 'drafted_at', d.drafted_at))
        FROM ledger_draftmade d WHERE d.tenant = p_tenant AND d.period_id = p_period AND d.value = p_value
    ), '{}'::jsonb)
$$;
