-- Set the counter of a period to p_last, as callers of other systems do by hand: the values in between become gaps that
-- say so, 10,000 at most. Returns 'skipped', or why not: 'closed', 'behind', 'exhausted', 'many', 'queued'.
CREATE OR REPLACE FUNCTION ledger_skip_values(p_tenant text, p_period bigint, p_last bigint, p_actor text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    period record;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT p.series_id, p.starts_on, p.ends_on, p.first_value, p.last_value, p.max_value, p.closed_at,
           (clock_timestamp() AT TIME ZONE s.time_zone)::date AS today, s.allocation
    INTO period
    FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
    WHERE p.id = p_period AND p.tenant = p_tenant
    FOR NO KEY UPDATE OF p;
    IF NOT FOUND OR period.closed_at IS NOT NULL THEN RETURN 'closed'; END IF;
    IF period.allocation NOT IN ('serial', 'at_commit') THEN RETURN 'queued'; END IF;
    IF p_last < period.last_value THEN RETURN 'behind'; END IF;
    IF p_last > period.max_value THEN RETURN 'exhausted'; END IF;
    IF p_last - period.last_value > 10000 THEN RETURN 'many'; END IF;
    UPDATE ledger_period p SET last_value = p_last WHERE p.id = p_period AND p.last_value < p_last;
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p_tenant, period.series_id, p_period, v.value, 'gap',
           ledger_gap_number(p_tenant, p_period, v.value, NULL), '',
           greatest(least(period.today, period.ends_on), period.starts_on), p_actor,
           jsonb_build_object('cause', 'skipped')
    FROM generate_series(period.last_value + 1, p_last) AS v (value);
    RETURN 'skipped';
END $$;
