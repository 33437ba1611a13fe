-- Make a tenant's series from the default with its code; or, with p_like, from that default, whose template names the
-- series, and which is for one tenant: such a series may begin at p_first. Returns 'made', 'there', or 'unknown' if
-- there is no such default.
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
    IF NOT FOUND OR chosen ->> 'tenant'::text <> p_tenant
        OR (p_like IS NOT NULL AND NOT (strpos(chosen ->> 'template'::text, '{series}') > 0 AND chosen ? 'tenant'::text)) THEN
        RETURN 'unknown';
    END IF;
    chosen := chosen - 'tenant'::text;
    IF p_like IS NOT NULL AND p_first IS NOT NULL THEN
        chosen := chosen || jsonb_build_object('start_value', p_first);
    END IF;
    PERFORM ledger_save_series(p_tenant, p_code, chosen, '');
    RETURN 'made';
END $$;
