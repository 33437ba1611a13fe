-- The period for a day, from the series' own row: its span, its format, and the highest value whose number keeps the
-- length limit and the rules. No row for an explicit calendar, whose periods people open. If a form was ended early in
-- the same step of the calendar, the days after it continue its counter.
CREATE OR REPLACE FUNCTION ledger_plan_period(p_series bigint, p_day date) RETURNS TABLE (
    starts_on date, ends_on date, prefix text, width integer, suffix text, first_value bigint, max_value bigint
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(ended.ends_on + 1, span.starts_on), span.ends_on, f.prefix, f.width, f.suffix,
           CASE WHEN ended.ends_on IS NULL THEN s.start_value
                ELSE least(ended.last_value, 9223372036854775806) + 1 END,
           ledger_highest_of(s.id, f.prefix, f.width, f.suffix)
    FROM ledger_series s
    CROSS JOIN LATERAL ledger_period_span(s.calendar, s.fiscal_start, p_day) AS span
    LEFT JOIN LATERAL (
        SELECT p.ends_on, p.last_value, p.cut_short FROM ledger_period p
        WHERE p.tenant = s.tenant AND p.series_id = s.id AND p.starts_on <= p_day
        ORDER BY p.starts_on DESC LIMIT 1
    ) AS ended ON ended.cut_short AND ended.ends_on < p_day AND ended.ends_on >= span.starts_on
    CROSS JOIN LATERAL ledger_render_template(s.template, s.fiscal_start, s.code, s.tenant,
                                              coalesce(ended.ends_on + 1, span.starts_on)) AS f
    WHERE s.id = p_series AND span.starts_on IS NOT NULL
$$;
