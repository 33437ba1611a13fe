-- Raises check_violation unless an entry fits its period, and says what doesn't fit. If values have drafts, the number
-- is that of its value's draft. A replacement has the same document as the number that it replaces, which is void.
CREATE OR REPLACE FUNCTION ledger_refuse_misfit(
    p_tenant text, p_series bigint, p_period bigint, p_value bigint, p_kind text, p_number text, p_document text,
    p_issued_on date, p_issued_at timestamptz, p_actor text, p_metadata jsonb, p_replaces bigint
) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    period record;
    expected text;
    problem text;
BEGIN
    IF ledger_is_moving(p_tenant) THEN RETURN; END IF;
    SELECT p.* INTO period FROM ledger_period p WHERE p.id = p_period;
    IF period.moves THEN PERFORM ledger_refuse_moved(p_tenant); END IF;
    IF period.has_drafts THEN
        expected := ledger_drafted(p_tenant, p_period, p_value);
    END IF;
    expected := coalesce(expected, ledger_number(period.prefix, period.width, period.suffix, p_value,
                                                 CASE WHEN p_kind <> 'gap' OR p_metadata ? 'reservation'::text
                                                      THEN p_issued_on END));
    IF p_kind = 'gap' AND p_number = expected || ' (taken)' THEN
        expected := ledger_gap_number(p_tenant, p_period, p_value,
                                      CASE WHEN p_metadata ? 'reservation'::text THEN p_issued_on END);
    END IF;
    problem := CASE
        WHEN period.id IS NULL THEN 'its period does not exist'
        WHEN period.tenant <> p_tenant OR period.series_id <> p_series
            THEN 'its period is of another tenant or series'
        WHEN period.closed_at IS NOT NULL THEN 'its period is closed'
        WHEN p_value NOT BETWEEN period.first_value AND period.last_value
            THEN 'the counter never gave out that value'
        -- If the text of an old number names another period than its date, the entry keeps both.
        WHEN p_issued_on NOT BETWEEN period.starts_on AND period.ends_on
             AND NOT (p_kind = 'adopted' AND p_metadata ? 'contradiction'::text)
            THEN 'its date lies outside the period'
        WHEN p_kind NOT IN ('issued', 'adopted', 'gap') THEN 'its kind is unknown'
        WHEN p_kind = 'gap' AND p_document > '' THEN 'a gap has no document'
        WHEN p_document > '' AND NOT ledger_is_key(p_document) THEN 'its document can''t be a key'
        WHEN p_actor > '' AND NOT ledger_is_key(p_actor) THEN 'its actor can''t be a name'
        WHEN NOT ledger_is_facts(p_metadata)
            THEN 'its metadata are no JSON object, or too large, too deep, or hold too long a number'
        WHEN NOT ledger_is_moment(p_issued_at) THEN 'its time is not in the years 1900 to 2999'
        WHEN length(p_number) > 110 OR NOT ledger_is_key(p_number) THEN 'its number can''t be read'
        WHEN p_replaces IS NOT NULL AND NOT EXISTS (
            SELECT FROM ledger_entry e JOIN ledger_numbervoided v ON v.tenant = e.tenant AND v.entry_id = e.id
            WHERE e.id = p_replaces AND e.tenant = p_tenant AND e.series_id = p_series
              AND e.document = p_document AND e.document > '')
            THEN 'it replaces a number that is not void, or is another document''s'
        WHEN p_kind = 'adopted' AND ledger_is_awaited(p_tenant, p_number, p_period, p_value, NULL::bigint)
            THEN 'the number is one that a series of the tenant may still give out'
        WHEN p_kind = 'adopted' OR p_number = expected THEN NULL
        WHEN period.has_drafts THEN 'its number is not that of its draft, ' || expected
        ELSE 'its number is not of the period''s format' END;
    IF problem IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'the entry for value % does not fit: %', p_value, problem
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_fits', TABLE = 'ledger_entry';
END $$;
