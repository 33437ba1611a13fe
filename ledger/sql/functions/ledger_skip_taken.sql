-- Skip the next number of a series if the tenant's ledger already has it, in another series or an adopted history: its
-- value becomes a gap that says so, and the counter goes on. p_day picks the period. Returns 'skipped', with the value
-- and the number; 'free' if the next number isn't taken; or why not: 'unknown', 'no_period', 'closed', 'exhausted',
-- 'in_flight'.
CREATE OR REPLACE FUNCTION ledger_skip_taken(p_tenant text, p_series text, p_day date, p_actor text) RETURNS text[]
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series bigint;
    day date;
    period record;
    next bigint;
    next_number text;
    outcome text;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT s.id, coalesce(p_day, (clock_timestamp() AT TIME ZONE s.time_zone)::date) INTO series, day
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    IF NOT FOUND THEN RETURN ARRAY['unknown']; END IF;
    SELECT q.id INTO period FROM ledger_find_period(p_tenant, series, day) q;
    IF NOT FOUND THEN RETURN ARRAY['no_period']; END IF;
    SELECT p.id, p.prefix, p.width, p.suffix, p.last_value, p.max_value, p.closed_at INTO period
    FROM ledger_period p WHERE p.id = period.id FOR NO KEY UPDATE;
    IF period.closed_at IS NOT NULL THEN RETURN ARRAY['closed']; END IF;
    -- A waiting value comes before the counter's next value.
    SELECT min(w.value) INTO next
    FROM (SELECT s.value FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id
          UNION ALL
          SELECT r.value FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = period.id) w
    WHERE EXISTS (SELECT FROM ledger_entry e
                  WHERE e.tenant = p_tenant
                    AND upper(e.number) = upper(ledger_number(period.prefix, period.width, period.suffix, w.value, day)));
    IF next IS NULL AND period.last_value >= period.max_value THEN RETURN ARRAY['exhausted']; END IF;
    next := coalesce(next, period.last_value + 1);
    next_number := ledger_number(period.prefix, period.width, period.suffix, next, day);
    IF NOT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p_tenant AND upper(e.number) = upper(next_number)) THEN
        RETURN ARRAY['free', next::text, next_number];
    END IF;
    IF next > period.last_value THEN
        UPDATE ledger_period p SET last_value = next WHERE p.id = period.id;
    END IF;
    outcome := ledger_claim_gap(p_tenant, period.id, next, 'number taken', p_actor, true);
    RETURN ARRAY[CASE outcome WHEN 'flagged' THEN 'skipped' ELSE outcome END, next::text, next_number];
END $$;
