-- A contiguous block of a `serial` series: see ledger_take_serial_many.
CREATE OR REPLACE FUNCTION ledger_issue_serial_many(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean
) RETURNS TABLE (
    outcome text, business_date date, place bigint, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_us bigint, entry_transaction bigint, early_release boolean
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM ledger_take_serial_many(
        p_tenant, p_series, p_on, p_at, p_documents, p_actor, p_metadata, p_on_stated, NULL::bigint[]);
END $$;
