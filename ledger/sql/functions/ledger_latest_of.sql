-- The number that a document has now: its first one, or the last one that replaced a void one.
CREATE OR REPLACE FUNCTION ledger_latest_of(p_tenant text, p_entry bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    latest bigint := p_entry;
    following bigint;
BEGIN
    LOOP
        SELECT e.id INTO following FROM ledger_entry e WHERE e.tenant = p_tenant AND e.replaces_id = latest;
        EXIT WHEN NOT FOUND;
        latest := following;
    END LOOP;
    RETURN latest;
END $$;
