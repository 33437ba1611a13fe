-- Whether a document of an accounting system belongs to an entry: the document that we pushed, if we did; otherwise one
-- whose reference isn't that of another document.
CREATE OR REPLACE FUNCTION ledger_is_ours(p_pushed text, p_document text, p_remote_id text, p_reference text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_pushed > '' THEN p_remote_id = p_pushed
                ELSE p_reference = '' OR p_document = '' OR p_reference = p_document END
$$;
