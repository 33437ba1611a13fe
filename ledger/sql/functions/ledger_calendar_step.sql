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
    anchor_month integer;
    anchor_day integer;
    months integer;
    first_of_month date;
    next_month date;
BEGIN
    IF p_anchor ~ '^(0[1-9]|1[0-2])-[0-9][0-9]$' THEN
        anchor_month := left(p_anchor, 2)::integer;
        anchor_day := right(p_anchor, 2)::integer;
    END IF;
    IF anchor_day BETWEEN 1 AND month_lengths[anchor_month] THEN
        NULL;
    ELSE
        RAISE EXCEPTION 'no fiscal year starts on %', coalesce(quote_literal(p_anchor), 'null')
            USING ERRCODE = 'check_violation',
                  HINT = 'Give a month and a day that every year has, such as 04-01 for 1 April.';
    END IF;

    -- The months from the anchor's month in year 0 to the day's month.
    months := extract(year FROM p_day)::integer * 12 + extract(month FROM p_day)::integer - anchor_month;
    -- In the first month of a step, the days before the anchor day belong to the step before. If the month is too short
    -- for the anchor day, the step starts on the last day of the month.
    first_of_month := make_date(extract(year FROM p_day)::integer, extract(month FROM p_day)::integer, 1);
    next_month := (first_of_month::timestamp + interval '1 month')::date;
    IF months % p_months = 0 AND p_day - first_of_month + 1 < least(anchor_day, next_month - first_of_month) THEN
        months := months - 1;
    END IF;
    step := months / p_months;

    -- The first and the last step may start in year 0 or end in year 10000. Neither is a date here.
    months := anchor_month - 1 + step * p_months;
    IF months < 12 THEN
        starts_on := DATE '0001-01-01';
    ELSE
        first_of_month := make_date(months / 12, months % 12 + 1, 1);
        next_month := (first_of_month::timestamp + interval '1 month')::date;
        starts_on := first_of_month + least(anchor_day, next_month - first_of_month) - 1;
    END IF;
    months := months + p_months;
    IF months >= 120000 THEN
        ends_on := DATE '9999-12-31';
    ELSE
        first_of_month := make_date(months / 12, months % 12 + 1, 1);
        next_month := (first_of_month::timestamp + interval '1 month')::date;
        ends_on := first_of_month + least(anchor_day, next_month - first_of_month) - 2;
    END IF;
END $$;
