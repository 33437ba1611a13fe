-- Make or change a series: see ledger_save_series.
CREATE OR REPLACE FUNCTION ledger_define_series(
    p_tenant text, p_code text, p_settings jsonb, p_actor text, p_from date DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    RETURN ledger_save_series(p_tenant, p_code, p_settings, p_actor, p_from);
END $$;
