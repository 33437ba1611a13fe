-- One number of a `serial` series, in one round trip. The answer is that of ledger_take_serial. A function, so that its
-- plans are kept by the server without prepared statements of the protocol, which PgBouncer may not carry.
CREATE OR REPLACE FUNCTION ledger_issue_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    RETURN ledger_take_serial(p_tenant, p_series, p_on, p_at, p_document, p_actor, p_metadata, p_replaces, NULL::bigint);
END $$;
