-- One number of a `pooled` or `remote` series (p_allocation): the lowest free slot of its period that no other checkout
-- holds. It locks no counter and uses no network; a rollback brings the slot back. In `remote` a slot's number is that
-- of a draft that a worker made in the accounting system. Lower values came earlier, so slots are taken in the order of
-- that system's numbers.
--
-- The answer is that of ledger_take_serial, with these differences: 'empty' means that no slot is free, and then series,
-- period and the counter follow the date; a new number ends with the counter and with 'low' when it is time to mint, else
-- 'enough'.
CREATE OR REPLACE FUNCTION ledger_issue_slot(
    p_allocation text, p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text,
    p_metadata jsonb, p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- A queue's statistics are always out of date, because it fills and empties quickly. So this look-up must use the right
-- index.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    look record;
    range record;
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
    SELECT s.id AS series, s.give_back, s.day, s.refusal, q.id AS period, q.prefix, q.width, q.suffix, q.first_value,
           q.last_value, q.max_value, 0 AS ordinal, o.id AS entry, l.free_from, l.stragglers, l.batch
    INTO look
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at, p_allocation) s
    LEFT JOIN LATERAL ledger_find_period(p_tenant, s.id, s.day) q ON q.closed_at IS NULL
    LEFT JOIN LATERAL ledger_entry_of(p_tenant, s.id, p_document, p_replaces) o ON true
    LEFT JOIN ledger_pool l ON l.tenant = p_tenant AND l.period_id = q.id;
    IF look.series IS NULL OR look.refusal IS NOT NULL THEN RETURN ARRAY[coalesce(look.refusal, 'unknown')]; END IF;
    days := (look.day - DATE '1970-01-01')::text;
    IF look.entry IS NOT NULL THEN RETURN ARRAY['existing', days, look.entry::text]; END IF;

    LOOP
        -- Authorised ranges: the first one, and then the next if other checkouts hold all that is left of it.
        IF look.period IS NULL OR look.ordinal > 0 AND taken IS NULL AND look.last_value >= look.max_value THEN
            SELECT look.series, look.give_back, look.day, r.id AS period, r.prefix, r.width, r.suffix, r.first_value,
                   r.last_value, r.max_value, r.ordinal, l.free_from, l.stragglers, l.batch
            INTO range
            FROM ledger_period r LEFT JOIN ledger_pool l ON l.tenant = p_tenant AND l.period_id = r.id
            WHERE r.tenant = p_tenant AND r.series_id = look.series AND r.ordinal > look.ordinal
              AND look.day BETWEEN r.starts_on AND r.ends_on AND r.closed_at IS NULL
              AND (r.last_value < r.max_value
                   OR EXISTS (SELECT FROM ledger_slot w WHERE w.tenant = p_tenant AND w.period_id = r.id))
            ORDER BY r.ordinal LIMIT 1;
            IF FOUND THEN
                look := range;
            ELSIF look.period IS NULL THEN
                RETURN ARRAY[ledger_refusal(p_tenant, look.series, look.day, 0), days];
            ELSE
                RETURN ARRAY['empty', days, look.series::text, look.period::text, look.last_value::text];
            END IF;
        END IF;
        IF NOT look.give_back THEN above := ledger_highest_out(p_tenant, look.period); END IF;
        taken := NULL;
        FOREACH straggler IN ARRAY coalesce(look.stragglers, '{}') LOOP
            SELECT s.value INTO taken FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = look.period AND s.value = straggler AND s.value > above
            FOR UPDATE SKIP LOCKED;
            EXIT WHEN FOUND;
        END LOOP;
        IF taken IS NULL THEN
            -- Start where the free slots begin: below are used slots, which are dead rows until a vacuum.
            SELECT s.value INTO taken FROM ledger_slot s
            WHERE s.tenant = p_tenant AND s.period_id = look.period
              AND s.value >= coalesce(look.free_from, look.first_value) AND s.value > above
            ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;
        END IF;
        IF taken IS NULL THEN
            CONTINUE WHEN look.ordinal > 0 AND look.last_value >= look.max_value;
            RETURN ARRAY['empty', days, look.series::text, look.period::text, look.last_value::text];
        END IF;

        -- The entry first, then the slot: so the value is accounted for after each statement, even if the caller has set
        -- all constraints to be checked immediately.
        IF p_allocation = 'remote' THEN
            new_number := ledger_drafted(p_tenant, look.period, taken);
        ELSE
            new_number := ledger_number(look.prefix, look.width, look.suffix, taken, look.day);
        END IF;
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
        VALUES (p_tenant, look.series, look.period, taken, 'issued', new_number, p_document, look.day, p_actor,
                p_metadata, p_replaces)
        ON CONFLICT DO NOTHING
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
        IF FOUND THEN
            DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = look.period AND s.value = taken;
            RETURN ARRAY['issued', days, entry::text, look.series::text, look.period::text, taken::text, new_number,
                         (date_part('epoch', written) * 1e6::float8)::bigint::text, writer::text,
                         look.last_value::text,
                         CASE WHEN taken = look.last_value - look.batch / 4 THEN 'low' ELSE 'enough' END];
        END IF;

        -- The document got a number on another connection in the meantime: that number counts, and the slot stays.
        IF p_document > '' THEN
            SELECT o.id INTO entry FROM ledger_entry_of(p_tenant, look.series, p_document, p_replaces) o;
            IF entry IS NOT NULL THEN RETURN ARRAY['existing', days, entry::text]; END IF;
        END IF;
        IF NOT ledger_value_is_kept(p_tenant, look.period, taken) THEN
            -- Another series gave out the same number: let the unique index raise the error.
            INSERT INTO ledger_entry
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
            VALUES (p_tenant, look.series, look.period, taken, 'issued', new_number, p_document, look.day, p_actor,
                    p_metadata, p_replaces);
        END IF;
        -- Somebody else appended an entry for a waiting value. Take the next slot.
        DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = look.period AND s.value = taken;
    END LOOP;
END $$;
