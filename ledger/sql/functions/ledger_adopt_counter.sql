-- Let a series go on after the last value that another system's counter gave out (p_last), in a period that is empty or
-- has a history below that value. The values in between become a range of an adopted history. Without a period this
-- writes only the event, which records the old counter. Returns the id of the event.
CREATE OR REPLACE FUNCTION ledger_adopt_counter(
    p_tenant text, p_series bigint, p_period bigint, p_last bigint, p_source text, p_digest text, p_options jsonb,
    p_explanation text, p_actor text
) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    period record;
    adoption bigint;
    gap bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    PERFORM ledger_act_as(p_actor);
    IF (SELECT s.tenant FROM ledger_series s WHERE s.id = p_series) IS DISTINCT FROM p_tenant THEN
        RAISE EXCEPTION 'series % does not belong to tenant %', p_series, quote_literal(p_tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger_adoption (tenant, series_id, source, digest, rows, options, actor)
    VALUES (p_tenant, p_series, p_source, p_digest, 0, p_options, p_actor)
    RETURNING id INTO adoption;
    IF p_period IS NULL THEN RETURN adoption; END IF;

    SELECT p.id, p.first_value, p.last_value INTO period
    FROM ledger_period p
    WHERE p.id = p_period AND p.tenant = p_tenant AND p.series_id = p_series AND p.closed_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND OR (p_last < period.last_value AND period.last_value >= period.first_value)
        OR EXISTS (SELECT FROM ledger_entry e
                   WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.kind <> 'adopted') THEN
        RAISE EXCEPTION 'the counter of period % can''t go on after %: it is closed, or has numbers of its own',
            p_period, p_last USING ERRCODE = 'check_violation';
    END IF;
    IF period.last_value < period.first_value THEN
        UPDATE ledger_period p SET first_value = p_last + 1, last_value = p_last WHERE p.id = p_period;
    ELSIF p_last > period.last_value THEN
        UPDATE ledger_period p SET last_value = p_last WHERE p.id = p_period;
        INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)
        VALUES (p_tenant, adoption, p_period, period.last_value + 1, p_last)
        RETURNING id INTO gap;
        IF p_explanation IS NOT NULL THEN
            INSERT INTO ledger_gapexplained (tenant, adopted_gap_id, explanation, actor)
            VALUES (p_tenant, gap, p_explanation, p_actor);
        END IF;
    END IF;
    RETURN adoption;
END $$;
