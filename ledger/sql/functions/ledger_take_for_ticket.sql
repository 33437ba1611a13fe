-- Take the numbers that a ticket asked for, after the ticket was deleted; its columns are the arguments. Returns the
-- answer of ledger_take_serial; for a block its outcome, the business date in days, and the entry that the outcome is
-- about. It is also 'voided' if the document got a number in the meantime that is already void.
CREATE OR REPLACE FUNCTION ledger_take_for_ticket(
    p_tenant text, p_code text, p_period bigint, p_documents text[], p_entry_ids bigint[], p_issued_on date,
    p_on_stated boolean, p_slides boolean, p_actor text, p_metadata jsonb, p_replaces bigint
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    day date := p_issued_on;
    answer text[];
    one text[];
    outcome text;
    entry bigint;
BEGIN
    IF p_slides THEN
        -- Not beyond the period, which may have no successor yet.
        SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, p.ends_on), day) INTO day
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id WHERE p.id = p_period;
        day := coalesce(day, p_issued_on); -- a range replaced the empty period
    END IF;
    IF cardinality(p_documents) = 1 THEN
        answer := ledger_take_serial(p_tenant, p_code, day, NULL::timestamptz, p_documents[1], p_actor,
                                     coalesce(p_metadata, '{}'), p_replaces, p_entry_ids[1]);
        outcome := answer[1];
        entry := answer[3]::bigint;
        -- The document got a number on another connection in the meantime: that number counts, if the facts are the same.
        IF outcome = 'existing' AND EXISTS (
            SELECT FROM ledger_entry e
            WHERE e.id = entry AND (CASE WHEN p_on_stated AND e.period_id <> p_period
                                         THEN NOT ledger_same_stretch(e.period_id, p_period) END
                                    OR e.metadata <> p_metadata)
        ) THEN
            outcome := 'other_facts';
        END IF;
    ELSE
        SELECT coalesce(max(b.outcome) FILTER (WHERE b.outcome <> 'existing'), 'existing'),
               min(b.entry_id) FILTER (WHERE b.outcome = 'other_facts')
        INTO outcome, entry
        FROM ledger_take_serial_many(p_tenant, p_code, day, NULL::timestamptz, p_documents, p_actor, p_metadata,
                                     p_on_stated, p_entry_ids) b;
        answer := ARRAY[outcome, (day - DATE '1970-01-01')::text, entry::text];
        -- A block that fits no single authorised range continues in the next one.
        IF outcome = 'exhausted' AND EXISTS (SELECT FROM ledger_period p WHERE p.id = p_period AND p.ordinal > 0) THEN
            BEGIN
                FOR place IN 1..cardinality(p_documents) LOOP
                    one := ledger_take_serial(p_tenant, p_code, day, NULL::timestamptz, p_documents[place], p_actor,
                                              coalesce(p_metadata, '{}'), NULL::bigint, p_entry_ids[place]);
                    IF one[1] NOT IN ('issued', 'existing') THEN RAISE no_data_found; END IF;
                END LOOP;
                outcome := 'issued';
            EXCEPTION WHEN no_data_found THEN
                NULL; -- nothing was written
            END;
        END IF;
    END IF;
    IF outcome IN ('existing', 'other_facts') AND EXISTS (
        SELECT FROM ledger_numbervoided v WHERE v.tenant = p_tenant AND v.entry_id = entry
    ) THEN
        outcome := 'voided';
    END IF;
    answer[1] := outcome;
    RETURN answer;
END $$;
