-- A contiguous block for the documents without a number, in their order. Returns one row for each document, in no
-- particular order: `place` is its position in the list. Documents that had a number are 'existing'; if all had one,
-- there is only one such row. A refusal is one row with its outcome, and changes nothing. It locks nothing either,
-- except for two that need the lock: 'exhausted' by this block itself, and 'other_facts', with the id of an entry whose
-- period or metadata differ from the call (p_on_stated; p_metadata is null if the call has none). `entry_issued_us` is
-- the time in microseconds since 1970, which a client reads many times faster than a timestamp; `early_release` is as in
-- ledger_take_serial. p_promised has the ids that `at_commit` promised for the entries.
CREATE OR REPLACE FUNCTION ledger_take_serial_many(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean, p_promised bigint[]
) RETURNS TABLE (
    outcome text, business_date date, place bigint, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_us bigint, entry_transaction bigint, early_release boolean
) LANGUAGE plpgsql AS $$
DECLARE
    series bigint;
    guarded boolean;
    period record;
    locked bigint;
    fresh text[];
    places bigint[];
    other bigint;
    written record;
BEGIN
    SELECT s.id, s.chronological, s.day, s.refusal, s.early_release
    INTO series, guarded, business_date, outcome, early_release
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at,
                            CASE WHEN p_promised IS NULL THEN 'serial' ELSE 'at_commit' END) s;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF outcome IS NOT NULL AND (outcome <> 'allocation' OR p_promised IS NULL) THEN
        business_date := NULL;
        RETURN NEXT; RETURN;
    END IF;

    -- A retry of the whole block doesn't queue, and needs no open period.
    -- (Here a scalar subquery and below LIMIT 1, so that it stays one probe of the unique index for each document.)
    IF NOT EXISTS (SELECT FROM unnest(p_documents) AS d (document)
                   WHERE (SELECT e.id FROM ledger_entry e
                          WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = d.document
                            AND e.document > '' AND e.replaces_id IS NULL) IS NULL) THEN
        outcome := 'existing';
        RETURN NEXT; RETURN;
    END IF;

    IF guarded THEN PERFORM ledger_lower_date(p_tenant, series, business_date); END IF;
    -- Twice: first to refuse before anything is locked, and then under the lock. Once more if an authorised range was
    -- used up in the meantime.
    LOOP
        SELECT q.* INTO period
        FROM ledger_find_period(p_tenant, series, business_date) q
        WHERE q.closed_at IS NULL
          AND q.last_value < q.max_value
          AND (NOT guarded OR q.last_issued_on IS NULL OR q.last_issued_on <= business_date);
        IF NOT FOUND THEN
            SELECT q.* INTO period FROM ledger_find_range(p_tenant, series, business_date, guarded) q;
        END IF;
        EXIT WHEN NOT FOUND OR period.id = locked;
        locked := period.id;
        PERFORM ledger_wait_in_line(locked);
        PERFORM FROM ledger_period p WHERE p.id = locked FOR NO KEY UPDATE;
    END LOOP;
    IF period.id IS NULL THEN
        outcome := ledger_refusal(p_tenant, series, business_date, 1);
        RETURN NEXT; RETURN;
    END IF;

    -- Again under the lock, to see a concurrent call for the same documents.
    SELECT f.fresh, f.places, f.other INTO fresh, places, other
    FROM ledger_fresh_of(p_tenant, series, period.id, p_documents, p_on_stated, p_metadata) f;
    IF other IS NOT NULL THEN
        outcome := 'other_facts';
        entry_id := other;
        RETURN NEXT; RETURN;
    END IF;
    IF period.last_value > period.max_value - coalesce(cardinality(fresh), 0) THEN
        outcome := 'exhausted';
        RETURN NEXT; RETURN;
    END IF;

    IF fresh IS NOT NULL THEN
        UPDATE ledger_period p
        SET last_value = period.last_value + cardinality(fresh),
            last_issued_on = CASE WHEN guarded OR period.last_issued_on IS NOT NULL
                                  THEN greatest(period.last_issued_on, business_date) END
        WHERE p.id = period.id;
        outcome := 'issued';
        entry_series := series;
        entry_period := period.id;
        -- The value gives the place. (A join by document would too, but PostgreSQL doesn't know the length of the list,
        -- and would need quadratic time.)
        FOR written IN
            INSERT INTO ledger_entry AS e
                (id, tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            SELECT CASE WHEN p_promised IS NULL THEN nextval('ledger_entry_id_seq')
                        ELSE p_promised[places[d.ordinality]] END,
                   p_tenant, series, period.id, period.last_value + d.ordinality, 'issued',
                   ledger_number(period.prefix, period.width, period.suffix, period.last_value + d.ordinality,
                                 business_date),
                   d.document, business_date, p_actor, coalesce(p_metadata, '{}')
            FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
            RETURNING e.id, e.value, e.number, e.issued_at, e.transaction_id
        LOOP
            place := places[written.value - period.last_value];
            entry_id := written.id;
            entry_value := written.value;
            entry_number := written.number;
            entry_issued_us := (date_part('epoch', written.issued_at) * 1e6::float8)::bigint;
            entry_transaction := written.transaction_id;
            RETURN NEXT;
        END LOOP;
    END IF;

    IF fresh IS NULL OR cardinality(fresh) < cardinality(p_documents) THEN
        RETURN QUERY
        SELECT 'existing', business_date, d.ordinality, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
               NULL::text, NULL::bigint, NULL::bigint, NULL::boolean
        FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
        WHERE d.ordinality NOT IN (SELECT unnest(places));
    END IF;
END $$;
