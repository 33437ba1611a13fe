-- Open a period of a series by its two dates, both inclusive, with any calendar: a short first year, a year of 52 weeks,
-- the days between two calendars. The counter starts at p_first_value, or at the series' start value. p_label is the
-- text of {label} in its numbers. Returns the answer of ledger_insert_period, or 'unknown', or 'exhausted' if no number
-- from that value on keeps the length limit.
CREATE OR REPLACE FUNCTION ledger_open_explicit(
    p_tenant text, p_series text, p_starts_on date, p_ends_on date, p_first_value bigint, p_actor text,
    p_label text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series record;
    shape record;
    first bigint;
    highest bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT s.id, s.template, s.fiscal_start, s.start_value INTO series
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series FOR SHARE; -- as in ledger_open_period
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    SELECT * INTO shape
    FROM ledger_render_template(series.template, series.fiscal_start, p_series, p_tenant, p_starts_on, p_label);
    first := coalesce(p_first_value, series.start_value);
    highest := ledger_highest_of(series.id, shape.prefix, shape.width, shape.suffix);
    IF first > highest THEN RETURN 'exhausted'; END IF;
    PERFORM ledger_act_as(p_actor);
    RETURN ledger_insert_period(p_tenant, series.id, p_starts_on, p_ends_on, shape.prefix, shape.width, shape.suffix,
                                first, highest);
END $$;
