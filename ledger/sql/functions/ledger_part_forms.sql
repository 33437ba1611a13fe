-- A series has another form from a day on, and ledger_end_form has ended the old one. A period with an ended form may
-- still number documents of its own days, beside the next period. So this limits the number of digits of its values, and
-- the two never give the same number. If the day has come, this opens the next period, so that no running checkout
-- misses it. Raises check_violation if no limit keeps the two apart, or if no number of the new form keeps the length
-- limit.
CREATE OR REPLACE FUNCTION ledger_part_forms(p_series bigint, p_from date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    series record;
    ended record;
    plan record;
    bound bigint;
BEGIN
    SELECT s.tenant, s.code, (clock_timestamp() AT TIME ZONE s.time_zone)::date AS today,
           (ledger_period_span(s.calendar, s.fiscal_start, p_from)).starts_on
    INTO series FROM ledger_series s WHERE s.id = p_series;
    -- The new calendar's period began before that day, so its counter continues from the end of the old one.
    IF series.starts_on < p_from THEN
        UPDATE ledger_period p SET cut_short = true
        WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.ends_on = p_from - 1 AND p.closed_at IS NULL
          AND NOT p.cut_short;
    END IF;
    SELECT p.* INTO ended FROM ledger_period p
    WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.ends_on = p_from - 1 AND p.cut_short;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT * INTO plan FROM ledger_plan_period(p_series, p_from);
    IF NOT FOUND THEN RETURN; END IF;
    IF plan.first_value > plan.max_value THEN
        RAISE EXCEPTION 'the new form of the series % has no number for the value %',
            quote_literal(series.code), plan.first_value USING ERRCODE = 'check_violation';
    END IF;
    bound := ended.max_value;
    FOR digits IN REVERSE 18..0 LOOP
        EXIT WHEN NOT ledger_formats_collide(plan.prefix, plan.width, plan.suffix, plan.first_value, plan.max_value,
                                          ended.prefix, ended.width, ended.suffix, ended.first_value, bound);
        bound := least(('0' || repeat('9', digits))::bigint, ended.max_value);
        IF bound <= ended.last_value THEN
            RAISE EXCEPTION 'the new form of the series % would repeat numbers of the one before', quote_literal(series.code)
                USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ledger_period_numbers', TABLE = 'ledger_period';
        END IF;
    END LOOP;
    UPDATE ledger_period p SET max_value = bound WHERE p.id = ended.id AND p.max_value <> bound;
    IF p_from <= series.today THEN
        PERFORM ledger_insert_period(series.tenant, p_series, plan.starts_on, plan.ends_on, plan.prefix, plan.width,
                                     plan.suffix, plan.first_value, plan.max_value);
    END IF;
END $$;
