-- The first and the last day of the calendar's period that contains a day. The same as Calendar.span in Python.
--
-- Arguments: the calendar (never, year, fiscal-year, quarter, month, day, explicit), the first day of the fiscal year as
-- month and day such as 04-01, and the day. Only fiscal years and quarters use the fiscal start.
-- Answer: both days, cut off at 0001-01-01 and 9999-12-31; nulls for explicit, whose periods people define.
-- Raises check_violation for an unknown calendar, a fiscal start that not every year has, and a day outside the years 1
-- to 9999.
CREATE OR REPLACE FUNCTION ledger_period_span(
    p_calendar text, p_fiscal_start text, p_day date, OUT starts_on date, OUT ends_on date
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF p_day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN
        NULL;
    ELSE
        RAISE EXCEPTION 'no period holds the day %', coalesce(p_day::text, 'null')
            USING ERRCODE = 'check_violation', HINT = 'Give a day of the years 1 to 9999, such as 2026-04-01.';
    END IF;
    CASE p_calendar
        WHEN 'never' THEN
            starts_on := DATE '0001-01-01';
            ends_on := DATE '9999-12-31';
        WHEN 'day' THEN
            starts_on := p_day;
            ends_on := p_day;
        WHEN 'month' THEN
            SELECT s.starts_on, s.ends_on INTO starts_on, ends_on FROM ledger_calendar_step(p_day, 1, '01-01') s;
        WHEN 'year' THEN
            SELECT s.starts_on, s.ends_on INTO starts_on, ends_on FROM ledger_calendar_step(p_day, 12, '01-01') s;
        WHEN 'quarter' THEN
            SELECT s.starts_on, s.ends_on INTO starts_on, ends_on FROM ledger_calendar_step(p_day, 3, p_fiscal_start) s;
        WHEN 'fiscal-year' THEN
            SELECT s.starts_on, s.ends_on INTO starts_on, ends_on FROM ledger_calendar_step(p_day, 12, p_fiscal_start) s;
        WHEN 'explicit' THEN
            NULL;
        ELSE
            RAISE EXCEPTION 'there is no calendar %', coalesce(quote_literal(p_calendar), 'null')
                USING ERRCODE = 'check_violation',
                      HINT = 'The calendars are never, year, fiscal-year, quarter, month, day and explicit.';
    END CASE;
END $$;
