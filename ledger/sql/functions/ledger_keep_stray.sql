-- Store a draft of a worker that was killed before it could store it: its period no longer needs it, so it gets no value.
CREATE OR REPLACE FUNCTION ledger_keep_stray(
    p_tenant text, p_period bigint, p_ordinal bigint, p_system text, p_remote_id text, p_number text, p_reference text
) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    INSERT INTO ledger_draftmade (tenant, period_id, ordinal, number, system, remote_id, reference, refusal)
    VALUES (p_tenant, p_period, p_ordinal, p_number, p_system, p_remote_id, p_reference,
            'its worker was killed before it could store it')
    ON CONFLICT DO NOTHING;
END $$;
