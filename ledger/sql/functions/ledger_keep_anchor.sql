-- Record the anchor of a seal of the database: what the party outside returned.
CREATE OR REPLACE FUNCTION ledger_keep_anchor(p_seal bigint, p_kind text, p_token text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    INSERT INTO ledger_sealanchored (tenant, seal_id, kind, token) VALUES (NULL, p_seal, p_kind, p_token);
END $$;
