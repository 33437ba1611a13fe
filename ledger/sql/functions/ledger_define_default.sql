-- Set the settings of the default series with this code; null settings remove it. They apply to every tenant, so a login
-- that is bound to some tenants may not call this.
CREATE OR REPLACE FUNCTION ledger_define_default(p_code text, p_settings jsonb) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text) THEN
        RAISE EXCEPTION 'the login % may not act for all tenants', session_user
            USING ERRCODE = 'insufficient_privilege', HINT = 'The table ledger_tenantbinding says whom it serves.';
    END IF;
    IF NOT (ledger_is_key(p_code) AND (p_settings IS NULL OR ledger_is_facts(p_settings))) THEN
        RAISE EXCEPTION 'the default series % is refused: its code is no key, or its settings are no JSON object',
            quote_literal(p_code) USING ERRCODE = 'check_violation';
    END IF;
    IF p_settings IS NULL THEN
        DELETE FROM ledger_defaultseries d WHERE d.code = p_code;
    ELSE
        INSERT INTO ledger_defaultseries (code, settings) VALUES (p_code, p_settings)
        ON CONFLICT (code) DO UPDATE SET settings = excluded.settings;
    END IF;
END $$;
