-- The entry that a document of a series has now, or null. With p_replaces, the one that was given in place of that void
-- number, or the last of those that were given after it.
CREATE OR REPLACE FUNCTION ledger_entry_of(p_tenant text, p_series bigint, p_document text, p_replaces bigint)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    entry bigint;
BEGIN
    IF p_replaces IS NULL THEN
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = p_series AND e.document = p_document AND e.document > ''
          AND e.replaces_id IS NULL
        LIMIT 1;
    ELSE
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.replaces_id = p_replaces AND e.replaces_id IS NOT NULL LIMIT 1;
    END IF;
    IF FOUND THEN RETURN ledger_latest_of(p_tenant, entry); END IF;
    RETURN NULL;
END $$;
