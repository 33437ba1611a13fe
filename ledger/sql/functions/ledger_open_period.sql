-- Open the period of a series that holds a day, as the series' own row has it. Whoever comes first opens it, be it a
-- checkout or a sweep. 'opened'; 'there' where it is open already; 'unknown'; 'by_hand' where the calendar has none for
-- the day; 'too_far' where the period begins further ahead than the series allows, or than a sweep opens; 'conflict' where
-- another period holds one of its days or numbers.
CREATE OR REPLACE FUNCTION ledger_open_period(p_tenant text, p_series text, p_day date) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series bigint;
    furthest date;
    plan record;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    -- A change of the settings that is under way is waited for, and one that comes later waits: it renews what is open, and
    -- would not see this period.
    SELECT s.id, (clock_timestamp() AT TIME ZONE s.time_zone)::date + greatest(s.max_days_ahead, 400)
    INTO series, furthest
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series FOR SHARE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF EXISTS (SELECT FROM ledger_find_period(p_tenant, series, p_day)) THEN RETURN 'there'; END IF;
    IF p_day > DATE '9999-12-31' THEN RETURN 'too_far'; END IF;
    SELECT * INTO plan FROM ledger_plan_period(series, p_day);
    IF NOT FOUND THEN RETURN 'by_hand'; END IF;
    IF plan.starts_on > furthest THEN RETURN 'too_far'; END IF;
    -- It may count on where another form has ended: that counter must stand still to be read.
    PERFORM FROM ledger_period p
    WHERE p.tenant = p_tenant AND p.series_id = series AND p.ends_on = plan.starts_on - 1 AND p.cut_short FOR NO KEY UPDATE;
    IF FOUND THEN SELECT * INTO plan FROM ledger_plan_period(series, p_day); END IF;
    RETURN ledger_insert_period(p_tenant, series, plan.starts_on, plan.ends_on, plan.prefix, plan.width, plan.suffix,
                                plan.first_value, plan.max_value);
END $$;
