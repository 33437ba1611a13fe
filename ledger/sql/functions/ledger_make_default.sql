-- Make the series of a code for a tenant as the default of that code says, or, for a code without a default of its own, as
-- p_like says, whose template names the series. 'made', 'there', or 'unknown' where there is no such default.
CREATE OR REPLACE FUNCTION ledger_make_default(
    p_tenant text, p_code text, p_like text DEFAULT NULL, p_first bigint DEFAULT NULL
) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    chosen jsonb;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    IF EXISTS (SELECT FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code) THEN RETURN 'there'; END IF;
    SELECT d.settings INTO chosen FROM ledger_defaultseries d WHERE d.code = coalesce(p_like, p_code);
    IF NOT FOUND OR (p_like IS NOT NULL AND strpos(chosen ->> 'template', '{series}') = 0) THEN RETURN 'unknown'; END IF;
    IF p_first IS NOT NULL THEN chosen := chosen || jsonb_build_object('start_value', p_first); END IF;
    PERFORM ledger_save_series(p_tenant, p_code, chosen, '');
    RETURN 'made';
END $$;
