-- Open the period of a series that contains a day, with the settings in the series' row. The first to come opens it, a
-- checkout or a sweep. Returns 'opened'; 'there' if it is already open; 'unknown'; 'by_hand' if the calendar has no
-- period for the day; 'too_far' if the period begins later than the series allows, or than a sweep opens; 'conflict' if
-- another period has one of its days or numbers.
CREATE OR REPLACE FUNCTION ledger_open_period(p_tenant text, p_series text, p_day date) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series bigint;
    furthest date;
    plan record;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    -- Wait for a running change of the settings, and make a later one wait: it renews the open periods, and would not
    -- see this one.
    SELECT s.id, (clock_timestamp() AT TIME ZONE s.time_zone)::date + greatest(s.max_days_ahead, 400)
    INTO series, furthest
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series FOR SHARE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF EXISTS (SELECT FROM ledger_find_period(p_tenant, series, p_day)) THEN RETURN 'there'; END IF;
    IF p_day > DATE '9999-12-31' THEN RETURN 'too_far'; END IF;
    SELECT * INTO plan FROM ledger_plan_period(series, p_day);
    IF NOT FOUND THEN RETURN 'by_hand'; END IF;
    IF plan.starts_on > furthest THEN RETURN 'too_far'; END IF;
    -- The period may continue the counter of an ended form, so lock that counter before reading it.
    PERFORM FROM ledger_period p
    WHERE p.tenant = p_tenant AND p.series_id = series AND p.ends_on = plan.starts_on - 1 AND p.cut_short FOR NO KEY UPDATE;
    IF FOUND THEN SELECT * INTO plan FROM ledger_plan_period(series, p_day); END IF;
    RETURN ledger_insert_period(p_tenant, series, plan.starts_on, plan.ends_on, plan.prefix, plan.width, plan.suffix,
                                plan.first_value, plan.max_value);
END $$;
