-- Say what the series of a code is like that makes itself on first use; null settings: none does any more.
CREATE OR REPLACE FUNCTION ledger_define_default(p_code text, p_settings jsonb) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF p_settings IS NULL THEN
        DELETE FROM ledger_defaultseries d WHERE d.code = p_code;
    ELSE
        INSERT INTO ledger_defaultseries (code, settings) VALUES (p_code, p_settings)
        ON CONFLICT (code) DO UPDATE SET settings = excluded.settings;
    END IF;
END $$;
