-- One number of a `serial` series, in one round trip. The answer is that of ledger_take_serial. A function, so that its
-- plans are kept by the server without prepared statements of the protocol, which PgBouncer may not carry.
--
-- The body is ledger_take_serial's own, which installing puts in here: a call of it would cost each number as much as an
-- index. Nobody may pass the id that at_commit promised, so it is no argument.
CREATE OR REPLACE FUNCTION ledger_issue_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    p_promised CONSTANT bigint := NULL;
BEGIN
@ledger_take_serial@;
END $$;
