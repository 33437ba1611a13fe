-- A draft is gone or was used in the accounting system: in one transaction, delete its slot and insert a gap with that
-- system's answer. Returns 'withdrawn'; 'in_flight' if a checkout holds the slot (this doesn't wait for it); 'settled'
-- if the slot is no longer free.
CREATE OR REPLACE FUNCTION ledger_withdraw_slot(p_tenant text, p_period bigint, p_value bigint, p_said jsonb, p_actor text)
RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period record;
    day date;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    IF ledger_drafted(p_tenant, p_period, p_value) IS NULL THEN
        RAISE EXCEPTION 'the value % of period % has no draft to withdraw', p_value, p_period
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM FROM ledger_slot s
    WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM ledger_slot s
                                 WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value)
                    THEN 'in_flight' ELSE 'settled' END;
    END IF;
    SELECT p.series_id, p.starts_on, p.ends_on INTO period
    FROM ledger_period p WHERE p.id = p_period;
    SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, period.ends_on), period.starts_on)
    INTO day FROM ledger_series s WHERE s.id = period.series_id;
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, period.series_id, p_period, p_value, 'gap',
            ledger_gap_number(p_tenant, p_period, p_value, NULL::date), '', day, p_actor,
            jsonb_build_object('cause', 'withdrawn', 'said', p_said)
                || ledger_draft_evidence(p_tenant, p_period, p_value));
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value;
    RETURN 'withdrawn';
END $$;
