-- The forms that the settings of a series give to its next two periods without numbers, with their first and highest
-- values: from today on, by the clock in the time zone. With p_far, the forms of all periods in the next thirty years,
-- or three years for a calendar of days. For an explicit calendar, the form that a period of today would have.
CREATE OR REPLACE FUNCTION ledger_forms_ahead(
    p_tenant text, p_code text, p_template text, p_calendar text, p_fiscal_start text, p_time_zone text,
    p_start_value bigint, p_length integer, p_highest bigint, p_far boolean
) RETURNS TABLE (prefix text, width integer, suffix text, first_value bigint, max_value bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine bigint := (SELECT s.id FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code);
    day date := (clock_timestamp() AT TIME ZONE p_time_zone)::date;
    furthest date := day + CASE WHEN p_calendar = 'day' THEN 1096 ELSE 10957 END;
    starts date;
    ends date;
    used date;
BEGIN
    -- A label is unknown until its period is opened.
    IF strpos(p_template, '{label}') > 0 THEN RETURN; END IF;
    FOR looked IN 1..CASE WHEN p_far THEN 1096 ELSE 2 END
    LOOP
        LOOP
            SELECT p.ends_on INTO used FROM ledger_period p
            WHERE p.tenant = p_tenant AND p.series_id = mine AND day BETWEEN p.starts_on AND p.ends_on
              AND (p.last_value >= p.first_value OR p.has_drafts OR p.closed_at IS NOT NULL) LIMIT 1;
            EXIT WHEN NOT FOUND;
            IF used >= DATE '9999-12-31' OR used >= furthest AND p_far THEN RETURN; END IF;
            day := used + 1;
        END LOOP;
        SELECT coalesce(span.starts_on, day), span.ends_on INTO starts, ends
        FROM ledger_period_span(p_calendar, p_fiscal_start, day) span;
        SELECT f.prefix, f.width, f.suffix INTO prefix, width, suffix
        FROM ledger_render_template(p_template, p_fiscal_start, p_code, p_tenant, starts) f;
        first_value := p_start_value;
        max_value := least(ledger_highest_value(prefix, width, suffix, p_length), p_highest);
        RETURN NEXT;
        EXIT WHEN ends IS NULL OR ends >= furthest;
        day := ends + 1;
    END LOOP;
END $$;
