-- The format of the numbers of one period: a template with its tokens filled in. The same as parse_template and
-- Template.compile in Python, for the templates that parse_template accepts.
--
-- Arguments: the template, the first day of the fiscal year as month and day such as 04-01, the code of the series, its
-- tenant, the day on which the period starts, and the label of an explicit period: up to 20 characters without braces.
-- Answer: the text before the counter, the digits of the counter at least, and the text after it. The tokens {doc_year},
-- {doc_month} and {doc_day} stay in the text as they are: ledger_number fills them in for each document.
-- Raises check_violation for a template that can't be read.
CREATE OR REPLACE FUNCTION ledger_render_template(
    p_template text, p_fiscal_start text, p_series text, p_tenant text, p_starts_on date, p_label text DEFAULT NULL,
    OUT prefix text, OUT width integer, OUT suffix text
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    piece text;
    rendered text;
    before text := '';
    after text := '';
    counter_width text;
    fiscal_year integer;
    -- The tokens of the document's date that the template has.
    document_tokens text := '';
    token text;
    problem text;
BEGIN
    IF p_template IS NULL OR p_series IS NULL OR p_tenant IS NULL THEN
        problem := 'has no text, no series or no tenant';
    ELSIF length(p_template) > 200 THEN
        problem := 'has more than 200 characters';
    ELSIF p_starts_on IS NULL OR p_starts_on < DATE '0001-01-01' OR p_starts_on > DATE '9999-12-31' THEN
        problem := 'has no first day of its period';
    END IF;

    -- The pieces of the template: a doubled brace, a token, a single brace, or text without braces. The longest match counts.
    FOR piece IN
        SELECT m.found[1]
        FROM regexp_matches(p_template, '[{][{]|[}][}]|[{][^{}]*[}]|[{}]|[^{}]+', 'g') WITH ORDINALITY AS m(found, place)
        ORDER BY m.place
    LOOP
        EXIT WHEN problem IS NOT NULL;
        -- Python reads {year:} as {year}.
        IF piece ~ '^[{][^:]*:[}]$' THEN
            piece := left(piece, -2) || '}';
        END IF;
        rendered := NULL;

        CASE piece
            WHEN '{{' THEN rendered := '{';
            WHEN '}}' THEN rendered := '}';
            WHEN '{series}' THEN rendered := p_series;
            WHEN '{tenant}' THEN rendered := p_tenant;
            WHEN '{year}' THEN rendered := lpad(extract(year FROM p_starts_on)::text, 4, '0');
            WHEN '{year:2}' THEN rendered := lpad((extract(year FROM p_starts_on)::integer % 100)::text, 2, '0');
            WHEN '{month}' THEN rendered := lpad(extract(month FROM p_starts_on)::text, 2, '0');
            WHEN '{day}' THEN rendered := lpad(extract(day FROM p_starts_on)::text, 2, '0');
            WHEN '{quarter}' THEN
                rendered := ((ledger_calendar_step(p_starts_on, 3, p_fiscal_start)).step % 4 + 1)::text;
            WHEN '{fy_start}', '{fy_start:2}', '{fy_end}', '{fy_end:2}' THEN
                fiscal_year := (ledger_calendar_step(p_starts_on, 12, p_fiscal_start)).step;
                -- A fiscal year from 1 January ends in the year in which it starts.
                IF piece LIKE '{fy_end%' AND p_fiscal_start <> '01-01' THEN
                    fiscal_year := fiscal_year + 1;
                END IF;
                IF fiscal_year > 9999 THEN
                    problem := 'has no ' || piece || ' in the fiscal year that starts in 9999: a year has four digits';
                ELSIF piece LIKE '%:2}' THEN
                    rendered := lpad((fiscal_year % 100)::text, 2, '0');
                ELSE
                    rendered := lpad(fiscal_year::text, 4, '0');
                END IF;
            WHEN '{label}' THEN
                IF ledger_is_key(p_label) AND length(p_label) <= 20 AND p_label !~ '[{}]' THEN
                    rendered := p_label;
                ELSE
                    problem := 'has {label}, and the period has no such label';
                END IF;
            WHEN '{doc_year}', '{doc_month}', '{doc_day}' THEN
                rendered := piece;
                document_tokens := document_tokens || piece;
            ELSE
                IF piece IN ('{', '}') THEN
                    problem := 'has a brace alone: a brace meant as text is doubled';
                ELSIF left(piece, 1) <> '{' THEN
                    rendered := piece;
                ELSIF piece = '{counter}' OR piece ~ '^[{]counter:0([1-9]|1[0-8])[}]$' THEN
                    IF counter_width IS NOT NULL THEN
                        problem := 'has two counters';
                    END IF;
                    counter_width := coalesce(substring(piece FROM '[0-9]+'), '1');
                ELSE
                    problem := 'has the unknown token ' || piece;
                END IF;
        END CASE;

        IF counter_width IS NULL THEN
            before := before || coalesce(rendered, '');
        ELSE
            after := after || coalesce(rendered, '');
        END IF;
    END LOOP;

    IF problem IS NULL AND counter_width IS NULL THEN
        problem := 'has no {counter}';
    END IF;
    -- Text that only looks like a token of the document's date would be filled in like one. It can come from doubled
    -- braces, from the series and from the tenant, or from two of them together.
    FOREACH token IN ARRAY ARRAY['{doc_year}', '{doc_month}', '{doc_day}'] LOOP
        IF problem IS NULL
           AND length(before || after) - length(replace(before, token, '') || replace(after, token, ''))
               <> length(document_tokens) - length(replace(document_tokens, token, '')) THEN
            problem := 'renders the text ' || token || ', which is a token of the document''s date';
        END IF;
    END LOOP;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the template % %', coalesce(quote_literal(p_template), 'null'), problem
            USING ERRCODE = 'check_violation',
                  HINT = 'A template has one {counter}, text, and the tokens {year}, {fy_start}, {fy_end}, {quarter}, '
                         '{month}, {day}, {label}, {series}, {tenant}; write it like INV-{year}-{counter:06}.';
    END IF;

    prefix := before;
    suffix := after;
    width := counter_width::integer;
END $$;
