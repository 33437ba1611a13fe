-- Whether a document of an accounting system is the one of an entry: the one that we pushed, where we did; else one whose
-- reference isn't another document's.
CREATE OR REPLACE FUNCTION ledger_is_ours(p_pushed text, p_document text, p_remote_id text, p_reference text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_pushed > '' THEN p_remote_id = p_pushed
                ELSE p_reference = '' OR p_document = '' OR p_reference = p_document END
$$;
