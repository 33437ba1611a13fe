-- Which of a block's documents need a number: ledger_fresh_of for callers. First it numbers this transaction's tickets
-- that replace a void number of one of the documents, because the block will read the documents' numbers.
CREATE OR REPLACE FUNCTION ledger_fresh(
    p_tenant text, p_series bigint, p_period bigint, p_documents text[], p_on_stated boolean, p_metadata jsonb,
    OUT fresh text[], OUT other bigint
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM ledger_number_ticket(t.id)
    FROM ledger_ticket t
    WHERE t.transaction_id = pg_current_xact_id_if_assigned()::text::bigint AND t.tenant = p_tenant
      AND t.series_id = p_series AND t.replaces_id IS NOT NULL AND t.documents OPERATOR(pg_catalog.&&) p_documents;
    SELECT coalesce(f.fresh, '{}'), f.other INTO fresh, other
    FROM ledger_fresh_of(p_tenant, p_series, p_period, p_documents, p_on_stated, p_metadata) f;
END $$;
