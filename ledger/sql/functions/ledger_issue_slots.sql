-- A block of a `pooled` or `remote` series (p_allocation): the lowest free slots for the documents without a number, in
-- their order. The block is contiguous if no checkout holds one of the slots, and if the accounting system numbered them
-- so. Returns one row for each new number, in no particular order, and none for documents that had a number. 'existing'
-- is one row: all had a number. A refusal is one row too, and changes nothing: those of ledger_take_serial_many, and
-- 'empty' if not enough slots are free, with the count of missing slots as the id, with series, period, and the counter
-- as value.
CREATE OR REPLACE FUNCTION ledger_issue_slots(
    p_allocation text, p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text,
    p_metadata jsonb, p_on_stated boolean
) RETURNS TABLE (
    outcome text, business_date date, document text, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_us bigint, entry_transaction bigint
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    series bigint;
    gives_back boolean;
    period record;
    pool record;
    above bigint := -1;
    fresh text[];
    other bigint;
    straggler bigint;
    taken bigint[] := '{}';
    numbers text[];
    inserted bigint := 0;
    written record;
BEGIN
    SELECT s.id, s.give_back, s.day, s.refusal INTO series, gives_back, business_date, outcome
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at, p_allocation) s;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF (p_allocation IN ('pooled', 'remote')) IS NOT TRUE THEN outcome := 'allocation'; END IF;
    IF outcome IS NOT NULL THEN business_date := NULL; RETURN NEXT; RETURN; END IF;

    SELECT q.* INTO period FROM ledger_find_period(p_tenant, series, business_date) q WHERE q.closed_at IS NULL;
    IF NOT FOUND THEN
        SELECT r.id, r.prefix, r.width, r.suffix, r.first_value, r.last_value INTO period FROM ledger_period r
        WHERE r.tenant = p_tenant AND r.series_id = series AND r.ordinal > 0 AND r.closed_at IS NULL
          AND business_date BETWEEN r.starts_on AND r.ends_on
          AND (r.last_value < r.max_value
               OR EXISTS (SELECT FROM ledger_slot w WHERE w.tenant = p_tenant AND w.period_id = r.id))
        ORDER BY r.ordinal LIMIT 1;
    END IF;
    SELECT f.fresh, f.other INTO fresh, other
    FROM ledger_fresh_of(p_tenant, series, period.id, p_documents, p_on_stated, p_metadata) f;
    IF other IS NOT NULL THEN
        outcome := 'other_facts';
        entry_id := other;
        RETURN NEXT; RETURN;
    END IF;
    IF fresh IS NULL THEN
        outcome := 'existing';
        RETURN NEXT; RETURN;
    END IF;
    IF period.id IS NULL THEN
        outcome := ledger_refusal(p_tenant, series, business_date, 0);
        RETURN NEXT; RETURN;
    END IF;

    SELECT l.free_from, l.stragglers INTO pool
    FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = period.id;
    IF NOT gives_back THEN above := ledger_highest_out(p_tenant, period.id); END IF;
    BEGIN
        FOREACH straggler IN ARRAY coalesce(pool.stragglers, '{}') LOOP
            EXIT WHEN cardinality(taken) = cardinality(fresh);
            PERFORM FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = straggler AND s.value > above
            FOR UPDATE SKIP LOCKED;
            IF FOUND THEN taken := array_append(taken, straggler); END IF;
        END LOOP;
        taken := array_cat(taken, ARRAY(
            SELECT s.value FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = period.id
              AND s.value >= coalesce(pool.free_from, period.first_value) AND s.value > above
            ORDER BY s.value LIMIT cardinality(fresh) - cardinality(taken) FOR UPDATE SKIP LOCKED));
        IF cardinality(taken) < cardinality(fresh) THEN RAISE no_data_found; END IF;
    EXCEPTION WHEN no_data_found THEN
        -- The rollback of this block releases its locks: a transaction that continues after a refusal holds no slots.
        outcome := 'empty';
        entry_series := series;
        entry_period := period.id;
        entry_value := period.last_value;
        entry_id := cardinality(fresh) - cardinality(taken);
        RETURN NEXT; RETURN;
    END;

    IF p_allocation = 'remote' THEN
        numbers := ARRAY(SELECT ledger_drafted(p_tenant, period.id, t.value)
                         FROM unnest(taken) WITH ORDINALITY AS t (value, place) ORDER BY t.place);
    ELSE
        numbers := ARRAY(SELECT ledger_number(period.prefix, period.width, period.suffix, t.value, business_date)
                         FROM unnest(taken) WITH ORDINALITY AS t (value, place) ORDER BY t.place);
    END IF;
    outcome := 'issued';
    entry_series := series;
    entry_period := period.id;
    FOR written IN
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        SELECT p_tenant, series, period.id, d.value, 'issued', d.number, d.document, business_date, p_actor,
               coalesce(p_metadata, '{}')
        FROM unnest(fresh, taken, numbers) AS d (document, value, number)
        -- Always in the same order, so that two blocks of the same documents never wait for each other.
        ORDER BY d.document COLLATE "C"
        ON CONFLICT DO NOTHING
        RETURNING e.document, e.id, e.value, e.number, e.issued_at, e.transaction_id
    LOOP
        inserted := inserted + 1;
        document := written.document;
        entry_id := written.id;
        entry_value := written.value;
        entry_number := written.number;
        entry_issued_us := (date_part('epoch', written.issued_at) * 1e6::float8)::bigint;
        entry_transaction := written.transaction_id;
        RETURN NEXT;
    END LOOP;

    -- Documents that got a number on another connection in the meantime don't need their slots, so the slots stay.
    IF inserted < cardinality(taken) THEN
        -- Neither the document nor the value has an entry: another series gave out the same number, so let the index
        -- raise the error.
        INSERT INTO ledger_entry
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        SELECT p_tenant, series, period.id, d.value, 'issued', d.number, d.document, business_date, p_actor,
               coalesce(p_metadata, '{}')
        FROM unnest(fresh, taken, numbers) AS d (document, value, number)
        WHERE (SELECT e.id FROM ledger_entry e
               WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = d.document AND e.document > ''
                 AND e.replaces_id IS NULL
               LIMIT 1) IS NULL
          AND NOT ledger_value_is_kept(p_tenant, period.id, d.value)
        LIMIT 1;
        taken := ARRAY(SELECT t.value FROM unnest(taken) AS t (value)
                       WHERE ledger_value_is_kept(p_tenant, period.id, t.value));
    END IF;
    -- (A list of keys, not a join, for which the planner might need quadratic time.)
    DELETE FROM ledger_slot s
    WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = ANY (taken);
END $$;
