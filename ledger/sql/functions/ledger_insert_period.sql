-- Insert a period. Returns 'opened', 'there' if another transaction has just opened the same one, or 'conflict',
-- followed by the guards' error if it could repeat a number.
CREATE OR REPLACE FUNCTION ledger_insert_period(
    p_tenant text, p_series bigint, p_starts_on date, p_ends_on date, p_prefix text, p_width integer, p_suffix text,
    p_first_value bigint, p_max_value bigint, p_ordinal integer DEFAULT 0
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    problem text;
BEGIN
    -- On any constraint: if two transactions open the same period, one inserts it and the other finds it.
    INSERT INTO ledger_period
        (tenant, series_id, starts_on, ends_on, ordinal, prefix, width, suffix, first_value, last_value, max_value)
    VALUES (p_tenant, p_series, p_starts_on, p_ends_on, p_ordinal, p_prefix, p_width, p_suffix, p_first_value,
            p_first_value - 1, p_max_value)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN RETURN 'opened'; END IF;
    RETURN CASE WHEN EXISTS (SELECT FROM ledger_period p
                             WHERE p.tenant = p_tenant AND p.series_id = p_series AND p.starts_on = p_starts_on
                               AND p.ends_on = p_ends_on AND p.ordinal = p_ordinal)
                THEN 'there' ELSE 'conflict' END;
EXCEPTION WHEN exclusion_violation THEN
    GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
    RETURN 'conflict: ' || problem;
END $$;
