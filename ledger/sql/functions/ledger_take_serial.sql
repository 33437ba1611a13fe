-- One number directly from the counter, for `serial` and, at COMMIT, for `at_commit`, which has already promised the
-- entry's id (p_promised). The counter's row stays locked until the caller's transaction ends, so that a rollback takes
-- the counter back and leaves no gap.
--
-- Returns an array of texts, which costs PostgreSQL and the caller less than a row. First comes the outcome: 'issued',
-- 'existing' (the document had a number), or a refusal: 'unknown', 'foreign' (the login may not act for this tenant),
-- 'inactive', 'allocation', 'too_far' (the date), 'no_period', 'closed', 'exhausted', 'out_of_order'. Then comes the
-- business date in days since 1970, then the entry's id and, if the entry is new, its series, period, value, number,
-- time in microseconds since 1970, transaction, and whether COMMIT releases the counter before its flush
-- (early_release). A refusal locks and changes nothing.
CREATE OR REPLACE FUNCTION ledger_take_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    p_replaces bigint, p_promised bigint
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    guarded boolean;
    early boolean;
    series bigint;
    period bigint;
    last_seen bigint;
    day date;
    taken bigint;
    new_number text;
    latest date;
    entry bigint;
    answer text[];
BEGIN
    -- One query for everything that is known before anything is locked. A retry finds its number here, and doesn't queue
    -- behind somebody's payment. The period is found as in ledger_find_period, but only with the columns needed here,
    -- because PostgreSQL prepares each column of each step for each number.
    SELECT s.id, s.chronological, s.day, s.refusal, s.early_release, q.last_value,
           CASE WHEN q.ends_on >= s.day AND q.closed_at IS NULL AND q.last_value < q.max_value
                 AND (NOT s.chronological OR q.last_issued_on IS NULL OR q.last_issued_on <= s.day) THEN q.id END,
           (SELECT o.id FROM ledger_entry_of(p_tenant, s.id, p_document, p_replaces) o)
    INTO series, guarded, day, outcome, early, last_seen, period, entry
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at,
                            CASE WHEN p_promised IS NULL THEN 'serial' ELSE 'at_commit' END) s
    LEFT JOIN LATERAL (
        SELECT r.id, r.ends_on, r.last_value, r.max_value, r.last_issued_on, r.closed_at
        FROM ledger_period r
        WHERE r.tenant = p_tenant AND r.series_id = s.id AND r.starts_on <= s.day AND r.ordinal = 0
        ORDER BY r.starts_on DESC LIMIT 1
    ) q ON true;

    LOOP
        -- One condition lets nearly every number pass: PostgreSQL prepares each condition anew in each transaction.
        IF period IS NULL OR entry IS NOT NULL OR outcome IS NOT NULL THEN
            IF series IS NULL THEN RETURN ARRAY['unknown']; END IF;
            -- A ticket is numbered even if the allocation was changed after it was inserted.
            IF outcome <> 'allocation' OR p_promised IS NULL AND outcome IS NOT NULL THEN RETURN ARRAY[outcome]; END IF;
            IF entry IS NOT NULL THEN RETURN ARRAY['existing', (day - DATE '1970-01-01')::text, entry::text]; END IF;
            -- The latest date may belong to a number that is void by now.
            IF period IS NULL AND guarded AND ledger_lower_date(p_tenant, series, day) THEN
                SELECT q.id, q.last_value INTO period, last_seen
                FROM ledger_find_period(p_tenant, series, day) q
                WHERE q.last_value < q.max_value;
            END IF;
            -- The counter of an authorised range was read after the document, so it can't show whether the document has
            -- a number by now.
            IF period IS NULL THEN
                SELECT q.id, -2 INTO period, last_seen FROM ledger_find_range(p_tenant, series, day, guarded) q;
            END IF;
            -- Refuse before locking anything: the caller may continue a long transaction.
            IF period IS NULL THEN
                RETURN ARRAY[ledger_refusal(p_tenant, series, day, 1), (day - DATE '1970-01-01')::text];
            END IF;
        END IF;
        -- Usually nobody queues, and this costs less than a call.
        IF NOT pg_try_advisory_xact_lock(1181707369, hashint8(period # hashtextextended('@schema@.ledger_period', 0))) THEN
            PERFORM ledger_wait_in_line(period);
        END IF;

        -- UPDATE itself takes the lock: a SELECT … FOR UPDATE before it would cost one more WAL record for each number.
        -- With the lock held, PostgreSQL checks every condition again on the row as it is then.
        UPDATE ledger_period p
        SET last_value = p.last_value + 1,
            last_issued_on = CASE WHEN guarded OR p.last_issued_on IS NOT NULL THEN greatest(p.last_issued_on, day) END
        WHERE p.id = period
          AND day BETWEEN p.starts_on AND p.ends_on
          AND p.closed_at IS NULL
          AND p.last_value < p.max_value
          AND (NOT guarded OR p.last_issued_on IS NULL OR p.last_issued_on <= day)
        RETURNING p.last_value, ledger_number(p.prefix, p.width, p.suffix, p.last_value, day) INTO taken, new_number;
        -- Under the lock the period doesn't change. The counter was read before the document was looked up.
        EXIT WHEN taken = last_seen + 1;
        -- If it has changed since then, the document may have got a number on another connection, so look again. (ON
        -- CONFLICT would find that too, but costs a speculative insertion each time. The unique index catches a number in
        -- another period.)
        IF taken IS NOT NULL THEN
            IF p_document > '' THEN
                SELECT o.id INTO entry FROM ledger_entry_of(p_tenant, series, p_document, p_replaces) o;
            END IF;
            EXIT WHEN entry IS NULL;
            latest := ledger_latest_date(p_tenant, period);
            UPDATE ledger_period p
            SET last_value = taken - 1, last_issued_on = CASE WHEN p.last_issued_on IS NOT NULL THEN latest END
            WHERE p.id = period;
            RETURN ARRAY['existing', (day - DATE '1970-01-01')::text, entry::text];
        END IF;
        -- While this checkout waited, the range was used up or closed: take the next one, if there is one.
        period := NULL;
    END LOOP;

    -- The id that was promised, or the next one.
    INSERT INTO ledger_entry AS e
        (id, tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata, replaces_id)
    VALUES (coalesce(p_promised, nextval('ledger_entry_id_seq')), p_tenant, series, period, taken, 'issued', new_number,
            p_document, day, p_actor, p_metadata, p_replaces)
    RETURNING ARRAY['issued', (day - DATE '1970-01-01')::text, e.id::text, series::text, period::text, taken::text,
                    new_number, (date_part('epoch', e.issued_at) * 1e6::float8)::bigint::text, e.transaction_id::text,
                    early::text]
    INTO answer;
    RETURN answer;
END $$;
