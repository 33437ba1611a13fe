-- The settings of a series have changed, so update its open periods. A period without numbers, as the old settings made
-- it, gets the new form. A period with numbers keeps its form, and so does one to which people gave other dates than the
-- calendar has. The highest value of every period follows the length limit and the rules, and never falls below what was
-- given out. A first value that people set stays.
--
-- A granted range never changes, whatever the settings are.
--
-- Arguments: the series; its old template, calendar, fiscal start and start value; and the first day of the new form, or
-- null for as soon as possible. This waits for a checkout that takes the first number of a period. Raises
-- restrict_violation if the new calendar has no place for a period that was changed before: its events refer to it, so
-- it can't be deleted.
CREATE OR REPLACE FUNCTION ledger_renew_periods(
    p_series bigint, p_template text, p_calendar text, p_fiscal_start text, p_start_value bigint, p_from date
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    series record;
    period record;
    shape record;
    span record;
    is_planned boolean;
    highest bigint;
    renewed bigint[] := '{}';
    planned bigint[] := '{}';
    covered date;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.id = p_series;
    FOR period IN
        SELECT p.* FROM ledger_period p
        WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.closed_at IS NULL
          AND p.ordinal = 0 AND p.last_value < p.first_value AND NOT p.has_drafts
          AND (p_from IS NULL OR p.starts_on >= p_from)
        ORDER BY p.starts_on FOR NO KEY UPDATE
    LOOP
        BEGIN
            SELECT * INTO shape
            FROM ledger_render_template(p_template, p_fiscal_start, series.code, series.tenant, period.starts_on);
            CONTINUE WHEN (shape.prefix, shape.width, shape.suffix)
                          IS DISTINCT FROM (period.prefix, period.width, period.suffix);
            SELECT * INTO span FROM ledger_period_span(p_calendar, p_fiscal_start, period.starts_on);
            is_planned := (span.starts_on, span.ends_on) IS NOT DISTINCT FROM (period.starts_on, period.ends_on);
            -- Dates that differ from the calendar's came from people, if the calendar has dates and no ended form left them.
            CONTINUE WHEN NOT is_planned AND span.starts_on IS NOT NULL
                AND NOT EXISTS (SELECT FROM ledger_period p
                                WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.cut_short
                                  AND p.ends_on = period.starts_on - 1);
        EXCEPTION WHEN check_violation THEN
            is_planned := false; -- the old settings can't be read
        END;
        SELECT * INTO span FROM ledger_period_span(series.calendar, series.fiscal_start, period.starts_on);
        IF NOT is_planned THEN
            renewed := array_append(renewed, period.id);
        ELSIF span.starts_on IS NOT NULL AND (covered IS NULL OR period.starts_on > covered)
            AND (p_from IS NULL OR span.starts_on >= p_from) THEN
            renewed := array_append(renewed, period.id);
            planned := array_append(planned, period.id);
            covered := span.ends_on;
        ELSIF EXISTS (SELECT FROM ledger_periodchanged c WHERE c.tenant = series.tenant AND c.period_id = period.id) THEN
            RAISE EXCEPTION 'the empty period from % to % stands in the way of the calendar %',
                period.starts_on, period.ends_on, series.calendar
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_period_history', TABLE = 'ledger_period';
        ELSE
            DELETE FROM ledger_period p WHERE p.id = period.id;
        END IF;
    END LOOP;

    FOR period IN SELECT p.* FROM ledger_period p WHERE p.id = ANY (renewed) ORDER BY p.starts_on LOOP
        IF period.id = ANY (planned) THEN
            SELECT * INTO span FROM ledger_period_span(series.calendar, series.fiscal_start, period.starts_on);
            period.starts_on := span.starts_on;
            period.ends_on := span.ends_on;
            IF period.first_value = p_start_value THEN period.first_value := series.start_value; END IF;
        END IF;
        SELECT * INTO shape
        FROM ledger_render_template(series.template, series.fiscal_start, series.code, series.tenant, period.starts_on);
        highest := ledger_highest_of(p_series, shape.prefix, shape.width, shape.suffix);
        UPDATE ledger_period p
        SET starts_on = period.starts_on, ends_on = period.ends_on, prefix = shape.prefix, width = shape.width,
            suffix = shape.suffix, first_value = period.first_value, last_value = period.first_value - 1,
            max_value = highest
        WHERE p.id = period.id;
    END LOOP;

    FOR period IN
        SELECT p.* FROM ledger_period p
        WHERE p.tenant = series.tenant AND p.series_id = p_series AND p.closed_at IS NULL
          AND p.ordinal = 0 AND p.id <> ALL (renewed)
          AND ledger_highest_of(p_series, p.prefix, p.width, p.suffix) <> p.max_value
        ORDER BY p.id FOR NO KEY UPDATE
    LOOP
        highest := ledger_highest_of(p_series, period.prefix, period.width, period.suffix);
        -- The limit that keeps an ended form apart from the next one stays.
        IF period.cut_short THEN highest := least(highest, period.max_value); END IF;
        UPDATE ledger_period p SET max_value = greatest(highest, p.last_value) WHERE p.id = period.id;
    END LOOP;
END $$;
