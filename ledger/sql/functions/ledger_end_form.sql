-- A series gets another form from a day on; until then the old settings apply. They have not changed yet. This opens the
-- periods from today up to that day, and ends the period of that day on the day before. The rest of the same step of the
-- calendar continues the counter (ledger_plan_period). Raises restrict_violation if that period has numbers of that day
-- or later.
CREATE OR REPLACE FUNCTION ledger_end_form(p_series bigint, p_from date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    series record;
    period record;
    plan record;
    day date;
BEGIN
    SELECT s.tenant, s.code, s.calendar, (clock_timestamp() AT TIME ZONE s.time_zone)::date AS today,
           s.max_days_ahead
    INTO series FROM ledger_series s WHERE s.id = p_series;
    IF p_from > series.today + greatest(series.max_days_ahead, 400) THEN
        RAISE EXCEPTION '% lies too far ahead for another form of the series %', p_from, quote_literal(series.code)
            USING ERRCODE = 'check_violation';
    END IF;
    day := least(series.today, p_from - 1);
    WHILE day < p_from LOOP
        SELECT q.ends_on INTO period FROM ledger_find_period(series.tenant, p_series, day) q;
        IF NOT FOUND THEN
            SELECT * INTO plan FROM ledger_plan_period(p_series, day);
            EXIT WHEN NOT FOUND;
            -- The value from which that period will continue is not known yet.
            IF EXISTS (SELECT FROM ledger_period p
                       WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.cut_short
                         AND p.ends_on = plan.starts_on - 1) THEN
                RAISE EXCEPTION 'the series % has another form from % on already', quote_literal(series.code), plan.starts_on
                    USING ERRCODE = 'check_violation';
            END IF;
            PERFORM ledger_insert_period(series.tenant, p_series, plan.starts_on, plan.ends_on, plan.prefix, plan.width,
                                         plan.suffix, plan.first_value, plan.max_value);
            SELECT q.ends_on INTO period FROM ledger_find_period(series.tenant, p_series, day) q;
            EXIT WHEN NOT FOUND;
        END IF;
        EXIT WHEN period.ends_on >= p_from;
        day := period.ends_on + 1;
    END LOOP;

    SELECT p.id, p.starts_on INTO period FROM ledger_find_period(series.tenant, p_series, p_from) q
    JOIN ledger_period p ON p.id = q.id WHERE p.closed_at IS NULL AND p.starts_on < p_from;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM FROM ledger_period p WHERE p.id = period.id FOR NO KEY UPDATE;
    UPDATE ledger_period p SET ends_on = p_from - 1, cut_short = true WHERE p.id = period.id;
END $$;
