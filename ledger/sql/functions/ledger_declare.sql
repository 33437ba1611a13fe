-- Record that missing numbers were declared to an authority, all of these ranges or none. Returns the ids of the events.
CREATE OR REPLACE FUNCTION ledger_declare(
    p_tenant text, p_periods bigint[], p_firsts bigint[], p_lasts bigint[], p_authority text, p_reference text,
    p_justification text, p_actor text
) RETURNS SETOF bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    RETURN QUERY
    INSERT INTO ledger_gapdeclared
        (tenant, period_id, first_value, last_value, authority, reference, justification, actor)
    SELECT p_tenant, d.period, d.first, d.last, p_authority, p_reference, p_justification, p_actor
    FROM unnest(p_periods, p_firsts, p_lasts) AS d (period, first, last)
    RETURNING id;
END $$;
