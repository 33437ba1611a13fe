-- The entry that a document of a series has now, or no row: its first entry, or the last one that replaced a void
-- number. With p_replaces, the entry that replaced that void number, or the last one after it.
--
-- A set-returning function without SECURITY DEFINER or SET, so that PostgreSQL inlines it into the query: one index look-up.
CREATE OR REPLACE FUNCTION ledger_entry_of(p_tenant text, p_series bigint, p_document text, p_replaces bigint)
RETURNS TABLE (id bigint) LANGUAGE sql STABLE AS $$
    SELECT ledger_latest_of(p_tenant, e.id)
    FROM ledger_entry e
    WHERE e.tenant = p_tenant AND e.series_id = p_series AND e.document = p_document AND e.document > ''
      AND e.replaces_id IS NOT DISTINCT FROM p_replaces
    LIMIT 1
$$;
