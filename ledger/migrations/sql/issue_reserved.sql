-- The allocation `reserved`, in three steps: the checkout looks where its number will come from; a second connection
-- commits the reservation; the checkout turns that into an entry. Nobody else is ever given the value, whatever becomes of
-- the checkout.

-- Step 1, in the checkout's transaction, whose id is evidence later. 'look' with the business date in days since 1970,
-- series, period and transaction; or 'existing' with the date and the entry; or why not.
CREATE FUNCTION ledger_look(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_allocation text
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    series bigint;
    period bigint;
    day date;
    days text;
    entry bigint;
BEGIN
    SELECT s.id, coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date),
           CASE WHEN NOT s.is_active THEN 'inactive' WHEN s.allocation <> p_allocation THEN 'allocation' END
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

    SELECT q.id INTO period
    FROM (SELECT r.id, r.ends_on, r.closed_at FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = series AND r.starts_on <= day
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= day AND q.closed_at IS NULL;
    IF NOT FOUND THEN RETURN ARRAY[ledger_refusal(p_tenant, series, day, 0), days]; END IF;
    RETURN ARRAY['look', days, series::text, period::text, pg_current_xact_id()::text];
END $$;

-- The latest business date in a period: what the chronology guard compares with. Also of values that wait.
CREATE OR REPLACE FUNCTION ledger_latest_date(p_tenant text, p_period_id bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT max(e.issued_on) FROM ledger_entry e
         WHERE e.tenant = p_tenant AND e.period_id = p_period_id AND e.kind <> 'gap'),
        (SELECT max(r.issued_on) FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period_id))
$$;

-- Those of a block's documents that have no number yet, in their order; and the id of an entry whose period or metadata
-- are not what was stated, if there is one (p_metadata is null where none were).
CREATE FUNCTION ledger_fresh(
    p_tenant text, p_series bigint, p_period bigint, p_documents text[], p_on_stated boolean, p_metadata jsonb,
    OUT fresh text[], OUT other bigint
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL), '{}'),
           min(e.id) FILTER (WHERE (p_on_stated AND e.period_id <> p_period) OR e.metadata <> p_metadata)
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN LATERAL (
        SELECT e.id, e.period_id, e.metadata FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = p_series AND e.document = d.document AND e.document > '' LIMIT 1
    ) e ON true
$$;

-- Step 2, in a short transaction of its own: a reservation for each document, in a row of values where all are new. A
-- document that has one in this period is given the same again: a retry shows the payment provider the same number. One
-- row for each, with its place in the list; or one row that says why not: 'unknown' (no such period is to be seen),
-- 'allocation', 'closed', 'out_of_order', 'exhausted', or 'existing' for a document that has been numbered meanwhile.
CREATE FUNCTION ledger_reserve(
    p_tenant text, p_period bigint, p_on date, p_documents text[], p_actor text, p_transaction bigint
) RETURNS TABLE (outcome text, place bigint, reservation bigint, reserved_value bigint) LANGUAGE plpgsql
-- Nobody holds this counter for long, but who changes the series. Better an error than a checkout that hangs.
SET lock_timeout = '5s' SET enable_seqscan = off SET enable_bitmapscan = off
-- A list of one looks cheaper to the planner than a list of any length, so it would plan anew for each number.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    period ledger_period;
    guarded boolean;
    fresh text[];
    places bigint[];
BEGIN
    PERFORM FROM ledger_period p WHERE p.id = p_period;
    IF NOT FOUND THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
    PERFORM pg_advisory_xact_lock(1181707369, hashint8(p_period));
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period FOR NO KEY UPDATE;
    IF period.tenant IS DISTINCT FROM p_tenant THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
    SELECT s.chronological, CASE WHEN s.allocation <> 'reserved' THEN 'allocation' END
    INTO guarded, outcome
    FROM ledger_series s WHERE s.id = period.series_id;

    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE r.id IS NULL),
           array_agg(d.ordinality ORDER BY d.ordinality) FILTER (WHERE r.id IS NULL),
           CASE WHEN outcome IS NULL AND bool_or(e.id IS NOT NULL) THEN 'existing' ELSE outcome END
    INTO fresh, places, outcome
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN LATERAL (
        SELECT r.id FROM ledger_reservation r
        WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.document = d.document AND r.document > '' LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT e.id FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = period.series_id AND e.document = d.document AND e.document > ''
        LIMIT 1
    ) e ON true;

    IF outcome IS NULL THEN
        outcome := CASE WHEN period.closed_at IS NOT NULL THEN 'closed'
                        WHEN guarded AND period.last_issued_on > p_on THEN 'out_of_order'
                        WHEN period.last_value + coalesce(cardinality(fresh), 0) > period.max_value THEN 'exhausted' END;
    END IF;
    IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;

    IF fresh IS NOT NULL THEN
        UPDATE ledger_period p
        SET last_value = period.last_value + cardinality(fresh),
            last_issued_on = CASE WHEN guarded OR period.last_issued_on IS NOT NULL
                                  THEN greatest(period.last_issued_on, p_on) END
        WHERE p.id = p_period;
        RETURN QUERY
        INSERT INTO ledger_reservation AS r
            (tenant, series_id, period_id, value, document, issued_on, actor, checkout_transaction_id)
        SELECT p_tenant, period.series_id, p_period, period.last_value + d.ordinality, d.document, p_on, p_actor,
               p_transaction
        FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
        RETURNING 'reserved', places[r.value - period.last_value], r.id, r.value;
    END IF;
    IF fresh IS NULL OR cardinality(fresh) < cardinality(p_documents) THEN
        RETURN QUERY
        SELECT 'reserved', d.ordinality, r.id, r.value
        FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
        CROSS JOIN LATERAL (
            SELECT r.id, r.value FROM ledger_reservation r
            WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.document = d.document AND r.document > ''
            LIMIT 1
        ) r
        WHERE d.ordinality NOT IN (SELECT unnest(places));
    END IF;
END $$;

-- Step 3, in the checkout's transaction: reservations become entries. A row for each entry, in no particular order; a
-- reservation that a sweep has turned into a gap meanwhile gives none.
CREATE FUNCTION ledger_issue_reserved(
    p_tenant text, p_series bigint, p_period bigint, p_on date, p_reservations bigint[], p_documents text[],
    p_actor text, p_metadata jsonb
) RETURNS TABLE (
    entry_id bigint, entry_value bigint, entry_number text, entry_date date, entry_issued_us bigint,
    entry_transaction bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    period ledger_period;
    guarded boolean;
BEGIN
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    -- With the chronology guard on, a retry keeps the date of its reservation, as it keeps the value: later values have
    -- been dated since.
    SELECT s.chronological INTO guarded FROM ledger_series s WHERE s.id = p_series;
    RETURN QUERY
    WITH taken AS (
        DELETE FROM ledger_reservation r
        USING unnest(p_reservations, p_documents) AS d (id, document)
        WHERE r.id = d.id AND r.tenant = p_tenant AND r.period_id = p_period
        RETURNING d.document, r.value, r.issued_on AS reserved_on
    )
    INSERT INTO ledger_entry AS e
        (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    SELECT p_tenant, p_series, p_period, t.value, 'issued',
           ledger_number(period.prefix, period.width, period.suffix, t.value), t.document,
           CASE WHEN guarded THEN t.reserved_on ELSE p_on END, p_actor, p_metadata
    FROM taken t
    RETURNING e.id, e.value, e.number::text, e.issued_on, (extract(epoch FROM e.issued_at) * 1000000)::bigint,
              e.transaction_id;
END $$;
