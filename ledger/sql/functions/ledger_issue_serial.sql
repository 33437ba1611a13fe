-- One number of a `serial` series, in one round trip. Returns the answer of ledger_take_serial. It is a function, so
-- that the server keeps its plans without prepared statements of the protocol, which PgBouncer may not support.
--
-- Installing copies the body of ledger_take_serial to this place: calling it would cost each number as much as an index.
-- Callers may not pass the id that at_commit promised, so it is no argument.
CREATE OR REPLACE FUNCTION ledger_issue_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    p_promised bigint;
BEGIN
@ledger_take_serial@;
END $$;
