-- The allocation `remote`: as `pooled`, with another supplier. A slot's number is that of a draft which a worker has made
-- in the accounting system; lower values came earlier, so slots are taken in the order in which that system gave numbers.

-- One number. The answer is that of ledger_issue_serial; besides, 'empty' means that no draft is free, and then series and
-- period follow the date. No network, no counter: only the worker brings more.
CREATE FUNCTION ledger_issue_remote(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb
) RETURNS text[] LANGUAGE plpgsql
-- As in queues.sql.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    outcome text;
    series bigint;
    period ledger_period;
    day date;
    days text;
    taken bigint;
    new_number text;
    entry bigint;
    written timestamptz;
    writer bigint;
BEGIN
    SELECT s.id, coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date),
           CASE WHEN NOT s.is_active THEN 'inactive' WHEN s.allocation <> 'remote' THEN 'allocation' END
    INTO series, day, outcome
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF outcome IS NOT NULL THEN RETURN ARRAY[outcome]; END IF;
    days := (day - DATE '1970-01-01')::text;

    IF p_document > '' THEN
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = p_document AND e.document > ''
        LIMIT 1;
        IF FOUND THEN RETURN ARRAY['existing', days, entry::text]; END IF;
    END IF;

    SELECT q.* INTO period
    FROM (SELECT r.* FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = series AND r.starts_on <= day
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= day AND q.closed_at IS NULL;
    IF NOT FOUND THEN RETURN ARRAY[ledger_refusal(p_tenant, series, day, 0), days]; END IF;

    LOOP
        SELECT s.value INTO taken FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = period.id
        ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN RETURN ARRAY['empty', days, series::text, period.id::text]; END IF;
        new_number := (ledger_drafted(p_tenant, period.id, taken)).number;

        -- The entry first, then the slot, as in issue_pooled.sql.
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        VALUES (p_tenant, series, period.id, taken, 'issued', new_number, p_document, day, p_actor, p_metadata)
        ON CONFLICT DO NOTHING
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
        IF FOUND THEN
            DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;
            RETURN ARRAY['issued', days, entry::text, series::text, period.id::text, taken::text, new_number,
                         (extract(epoch FROM written) * 1000000)::bigint::text, writer::text];
        END IF;

        -- The same document came in on another connection meanwhile: its number counts, and the slot stays.
        IF p_document > '' THEN
            SELECT e.id INTO entry FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = p_document AND e.document > ''
            LIMIT 1;
            IF FOUND THEN RETURN ARRAY['existing', days, entry::text]; END IF;
        END IF;
        IF (SELECT e.value FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.period_id = period.id AND e.value >= taken
            ORDER BY e.value LIMIT 1) IS DISTINCT FROM taken THEN
            -- Another series gave out that very number: let the unique index say so.
            INSERT INTO ledger_entry
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            VALUES (p_tenant, series, period.id, taken, 'issued', new_number, p_document, day, p_actor, p_metadata);
        END IF;
        -- Something else appended an entry for a value that was waiting. The next slot, then.
        DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;
    END LOOP;
END $$;

-- A block: the earliest free drafts for those documents that have no number yet, in their order. Contiguous only as far as
-- the accounting system numbered them so. The rows are those of ledger_issue_pooled_many; 'empty' says how many are
-- missing as the id, with series and period, and takes nothing.
CREATE FUNCTION ledger_issue_remote_many(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean
) RETURNS TABLE (
    outcome text, business_date date, document text, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_us bigint, entry_transaction bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    series ledger_series;
    period ledger_period;
    latest date;
    fresh text[];
    other bigint;
    taken bigint[];
    numbers text[];
    inserted bigint;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    outcome := CASE WHEN series.id IS NULL THEN 'unknown'
                    WHEN NOT series.is_active THEN 'inactive'
                    WHEN series.allocation <> 'remote' THEN 'allocation' END;
    IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
    latest := coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE series.time_zone)::date);
    business_date := latest;

    SELECT q.* INTO period
    FROM (SELECT r.* FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = series.id AND r.starts_on <= latest
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= latest AND q.closed_at IS NULL;

    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           min(e.id) FILTER (WHERE (p_on_stated AND e.period_id <> period.id) OR e.metadata <> p_metadata)
    INTO fresh, other
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN LATERAL (
        SELECT e.id, e.period_id, e.metadata FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series.id AND e.document = d.document AND e.document > '' LIMIT 1
    ) e ON true;
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
        outcome := ledger_refusal(p_tenant, series.id, latest, 0);
        RETURN NEXT; RETURN;
    END IF;

    BEGIN
        taken := ARRAY(
            SELECT s.value FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = period.id
            ORDER BY s.value LIMIT cardinality(fresh) FOR UPDATE SKIP LOCKED);
        IF cardinality(taken) < cardinality(fresh) THEN RAISE no_data_found; END IF;
    EXCEPTION WHEN no_data_found THEN
        -- The locks went with the block: a transaction that goes on after a refusal keeps no draft from the others.
        outcome := 'empty';
        entry_series := series.id;
        entry_period := period.id;
        entry_id := cardinality(fresh) - cardinality(taken);
        RETURN NEXT; RETURN;
    END;
    numbers := ARRAY(
        SELECT (ledger_drafted(p_tenant, period.id, t.value)).number
        FROM unnest(taken) WITH ORDINALITY AS t (value, place) ORDER BY t.place);

    RETURN QUERY
    INSERT INTO ledger_entry AS e
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p_tenant, series.id, period.id, d.value, 'issued', d.number, d.document, latest, p_actor,
           coalesce(p_metadata, '{}')
    FROM unnest(fresh, taken, numbers) AS d (document, value, number)
    -- In one order everywhere, so that two blocks of the same documents never wait for each other.
    ORDER BY d.document COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING 'issued', latest, e.document::text, e.id, e.series_id, e.period_id, e.value,
              e.number::text, (extract(epoch FROM e.issued_at) * 1000000)::bigint, e.transaction_id;

    -- Documents that came in on another connection meanwhile have their numbers: the slots that they don't need stay.
    GET DIAGNOSTICS inserted = ROW_COUNT;
    IF inserted < cardinality(taken) THEN
        -- Neither the document nor the value has one: another series gave out that very number, so the index says so.
        INSERT INTO ledger_entry
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        SELECT p_tenant, series.id, period.id, d.value, 'issued', d.number, d.document, latest, p_actor,
               coalesce(p_metadata, '{}')
        FROM unnest(fresh, taken, numbers) AS d (document, value, number)
        WHERE (SELECT e.id FROM ledger_entry e
               WHERE e.tenant = p_tenant AND e.series_id = series.id AND e.document = d.document AND e.document > ''
               LIMIT 1) IS NULL
          AND (SELECT e.value FROM ledger_entry e
               WHERE e.tenant = p_tenant AND e.period_id = period.id AND e.value >= d.value
               ORDER BY e.value LIMIT 1) IS DISTINCT FROM d.value
        LIMIT 1;
        taken := ARRAY(
            SELECT t.value FROM unnest(taken) AS t (value)
            WHERE (SELECT e.value FROM ledger_entry e
                   WHERE e.tenant = p_tenant AND e.period_id = period.id AND e.value >= t.value
                   ORDER BY e.value LIMIT 1) = t.value);
    END IF;
    DELETE FROM ledger_slot s
    WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = ANY (taken);
END $$;

-- Keep a draft that was made in the accounting system: the next value of the period's counter gets its number, and waits as
-- a slot. The claim of who refills the pool is made longer; one that ran out, and went to another worker, stores nothing.
-- 'stored'; 'there' where the draft was stored before; 'refused' where its number can't be taken (p_refusal, or what is
-- found here): it is kept then as a draft without a value, so that nobody loses sight of it; 'over' where the same goes
-- for all drafts of the period; 'claim_lost'; 'unknown'.
CREATE FUNCTION ledger_store_draft(
    p_tenant text, p_series bigint, p_period bigint, p_claim text, p_lasts interval, p_ordinal bigint,
    p_remote_id text, p_number text, p_reference text, p_refusal text
) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    pool ledger_remotepool;
    series ledger_series;
    period ledger_period;
    over text;
    refusal text;
BEGIN
    UPDATE ledger_remotepool r SET claimed_until = clock_timestamp() + p_lasts
    WHERE r.tenant = p_tenant AND r.series_id = p_series AND r.claimed_by = p_claim
    RETURNING r.* INTO pool;
    IF NOT FOUND THEN RETURN 'claim_lost'; END IF;
    -- Whoever closes the period or changes the series holds this row; what he did is seen afterwards.
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period FOR NO KEY UPDATE;
    IF (period.tenant = p_tenant AND period.series_id = p_series) IS NOT TRUE THEN RETURN 'unknown'; END IF;
    PERFORM FROM ledger_draftmade d
    WHERE d.tenant = p_tenant AND d.system = pool.system AND d.remote_id = p_remote_id;
    IF FOUND THEN RETURN 'there'; END IF;

    SELECT * INTO series FROM ledger_series s WHERE s.id = p_series;
    over := CASE
        WHEN period.closed_at IS NOT NULL THEN 'the period was closed'
        WHEN (series.allocation, series.system) IS DISTINCT FROM ('remote', pool.system)
            THEN 'the series takes its numbers otherwise now'
        WHEN period.last_value >= period.max_value THEN 'the period is exhausted' END;
    refusal := CASE
        WHEN p_refusal > '' THEN p_refusal
        WHEN over IS NOT NULL THEN over
        WHEN EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p_tenant AND upper(e.number) = upper(p_number))
            OR EXISTS (SELECT FROM ledger_draftmade d
                       WHERE d.tenant = p_tenant AND upper(d.number) = upper(p_number) AND d.value IS NOT NULL)
            THEN 'the number stands in the ledger already' END;
    IF refusal IS NOT NULL THEN
        INSERT INTO ledger_draftmade (tenant, period_id, ordinal, number, system, remote_id, reference, refusal)
        VALUES (p_tenant, p_period, p_ordinal, p_number, pool.system, p_remote_id, p_reference, refusal);
        RETURN CASE WHEN over IS NULL THEN 'refused' ELSE 'over' END;
    END IF;

    UPDATE ledger_period p SET last_value = period.last_value + 1, has_drafts = true WHERE p.id = p_period;
    INSERT INTO ledger_draftmade (tenant, period_id, ordinal, value, number, system, remote_id, reference, refusal)
    VALUES (p_tenant, p_period, p_ordinal, period.last_value + 1, p_number, pool.system, p_remote_id, p_reference, '');
    INSERT INTO ledger_slot (tenant, period_id, value) VALUES (p_tenant, p_period, period.last_value + 1);
    -- Where sweeps look for free slots. No checkout of a remote series reads it.
    INSERT INTO ledger_pool (tenant, period_id, free_from, stragglers, batch_from, batch)
    VALUES (p_tenant, p_period, period.first_value, '{}', period.first_value, 1)
    ON CONFLICT (tenant, period_id) DO NOTHING;
    RETURN 'stored';
END $$;

-- A draft that is gone or was used in the accounting system: its slot goes, and a gap with what that system said stands in
-- its place, in one transaction. 'withdrawn'; 'in_flight' where a checkout holds it, which is not waited for; 'settled'
-- where it isn't free any more.
CREATE FUNCTION ledger_withdraw_slot(p_tenant text, p_period bigint, p_value bigint, p_said jsonb, p_actor text)
RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period ledger_period;
    draft ledger_draftmade;
    day date;
BEGIN
    PERFORM FROM ledger_slot s
    WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM ledger_slot s
                                 WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value)
                    THEN 'in_flight' ELSE 'settled' END;
    END IF;
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, period.ends_on), period.starts_on)
    INTO day FROM ledger_series s WHERE s.id = period.series_id;
    draft := ledger_drafted(p_tenant, p_period, p_value);
    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, period.series_id, p_period, p_value, 'gap',
            coalesce(draft.number, ledger_number(period.prefix, period.width, period.suffix, p_value)), '', day, p_actor,
            jsonb_build_object('cause', 'withdrawn', 'said', p_said) || ledger_draft_evidence(draft));
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value;
    RETURN 'withdrawn';
END $$;
