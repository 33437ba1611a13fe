-- Turn reservations into entries, in the checkout's transaction. Returns a row for each entry, in no particular order.
-- A reservation that a sweep has turned into a gap in the meantime gives no row, nor does one of another document. A
-- reservation without a document is this transaction's own, or one that a rolled-back transaction left behind: a retry
-- under REPEATABLE READ uses it.
CREATE OR REPLACE FUNCTION ledger_issue_reserved(
    p_tenant text, p_series bigint, p_period bigint, p_on date, p_reservations bigint[], p_documents text[],
    p_actor text, p_metadata jsonb, p_replaces bigint DEFAULT NULL
) RETURNS TABLE (
    entry_id bigint, entry_value bigint, entry_number text, entry_date date, entry_issued_us bigint,
    entry_transaction bigint
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    period record;
    guarded boolean;
    writer bigint := pg_current_xact_id()::text::bigint;
    written record;
BEGIN
    SELECT p.prefix, p.width, p.suffix,
           p.moves OR EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text) AS restricted
    INTO period
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant AND p.series_id = p_series;
    IF period.restricted IS DISTINCT FROM false THEN
        PERFORM ledger_refuse_foreign(p_tenant);
        IF period.restricted IS NULL THEN RETURN; END IF;
    END IF;
    -- With the chronology guard on, a retry keeps the date of its reservation along with its value, because later values
    -- may have later dates by now.
    SELECT s.chronological OR p_on > (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead INTO guarded
    FROM ledger_series s WHERE s.id = p_series;
    FOR written IN
        WITH taken AS (
            DELETE FROM ledger_reservation r
            USING unnest(p_reservations, p_documents) AS d (id, document)
            WHERE r.id = d.id AND r.tenant = p_tenant AND r.period_id = p_period
              AND (r.document = d.document) IS TRUE  -- no condition for an index: it would lead to all of a period
              AND (r.document > '' OR r.checkout_transaction_id = writer
                   OR ledger_transaction_status(r.checkout_transaction_id) = 'aborted')
            RETURNING r.document, r.value, r.issued_on
        )
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
        SELECT p_tenant, p_series, p_period, t.value, 'issued',
               ledger_number(period.prefix, period.width, period.suffix, t.value,
                             CASE WHEN guarded THEN t.issued_on ELSE p_on END),
               t.document, CASE WHEN guarded THEN t.issued_on ELSE p_on END, p_actor, p_metadata, p_replaces
        FROM taken t
        RETURNING e.id, e.value, e.number, e.issued_on, e.issued_at, e.transaction_id
    LOOP
        entry_id := written.id;
        entry_value := written.value;
        entry_number := written.number;
        entry_date := written.issued_on;
        entry_issued_us := (date_part('epoch', written.issued_at) * 1e6::float8)::bigint;
        entry_transaction := written.transaction_id;
        RETURN NEXT;
    END LOOP;
END $$;
