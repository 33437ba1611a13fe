-- Record the references under which an authority knows these numbers: their entries by id, the references, and the
-- SHA-256 of what was sent, or ''. All or none; returns how many of them are new. The same reference again changes
-- nothing. Raises check_violation if a number has another reference of this authority, and unique_violation if another
-- number has that reference.
CREATE OR REPLACE FUNCTION ledger_add_references(
    p_tenant text, p_entries bigint[], p_authority text, p_references text[], p_digests text[], p_actor text
) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    added bigint;
    other record;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    INSERT INTO ledger_numberregistered (tenant, entry_id, authority, reference, digest, actor)
    SELECT p_tenant, w.entry, p_authority, w.reference, w.digest, p_actor
    FROM unnest(p_entries, p_references, p_digests) AS w (entry, reference, digest)
    ON CONFLICT (tenant, entry_id, authority) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    SELECT e.number, r.reference INTO other
    FROM unnest(p_entries, p_references, p_digests) AS w (entry, reference, digest)
    JOIN ledger_numberregistered r ON r.tenant = p_tenant AND r.entry_id = w.entry AND r.authority = p_authority
    JOIN ledger_entry e ON e.id = r.entry_id
    WHERE r.reference <> w.reference OR r.digest <> w.digest
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the number % is registered already, under % or with another digest',
            quote_literal(other.number), quote_literal(other.reference) USING ERRCODE = 'check_violation';
    END IF;
    RETURN added;
END $$;
