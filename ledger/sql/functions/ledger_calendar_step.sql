-- The step of a calendar that holds a day. A calendar year, a fiscal year, a quarter and a month are steps of 12, 12, 3
-- and 1 months from an anchor day.
--
-- Arguments: the day, the months of a step, and the anchor as month and day, such as 04-01.
-- Answer: the number of the step (for steps of 12 months, the year in which it starts), and its first and last day, cut
-- off at 0001-01-01 and 9999-12-31.
-- Raises check_violation for an anchor that isn't a day of every year.
CREATE OR REPLACE FUNCTION ledger_calendar_step(
    p_day date, p_months integer, p_anchor text, OUT step integer, OUT starts_on date, OUT ends_on date
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    -- The number of days of each month in a year without 29 February.
    month_lengths CONSTANT integer[] := ARRAY[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    month integer;
    anchor timestamp;
BEGIN
    IF p_anchor ~ '^(0[1-9]|1[0-2])-[0-9][0-9]$' THEN
        month := left(p_anchor, 2)::integer;
    END IF;
    IF month IS NULL OR right(p_anchor, 2)::integer NOT BETWEEN 1 AND month_lengths[month] THEN
        RAISE EXCEPTION 'no fiscal year starts on %', coalesce(quote_literal(p_anchor), 'null')
            USING ERRCODE = 'check_violation',
                  HINT = 'Give a month and a day that every year has, such as 04-01 for 1 April.';
    END IF;
    -- The anchor day in year 0. Months are added to this one, so a month that is too short for it changes no later step.
    anchor := make_date(-1, month, right(p_anchor, 2)::integer)::timestamp;
    step := (extract(year FROM p_day)::integer * 12 + extract(month FROM p_day)::integer - month) / p_months;
    IF (anchor + interval '1 month' * (step * p_months)::float8)::date > p_day THEN
        step := step - 1;
    END IF;
    starts_on := greatest((anchor + interval '1 month' * (step * p_months)::float8)::date, DATE '0001-01-01');
    ends_on := least((anchor + interval '1 month' * ((step + 1) * p_months)::float8)::date - 1, DATE '9999-12-31');
END $$;
