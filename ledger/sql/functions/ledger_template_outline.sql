-- The common form of the numbers of all periods of a series: its format with chr(1) for each digit of a date, as in
-- ledger_outline for the document's date. ledger_formats_collide accepts it like any other format.
--
-- Nulls if the template can't be read in this way, such as one with doubled braces around the name of a token.
CREATE OR REPLACE FUNCTION ledger_template_outline(
    p_template text, p_series text, p_tenant text, OUT prefix text, OUT width integer, OUT suffix text
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    SELECT f.prefix, f.width, f.suffix INTO prefix, width, suffix
    FROM ledger_render_template(
        regexp_replace(regexp_replace(regexp_replace(p_template,
            '[{](year|fy_start|fy_end):?[}]', repeat(chr(1), 4), 'g'),
            '[{]((year|fy_start|fy_end):2|(month|day):?)[}]', repeat(chr(1), 2), 'g'),
            '[{]quarter:?[}]', chr(1), 'g'),
        '01-01', p_series, p_tenant, DATE '2000-01-01') f;
EXCEPTION WHEN check_violation THEN
    NULL;
END $$;
