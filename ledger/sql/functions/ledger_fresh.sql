-- Which of a block's documents need a number: what ledger_fresh_of says, for callers.
CREATE OR REPLACE FUNCTION ledger_fresh(
    p_tenant text, p_series bigint, p_period bigint, p_documents text[], p_on_stated boolean, p_metadata jsonb,
    OUT fresh text[], OUT other bigint
) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    SELECT coalesce(f.fresh, '{}'), f.other INTO fresh, other
    FROM ledger_fresh_of(p_tenant, p_series, p_period, p_documents, p_on_stated, p_metadata) f;
END $$;
