-- The state of a transaction, as evidence: 'committed', 'aborted', 'in progress', or null if PostgreSQL no longer knows.
-- It proves nothing by itself: it says 'committed' if only a savepoint was rolled back, and after a crash PostgreSQL may
-- use an id again if nothing of its transaction was durable.
CREATE OR REPLACE FUNCTION ledger_transaction_status(p_transaction bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_xact_status(p_transaction::text::xid8);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL;  -- an id that hasn't been used yet: it was lost in a crash
END $$;
