-- What became of a transaction, as evidence: 'committed', 'aborted', 'in progress', or null where PostgreSQL has forgotten.
-- It proves nothing by itself: it says 'committed' where only a savepoint was rolled back, and after a crash an id that left
-- nothing durable is given out again.
CREATE OR REPLACE FUNCTION ledger_transaction_status(p_transaction bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_xact_status(p_transaction::text::xid8);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL;  -- an id that was not given out yet: it was lost in a crash
END $$;
