-- The allocation `pooled`: a checkout takes the lowest free slot of its period, passing over those that other checkouts
-- hold. No counter is locked; a rollback brings the slot back.

-- Where no number may be given back to a later document (give_back is off), a value is taken only above every one that is
-- out: in the ledger, or with a checkout that has not ended. The latter is told by an advisory lock that each checkout
-- holds, shared, so that nobody waits for it; pg_locks shows it to others while it lasts, and no longer.
CREATE FUNCTION ledger_mark_out(p_period bigint, p_value bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock_shared(hashint8(p_period), (p_value & 2147483647)::integer)
$$;
CREATE FUNCTION ledger_highest_out(p_tenant text, p_period bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN greatest(
        -1,
        (SELECT e.value FROM ledger_entry e
         WHERE e.tenant = p_tenant AND e.period_id = p_period ORDER BY e.value DESC LIMIT 1),
        (SELECT max(l.objid::bigint) FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.objsubid = 2
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND l.classid::bigint = hashint8(p_period)::bigint & 4294967295
           AND EXISTS (SELECT FROM ledger_slot s
                       WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = l.objid::bigint)));
END $$;

-- One number. The answer is that of ledger_issue_serial, with these differences: 'empty' means that no slot is free, and
-- then series, period and the counter follow the date; a new number ends with the counter and with 'low' when it is time
-- to mint, else 'enough'.
CREATE FUNCTION ledger_issue_pooled(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb
) RETURNS text[] LANGUAGE plpgsql
-- As in queues.sql.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    outcome text;
    gives_back boolean;
    series bigint;
    period ledger_period;
    pool ledger_pool;
    day date;
    days text;
    above bigint := -1;
    straggler bigint;
    taken bigint;
    new_number text;
    entry bigint;
    written timestamptz;
    writer bigint;
BEGIN
    SELECT s.id, s.give_back,
           coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date),
           CASE WHEN NOT s.is_active THEN 'inactive' WHEN s.allocation <> 'pooled' THEN 'allocation' END
    INTO series, gives_back, day, outcome
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
    SELECT l.* INTO pool FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = period.id;

    IF NOT gives_back THEN above := ledger_highest_out(p_tenant, period.id); END IF;

    LOOP
        taken := NULL;
        FOREACH straggler IN ARRAY coalesce(pool.stragglers, '{}') LOOP
            SELECT s.value INTO taken FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = straggler AND s.value > above
            FOR UPDATE SKIP LOCKED;
            EXIT WHEN FOUND;
        END LOOP;
        IF taken IS NULL THEN
            -- From where the free ones begin: below lie those that were used up, dead rows until they are vacuumed.
            SELECT s.value INTO taken FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = period.id
              AND s.value >= coalesce(pool.free_from, period.first_value) AND s.value > above
            ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;
        END IF;
        IF taken IS NULL THEN
            RETURN ARRAY['empty', days, series::text, period.id::text, period.last_value::text];
        END IF;

        IF NOT gives_back THEN PERFORM ledger_mark_out(period.id, taken); END IF;

        -- The entry first, then the slot: so the value is accounted for after each statement, even where the caller has
        -- set all constraints to be checked immediately.
        new_number := ledger_number(period.prefix, period.width, period.suffix, taken);
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        VALUES (p_tenant, series, period.id, taken, 'issued', new_number, p_document, day, p_actor, p_metadata)
        ON CONFLICT DO NOTHING
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
        IF FOUND THEN
            DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;
            RETURN ARRAY['issued', days, entry::text, series::text, period.id::text, taken::text, new_number,
                         (extract(epoch FROM written) * 1000000)::bigint::text, writer::text,
                         period.last_value::text,
                         CASE WHEN taken = period.last_value - pool.batch / 4 THEN 'low' ELSE 'enough' END];
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

-- A block: the lowest free values for those documents that have no number yet, in their order; contiguous where no
-- checkout holds one of them. One row for each new number, in no particular order; documents that had a number are left out.
-- 'existing' is one row that says that all had one. A refusal is one row too, and changes nothing: as of
-- ledger_issue_serial_many, and 'empty' when not enough slots are free, with how many are missing as the id, with series,
-- period, and as value the counter.
CREATE FUNCTION ledger_issue_pooled_many(
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
    pool ledger_pool;
    latest date;
    above bigint := -1;
    fresh text[];
    other bigint;
    straggler bigint;
    taken bigint[] := '{}';
    inserted bigint;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    outcome := CASE WHEN series.id IS NULL THEN 'unknown'
                    WHEN NOT series.is_active THEN 'inactive'
                    WHEN series.allocation <> 'pooled' THEN 'allocation' END;
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

    SELECT l.* INTO pool FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = period.id;
    IF NOT series.give_back THEN above := ledger_highest_out(p_tenant, period.id); END IF;
    FOREACH straggler IN ARRAY coalesce(pool.stragglers, '{}') LOOP
        EXIT WHEN cardinality(taken) = cardinality(fresh);
        PERFORM FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = straggler AND s.value > above
        FOR UPDATE SKIP LOCKED;
        IF FOUND THEN taken := taken || straggler; END IF;
    END LOOP;
    taken := taken || ARRAY(
        SELECT s.value FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = period.id
          AND s.value >= coalesce(pool.free_from, period.first_value) AND s.value > above
        ORDER BY s.value LIMIT cardinality(fresh) - cardinality(taken) FOR UPDATE SKIP LOCKED);
    IF cardinality(taken) < cardinality(fresh) THEN
        outcome := 'empty';
        entry_series := series.id;
        entry_period := period.id;
        entry_value := period.last_value;
        entry_id := cardinality(fresh) - cardinality(taken);
        RETURN NEXT; RETURN;
    END IF;

    IF NOT series.give_back THEN PERFORM ledger_mark_out(period.id, taken[cardinality(taken)]); END IF;
    RETURN QUERY
    INSERT INTO ledger_entry AS e
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p_tenant, series.id, period.id, d.value, 'issued',
           ledger_number(period.prefix, period.width, period.suffix, d.value),
           d.document, latest, p_actor, coalesce(p_metadata, '{}')
    FROM unnest(fresh, taken) AS d (document, value)
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
        SELECT p_tenant, series.id, period.id, d.value, 'issued',
               ledger_number(period.prefix, period.width, period.suffix, d.value),
               d.document, latest, p_actor, coalesce(p_metadata, '{}')
        FROM unnest(fresh, taken) AS d (document, value)
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
    -- (A list of keys, and not a join, for which the planner might take the square of the list's length.)
    DELETE FROM ledger_slot s
    WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = ANY (taken);
END $$;

-- Mint slots, in a short transaction of its own: raise the counter and queue the values. The caller says where it saw the
-- counter (p_seen); if it stands elsewhere by now, somebody else has minted, and nothing is done. Returns 'minted', 'there'
-- (somebody did), 'unknown' (no such period is to be seen), 'allocation', 'closed' or 'exhausted'.
CREATE FUNCTION ledger_mint(p_tenant text, p_period bigint, p_seen bigint, p_wanted bigint) RETURNS text LANGUAGE plpgsql
-- Nobody holds this counter for long, but who changes the series. Better an error than a checkout that hangs.
SET lock_timeout = '2s' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period ledger_period;
    pool ledger_pool;
    straggler bigint;
    waiting bigint[] := '{}';
    size bigint;
BEGIN
    -- Before any lock is waited for, since a transaction that made the period and holds it may be the one that asks.
    PERFORM FROM ledger_period p WHERE p.id = p_period;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    PERFORM pg_advisory_xact_lock(1181707369, hashint8(p_period));
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period FOR NO KEY UPDATE;
    IF period.tenant IS DISTINCT FROM p_tenant THEN RETURN 'unknown'; END IF;
    IF period.last_value <> p_seen THEN RETURN 'there'; END IF;
    IF period.closed_at IS NOT NULL THEN RETURN 'closed'; END IF;
    IF NOT EXISTS (SELECT FROM ledger_series s WHERE s.id = period.series_id AND s.allocation = 'pooled') THEN
        RETURN 'allocation';
    END IF;
    IF period.last_value >= period.max_value THEN RETURN 'exhausted'; END IF;

    SELECT * INTO pool FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = p_period;
    IF NOT FOUND THEN
        pool.free_from := period.first_value;
        pool.batch_from := period.first_value;
        pool.stragglers := '{}';
        pool.batch := 16;
    END IF;

    -- Half a second's use at least, and not much more than a minute's.
    size := CASE WHEN pool.minted_at > clock_timestamp() - interval '1 second' THEN least(pool.batch * 2, 1024)
                 WHEN pool.minted_at < clock_timestamp() - interval '1 minute' THEN greatest(pool.batch / 2, 16)
                 ELSE pool.batch END;

    -- Slots that are still there of batches before the last one, held by slow checkouts or given back, are remembered one
    -- by one; so a single slow payment doesn't make everybody walk over all the slots used since. Every slot is seen here
    -- that is free or may become free again: a checkout that holds one has not committed, so its row is visible.
    FOREACH straggler IN ARRAY pool.stragglers LOOP
        PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = straggler;
        IF FOUND THEN waiting := waiting || straggler; END IF;
    END LOOP;
    waiting := waiting || ARRAY(
        SELECT s.value FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period
          AND s.value >= pool.free_from AND s.value < pool.batch_from
        ORDER BY s.value LIMIT 101);
    IF cardinality(waiting) > 100 THEN
        pool.free_from := waiting[101];
        pool.stragglers := waiting[1:100];
    ELSE
        pool.stragglers := waiting;
        SELECT s.value INTO pool.free_from FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value >= greatest(pool.free_from, pool.batch_from)
        ORDER BY s.value LIMIT 1;
        pool.free_from := coalesce(pool.free_from, period.last_value + 1);
    END IF;

    UPDATE ledger_period p SET last_value = least(period.last_value + greatest(size, p_wanted), period.max_value)
    WHERE p.id = p_period;
    INSERT INTO ledger_slot (tenant, period_id, value)
    SELECT p_tenant, p_period, v
    FROM generate_series(period.last_value + 1, least(period.last_value + greatest(size, p_wanted), period.max_value)) v;
    INSERT INTO ledger_pool (tenant, period_id, free_from, stragglers, batch_from, batch)
    VALUES (p_tenant, p_period, pool.free_from, pool.stragglers, period.last_value + 1, size)
    ON CONFLICT (tenant, period_id) DO UPDATE
    SET free_from = excluded.free_from, stragglers = excluded.stragglers, batch_from = excluded.batch_from,
        batch = excluded.batch, minted_at = clock_timestamp();
    RETURN 'minted';
END $$;
