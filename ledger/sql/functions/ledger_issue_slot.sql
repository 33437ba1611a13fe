-- One number of a `pooled` or `remote` series (p_allocation): the lowest free slot of its period, past those that other
-- checkouts hold. No counter is locked, and no network asked; a rollback brings the slot back. `remote` differs in who
-- supplies the slots: there a slot's number is that of a draft which a worker has made in the accounting system, and lower
-- values came earlier, so slots are taken in the order in which that system gave numbers.
--
-- The answer is that of ledger_take_serial, with these differences: 'empty' means that no slot is free, and then series,
-- period and the counter follow the date; a new number ends with the counter and with 'low' when it is time to mint, else
-- 'enough'.
CREATE OR REPLACE FUNCTION ledger_issue_slot(
    p_allocation text, p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text,
    p_metadata jsonb, p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- A queue's statistics are always old, since it fills and empties within moments: one probe of the right index is the way.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    outcome text;
    gives_back boolean;
    series bigint;
    period record;
    pool record;
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
    IF (p_allocation IN ('pooled', 'remote')) IS NOT TRUE THEN RETURN ARRAY['allocation']; END IF;
    SELECT s.id, s.give_back, s.day, s.refusal INTO series, gives_back, day, outcome
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at, p_allocation) s;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF outcome IS NOT NULL THEN RETURN ARRAY[outcome]; END IF;
    days := (day - DATE '1970-01-01')::text;

    IF p_document > '' THEN
        entry := ledger_entry_of(p_tenant, series, p_document, p_replaces);
        IF entry IS NOT NULL THEN RETURN ARRAY['existing', days, entry::text]; END IF;
    END IF;

    SELECT q.* INTO period FROM ledger_find_period(p_tenant, series, day) q WHERE q.closed_at IS NULL;
    IF NOT FOUND THEN RETURN ARRAY[ledger_refusal(p_tenant, series, day, 0), days]; END IF;
    SELECT l.free_from, l.stragglers, l.batch INTO pool
    FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = period.id;
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

        -- The entry first, then the slot: so the value is accounted for after each statement, even where the caller has
        -- set all constraints to be checked immediately.
        IF p_allocation = 'remote' THEN
            new_number := ledger_drafted(p_tenant, period.id, taken);
        ELSE
            new_number := ledger_number(period.prefix, period.width, period.suffix, taken, day);
        END IF;
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
        VALUES (p_tenant, series, period.id, taken, 'issued', new_number, p_document, day, p_actor, p_metadata,
                p_replaces)
        ON CONFLICT DO NOTHING
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
        IF FOUND THEN
            DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;
            RETURN ARRAY['issued', days, entry::text, series::text, period.id::text, taken::text, new_number,
                         (extract(epoch FROM written) * 1000000::numeric)::bigint::text, writer::text,
                         period.last_value::text,
                         CASE WHEN taken = period.last_value - pool.batch / 4 THEN 'low' ELSE 'enough' END];
        END IF;

        -- The same document came in on another connection meanwhile: its number counts, and the slot stays.
        IF p_document > '' THEN
            entry := ledger_entry_of(p_tenant, series, p_document, p_replaces);
            IF entry IS NOT NULL THEN RETURN ARRAY['existing', days, entry::text]; END IF;
        END IF;
        IF NOT ledger_value_is_kept(p_tenant, period.id, taken) THEN
            -- Another series gave out that very number: let the unique index say so.
            INSERT INTO ledger_entry
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
            VALUES (p_tenant, series, period.id, taken, 'issued', new_number, p_document, day, p_actor, p_metadata,
                    p_replaces);
        END IF;
        -- Something else appended an entry for a value that was waiting. The next slot, then.
        DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;
    END LOOP;
END $$;
