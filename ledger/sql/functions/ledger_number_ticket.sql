-- Number one ticket before COMMIT. Returns the answer of ledger_take_for_ticket, or nothing if the ticket is gone or belongs
-- to another transaction.
CREATE OR REPLACE FUNCTION ledger_number_ticket(p_ticket bigint) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    t record;
BEGIN
    DELETE FROM ledger_ticket d
    WHERE d.transaction_id = pg_current_xact_id()::text::bigint AND d.id = p_ticket
    RETURNING d.tenant, d.code, d.period_id, d.documents, d.entry_ids, d.issued_on, d.on_stated, d.slides, d.actor,
              d.metadata, d.replaces_id
    INTO t;
    IF NOT FOUND THEN RETURN NULL; END IF;
    RETURN ledger_take_for_ticket(t.tenant, t.code, t.period_id, t.documents, t.entry_ids, t.issued_on, t.on_stated,
                              t.slides, t.actor, t.metadata, t.replaces_id);
END $$;
