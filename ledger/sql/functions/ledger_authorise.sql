-- Add a range of numbers that an authority granted for a series: its period, which comes after the earlier ranges, and
-- the event. Both values and both days are inclusive; null means no limit. The series' template makes the numbers; its
-- {label} is the authority's prefix (p_label). Without that token the numbers must begin with the prefix anyway.
--
-- Returns 'authorised' or, for the same range again, 'there', with the event's id; or why not: 'unknown', 'remote' (its
-- numbers come from another system), 'differs' with the id of the event that has this reference and first value, 'type'
-- with the type of documents of the series' other ranges from this authority, 'prefix' with the first number, 'too_long'
-- with the highest value that the length limit and the rules allow, 'in_use' with the id of a period that has numbers on
-- the same days, and 'conflict' with the error of the periods' guards.
CREATE OR REPLACE FUNCTION ledger_authorise(
    p_tenant text, p_series text, p_label text, p_first bigint, p_last bigint, p_from date, p_to date, p_authority text,
    p_reference text, p_type text, p_key text, p_document text, p_actor text
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series record;
    known record;
    shape record;
    highest bigint;
    place integer;
    other bigint;
    outcome text;
    added bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    -- Every transaction that opens a period of the series takes a shared lock on this row, through the foreign key.
    SELECT s.id, s.template, s.fiscal_start, s.allocation INTO series
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series FOR UPDATE;
    IF NOT FOUND THEN RETURN ARRAY['unknown']; END IF;
    IF series.allocation = 'remote' THEN RETURN ARRAY['remote']; END IF;
    SELECT a.* INTO known FROM ledger_authorisedrange a
    WHERE a.tenant = p_tenant AND a.series_id = series.id AND a.authority = p_authority AND a.reference = p_reference
      AND a.first_value = p_first;
    IF FOUND THEN
        RETURN ARRAY[CASE WHEN (known.prefix, known.last_value, known.valid_from, known.valid_to, known.document_type)
                               IS DISTINCT FROM (p_label, p_last, p_from, p_to, p_type)
                          THEN 'differs' ELSE 'there' END, known.id::text];
    END IF;
    SELECT a.document_type INTO known FROM ledger_authorisedrange a
    WHERE a.tenant = p_tenant AND a.series_id = series.id AND a.authority = p_authority AND a.document_type <> p_type LIMIT 1;
    IF FOUND THEN RETURN ARRAY['type', known.document_type]; END IF;

    SELECT * INTO shape FROM ledger_render_template(
        series.template, series.fiscal_start, p_series, p_tenant, p_from,
        CASE WHEN p_label > '' THEN p_label END);
    IF left(shape.prefix, length(p_label)) <> p_label THEN
        RETURN ARRAY['prefix', ledger_number(shape.prefix, shape.width, shape.suffix, p_first, p_from)];
    END IF;
    highest := ledger_highest_of(series.id, shape.prefix, shape.width, shape.suffix);
    IF coalesce(p_last, p_first) > highest THEN RETURN ARRAY['too_long', highest::text]; END IF;

    -- The range replaces empty periods that were opened ahead; people have to close a period that has numbers.
    DELETE FROM ledger_period p
    WHERE p.tenant = p_tenant AND p.series_id = series.id AND p.ordinal = 0 AND p.closed_at IS NULL AND p.ends_on >= p_from
      AND p.last_value < p.first_value AND NOT p.has_drafts
      AND NOT EXISTS (SELECT FROM ledger_periodchanged c WHERE c.tenant = p_tenant AND c.period_id = p.id);
    SELECT p.id INTO other FROM ledger_period p
    WHERE p.tenant = p_tenant AND p.series_id = series.id AND p.ordinal = 0 AND p.closed_at IS NULL AND p.ends_on >= p_from
    ORDER BY p.starts_on LIMIT 1;
    IF FOUND THEN RETURN ARRAY['in_use', other::text]; END IF;

    SELECT coalesce(max(p.ordinal), 0) + 1 INTO place
    FROM ledger_period p WHERE p.tenant = p_tenant AND p.series_id = series.id;
    outcome := ledger_insert_period(p_tenant, series.id, p_from, coalesce(p_to, DATE '9999-12-31'), shape.prefix,
                                    shape.width, shape.suffix, p_first, coalesce(p_last, highest), place);
    IF outcome <> 'opened' THEN RETURN ARRAY['conflict', outcome]; END IF;
    INSERT INTO ledger_authorisedrange
        (tenant, series_id, period_id, prefix, first_value, last_value, valid_from, valid_to, authority, reference,
         document_type, key_reference, document, actor)
    SELECT p_tenant, series.id, p.id, p_label, p_first, p_last, p_from, p_to, p_authority, p_reference, p_type, p_key,
           p_document, p_actor
    FROM ledger_period p WHERE p.tenant = p_tenant AND p.series_id = series.id AND p.ordinal = place
    RETURNING id INTO added;
    RETURN ARRAY['authorised', added::text];
END $$;
