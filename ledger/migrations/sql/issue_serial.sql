-- The allocation `serial`: the counter's row stays locked from here to the caller's COMMIT, so that a rollback takes
-- the counter back and leaves no gap. Functions, so that the plan is cached on the server without prepared statements
-- of the protocol, which PgBouncer in transaction mode may not carry.
--
-- `at_commit` numbers by the same functions, and then names the ids that its tickets promised for the entries.

-- As they were before there were tickets.
DROP FUNCTION IF EXISTS ledger_issue_serial(text, text, date, timestamptz, text, text, jsonb);
DROP FUNCTION IF EXISTS ledger_issue_serial_many(text, text, date, timestamptz, text[], text, jsonb, boolean);

-- One number. The answer is an array of texts, which PostgreSQL makes and callers read with less work than a row: first
-- the outcome, 'issued', 'existing' (the document had one), or why not: 'unknown', 'inactive', 'allocation', 'no_period',
-- 'closed', 'exhausted', 'out_of_order'; then the business date in days since 1970; then of the entry its id, and if it
-- is new, series, period, value, number, time in microseconds since 1970, and transaction. A refusal locks and changes
-- nothing.
CREATE OR REPLACE FUNCTION ledger_issue_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    p_promised bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    guarded boolean;
    series bigint;
    period bigint;
    last_seen bigint;
    day date;
    taken bigint;
    new_number text;
    entry bigint;
    written timestamptz;
    writer bigint;
BEGIN
    -- The series' time zone decides the business date, and the clock is read as late as can be.
    SELECT s.id, s.chronological,
           coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date),
           CASE WHEN NOT s.is_active THEN 'inactive' WHEN s.allocation <> 'serial' AND p_promised IS NULL THEN 'allocation' END
    INTO series, guarded, day, outcome
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF outcome IS NOT NULL THEN RETURN ARRAY[outcome]; END IF;

    -- LIMIT keeps each look-up one probe of its unique index, whatever the planner thinks of a table that grows fast.
    SELECT q.id, q.last_value INTO period, last_seen
    FROM (SELECT r.id, r.last_value, r.ends_on, r.closed_at, r.max_value, r.last_issued_on FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = series AND r.starts_on <= day
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= day
      AND q.closed_at IS NULL
      AND q.last_value < q.max_value
      AND (NOT guarded OR q.last_issued_on IS NULL OR q.last_issued_on <= day);

    -- A retry finds its number here, and does not queue behind somebody's payment for it.
    IF p_document > '' THEN
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = p_document AND e.document > ''
        LIMIT 1;
        IF FOUND THEN RETURN ARRAY['existing', (day - DATE '1970-01-01')::text, entry::text]; END IF;
    END IF;

    -- A refusal is told before anything is locked: the caller may go on with a transaction that takes long.
    IF period IS NULL THEN
        RETURN ARRAY[ledger_refusal(p_tenant, series, day, 1), (day - DATE '1970-01-01')::text];
    END IF;
    -- Checkouts queue for a counter before they touch its row. Woken one by one, each then finds the row free and as it
    -- is; those who queue on a row are woken twice and look at it again (16 threads: 1,470 numbers a second, instead of
    -- 1,790). The row's own lock still is what guards the counter. Blocks queue in the same way, so that of two checkouts
    -- none holds the one and waits for the other. 1181707369 is "Foli" in ASCII.
    PERFORM pg_advisory_xact_lock(1181707369, hashint8(period));

    -- UPDATE takes the lock by itself: a SELECT … FOR UPDATE before it would cost one more WAL record for each number.
    -- Once the lock is held, every condition is asked again of the row as it is then.
    UPDATE ledger_period p
    SET last_value = p.last_value + 1,
        last_issued_on = CASE WHEN guarded OR p.last_issued_on IS NOT NULL THEN greatest(p.last_issued_on, day) END
    WHERE p.id = period
      AND day BETWEEN p.starts_on AND p.ends_on
      AND p.closed_at IS NULL
      AND p.last_value < p.max_value
      AND (NOT guarded OR p.last_issued_on IS NULL OR p.last_issued_on <= day)
    RETURNING p.last_value, ledger_number(p.prefix, p.width, p.suffix, p.last_value) INTO taken, new_number;
    IF NOT FOUND THEN
        RETURN ARRAY[ledger_refusal(p_tenant, series, day, 1), (day - DATE '1970-01-01')::text];
    END IF;

    -- Under the lock the period holds still. If its counter moved since it was seen, which was before the document was
    -- looked for, the document may have come in on another connection: look again. (ON CONFLICT would find that too, at
    -- the price of a speculative insertion each time. One that came in in another period meets the unique index.)
    IF taken <> last_seen + 1 AND p_document > '' THEN
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = p_document AND e.document > ''
        LIMIT 1;
        IF FOUND THEN
            UPDATE ledger_period p
            SET last_value = taken - 1,
                last_issued_on = CASE WHEN p.last_issued_on IS NOT NULL THEN ledger_latest_date(p_tenant, period) END
            WHERE p.id = period;
            RETURN ARRAY['existing', (day - DATE '1970-01-01')::text, entry::text];
        END IF;
    END IF;

    -- Two statements, since to name the sequence of the ids is a privilege that their default needs not.
    IF p_promised IS NULL THEN
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        VALUES (p_tenant, series, period, taken, 'issued', new_number, p_document, day, p_actor, p_metadata)
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
    ELSE
        INSERT INTO ledger_entry AS e
            (id, tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        VALUES (p_promised, p_tenant, series, period, taken, 'issued', new_number, p_document, day, p_actor, p_metadata)
        RETURNING e.id, e.issued_at, e.transaction_id INTO entry, written, writer;
    END IF;
    RETURN ARRAY['issued', (day - DATE '1970-01-01')::text, entry::text, series::text, period::text, taken::text,
                 new_number, (extract(epoch FROM written) * 1000000)::bigint::text, writer::text];
END $$;

-- Why the period of a date gives out no number: the reasons in the order in which a person should hear them.
CREATE OR REPLACE FUNCTION ledger_refusal(p_tenant text, p_series_id bigint, p_on date, p_count bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT CASE WHEN p.closed_at IS NOT NULL THEN 'closed'
                    WHEN s.chronological AND p.last_issued_on > p_on THEN 'out_of_order'
                    WHEN p.last_value + p_count > p.max_value THEN 'exhausted'
                    ELSE 'try_again' END
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.tenant = p_tenant AND p.series_id = p_series_id AND p_on BETWEEN p.starts_on AND p.ends_on
    ), 'no_period')
$$;

-- The latest business date in a period: what the chronology guard compares with. It reads the whole period, so the hot
-- path keeps the answer in last_issued_on while the guard is on.
CREATE OR REPLACE FUNCTION ledger_latest_date(p_tenant text, p_period_id bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT max(e.issued_on) FROM ledger_entry e
    WHERE e.tenant = p_tenant AND e.period_id = p_period_id AND e.kind <> 'gap'
$$;

-- A contiguous block for the documents that have no number yet, in their order. One row for each document, in no
-- particular order: `place` is its position in the list; those that had a number are 'existing', and one such row stands for
-- all where nobody needs a new one. A refusal is one row with its outcome, and changes nothing. It locks nothing either,
-- but for two that only the lock can tell: 'exhausted' by this block alone, and 'other_facts', with the id of an entry
-- whose period or metadata are not what was stated (p_on_stated; p_metadata is null where none were). `entry_issued_us` is the time in microseconds since 1970, which a client reads
-- many times faster than a timestamp; for a hundred thousand rows that counts.
CREATE OR REPLACE FUNCTION ledger_issue_serial_many(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean, p_promised bigint[] DEFAULT NULL
) RETURNS TABLE (
    outcome text, business_date date, place bigint, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_us bigint, entry_transaction bigint
) LANGUAGE plpgsql AS $$
DECLARE
    series ledger_series;
    period ledger_period;
    fresh text[];
    places bigint[];
    other bigint;
    latest date;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    outcome := CASE WHEN series.id IS NULL THEN 'unknown'
                    WHEN NOT series.is_active THEN 'inactive'
                    WHEN series.allocation <> 'serial' AND p_promised IS NULL THEN 'allocation' END;
    IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;

    latest := coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE series.time_zone)::date);
    business_date := latest;

    -- A retry of the whole block does not queue, nor ask for an open period.
    -- (Here a scalar subquery and below LIMIT 1, so that it stays one probe of the unique index for each document. The
    -- planner can't know how long the list is, and would join it with the whole table, which takes the square of that.)
    IF NOT EXISTS (SELECT FROM unnest(p_documents) AS d (document)
                   WHERE (SELECT e.id FROM ledger_entry e
                          WHERE e.tenant = p_tenant AND e.series_id = series.id
                            AND e.document = d.document AND e.document > '') IS NULL) THEN
        outcome := 'existing';
        RETURN NEXT; RETURN;
    END IF;

    -- Twice: at first to refuse before anything is locked, and then under the lock.
    FOR look IN 1..2 LOOP
        IF look = 2 THEN
            PERFORM pg_advisory_xact_lock(1181707369, hashint8(period.id));
            PERFORM FROM ledger_period p WHERE p.id = period.id FOR NO KEY UPDATE;
        END IF;
        SELECT q.* INTO period
        FROM (SELECT r.* FROM ledger_period r
              WHERE r.tenant = p_tenant AND r.series_id = series.id AND r.starts_on <= latest
              ORDER BY r.starts_on DESC LIMIT 1) q
        WHERE q.ends_on >= latest
          AND q.closed_at IS NULL
          AND q.last_value < q.max_value
          AND (NOT series.chronological OR q.last_issued_on IS NULL OR q.last_issued_on <= latest);
        EXIT WHEN NOT FOUND;
    END LOOP;
    IF period.id IS NULL THEN
        outcome := ledger_refusal(p_tenant, series.id, latest, 1);
        RETURN NEXT; RETURN;
    END IF;

    -- Again under the lock, so that a concurrent call for the same documents is seen.
    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           array_agg(d.ordinality ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           min(e.id) FILTER (WHERE (p_on_stated AND e.period_id <> period.id) OR e.metadata <> p_metadata)
    INTO fresh, places, other
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
    IF period.last_value + coalesce(cardinality(fresh), 0) > period.max_value THEN
        outcome := 'exhausted';
        RETURN NEXT; RETURN;
    END IF;

    IF fresh IS NOT NULL THEN
        UPDATE ledger_period p
        SET last_value = period.last_value + cardinality(fresh),
            last_issued_on = CASE WHEN series.chronological OR period.last_issued_on IS NOT NULL
                                  THEN greatest(period.last_issued_on, latest) END
        WHERE p.id = period.id;

        -- The value tells the place. (A join by document would: PostgreSQL can't know how long the list is, and takes
        -- the square of its length for it.)
        IF p_promised IS NULL THEN
            RETURN QUERY
            INSERT INTO ledger_entry AS e
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            SELECT p_tenant, series.id, period.id, period.last_value + d.ordinality, 'issued',
                   ledger_number(period.prefix, period.width, period.suffix, period.last_value + d.ordinality),
                   d.document, latest, p_actor, coalesce(p_metadata, '{}')
            FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
            RETURNING 'issued', latest, places[e.value - period.last_value], e.id, e.series_id, e.period_id, e.value,
                      e.number::text, (extract(epoch FROM e.issued_at) * 1000000)::bigint, e.transaction_id;
        ELSE
            RETURN QUERY
            INSERT INTO ledger_entry AS e
                (id, tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            SELECT p_promised[places[d.ordinality]], p_tenant, series.id, period.id, period.last_value + d.ordinality, 'issued',
                   ledger_number(period.prefix, period.width, period.suffix, period.last_value + d.ordinality),
                   d.document, latest, p_actor, coalesce(p_metadata, '{}')
            FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
            RETURNING 'issued', latest, places[e.value - period.last_value], e.id, e.series_id, e.period_id, e.value,
                      e.number::text, (extract(epoch FROM e.issued_at) * 1000000)::bigint, e.transaction_id;
        END IF;
    END IF;

    IF fresh IS NULL OR cardinality(fresh) < cardinality(p_documents) THEN
        RETURN QUERY
        SELECT 'existing', latest, d.ordinality, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::text,
               NULL::bigint, NULL::bigint
        FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
        WHERE d.ordinality NOT IN (SELECT unnest(places));
    END IF;
END $$;
