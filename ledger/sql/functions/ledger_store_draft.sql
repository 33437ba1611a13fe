-- Store a draft that was made in the accounting system: the next value of the period's counter gets its number, and
-- waits as a slot. This extends the worker's claim of the pool; a worker whose claim expired and went to another one
-- stores nothing. Returns 'stored'; 'there' if the draft was stored before; 'refused' if its number can't be used
-- (p_refusal, or a reason found here): it is then stored as a draft without a value, so that people can see it; 'over'
-- if this is true of all drafts of the period; 'claim_lost'; 'unknown'.
CREATE OR REPLACE FUNCTION ledger_store_draft(
    p_tenant text, p_series bigint, p_period bigint, p_claim text, p_lasts interval, p_ordinal bigint,
    p_remote_id text, p_number text, p_reference text, p_refusal text
) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    its_system text;
    series record;
    period record;
    until timestamptz := clock_timestamp() + p_lasts;
    over text;
    refusal text;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    UPDATE ledger_remotepool r SET claimed_until = until
    WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.claimed_by = p_claim
    RETURNING r.system INTO its_system;
    IF NOT FOUND THEN RETURN 'claim_lost'; END IF;
    -- A transaction that closes the period or changes the series holds this row; after the wait its changes are visible.
    SELECT p.first_value, p.last_value, p.max_value, p.closed_at INTO period
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant AND p.series_id = p_series FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    PERFORM FROM ledger_draftmade d
    WHERE d.tenant = p_tenant AND d.system = its_system AND d.remote_id = p_remote_id;
    IF FOUND THEN RETURN 'there'; END IF;

    SELECT s.allocation, s.system INTO series FROM ledger_series s WHERE s.id = p_series;
    over := CASE
        WHEN period.closed_at IS NOT NULL THEN 'the period was closed'
        WHEN (series.allocation, series.system) IS DISTINCT FROM ('remote', its_system)
            THEN 'the series takes its numbers otherwise now'
        WHEN period.last_value >= period.max_value THEN 'the period is exhausted' END;
    refusal := CASE
        WHEN p_refusal > '' THEN p_refusal
        WHEN over IS NOT NULL THEN over
        WHEN EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p_tenant AND upper(e.number) = upper(p_number))
            OR EXISTS (SELECT FROM ledger_draftmade d
                       WHERE d.tenant = p_tenant AND upper(d.number) = upper(p_number) AND d.value IS NOT NULL)
            THEN 'the number stands in the ledger already'
        WHEN NOT ledger_is_key(p_number) THEN 'the number can''t be read'
        WHEN ledger_is_awaited(p_tenant, p_number, NULL::bigint, NULL::bigint, p_series)
            THEN 'another series may give out the number' END;
    IF refusal IS NOT NULL THEN
        INSERT INTO ledger_draftmade (tenant, period_id, ordinal, number, system, remote_id, reference, refusal)
        VALUES (p_tenant, p_period, p_ordinal, p_number, its_system, p_remote_id, p_reference, refusal);
        RETURN CASE WHEN over IS NULL THEN 'refused' ELSE 'over' END;
    END IF;

    UPDATE ledger_period p SET last_value = period.last_value + 1, has_drafts = true WHERE p.id = p_period;
    INSERT INTO ledger_draftmade (tenant, period_id, ordinal, value, number, system, remote_id, reference, refusal)
    VALUES (p_tenant, p_period, p_ordinal, period.last_value + 1, p_number, its_system, p_remote_id, p_reference, '');
    INSERT INTO ledger_slot (tenant, period_id, value) VALUES (p_tenant, p_period, period.last_value + 1);
    -- For sweeps that look for free slots. No checkout of a remote series reads it.
    INSERT INTO ledger_pool (tenant, period_id, free_from, stragglers, batch_from, batch)
    VALUES (p_tenant, p_period, period.first_value, '{}', period.first_value, 1)
    ON CONFLICT (tenant, period_id) DO NOTHING;
    RETURN 'stored';
END $$;
