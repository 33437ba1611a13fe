-- Take over the staged rows of a file as adopted numbers of a series, all of them or none. Each row has its period,
-- which is open, and empty or at the end of an earlier adoption; its counter jumps to the end of the old run. Holes
-- become ranges, void rows become voids, and p_explanation, if given, explains each hole. The staged rows are deleted.
-- The table's own guards check the rows. Returns the id of the event, and how many numbers, voids and explanations there
-- are.
CREATE OR REPLACE FUNCTION ledger_adopt(
    p_tenant text, p_series bigint, p_batch text, p_source text, p_digest text, p_options jsonb, p_void_reason text,
    p_explanation text, p_actor text, OUT adoption bigint, OUT numbers bigint, OUT voids bigint, OUT explained bigint
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- The planner's statistics are older than the staged rows. A LATERAL with LIMIT is one index look-up for each row; a
-- join could multiply rows by days.
SET enable_seqscan = off AS $$
DECLARE
    guarded boolean;
    bound date;
    problem text;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    PERFORM ledger_act_as(p_actor);
    SELECT s.chronological, (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead INTO guarded, bound
    FROM ledger_series s WHERE s.id = p_series AND s.tenant = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'series % does not belong to tenant %', p_series, quote_literal(p_tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    -- From here on checkouts wait, and the ledger of these periods doesn't change.
    PERFORM FROM ledger_period p
    WHERE p.id IN (SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = p_batch)
      AND p.tenant = p_tenant AND p.series_id = p_series
    ORDER BY p.id FOR NO KEY UPDATE;
    SELECT CASE
        WHEN s.problem IS NOT NULL THEN s.problem
        WHEN p.id IS NULL OR p.tenant <> p_tenant OR p.series_id <> p_series THEN 'its date has no period of the series'
        WHEN NOT ledger_takes_history(p_tenant, p.id) THEN 'its period has numbers already, or is closed'
        WHEN s.value <= p.last_value AND p.last_value >= p.first_value THEN 'an earlier adoption has come further'
        WHEN s.issued_on > bound THEN 'its date lies further ahead than the series allows'
        ELSE 'its value is beyond the period''s' END
    INTO problem
    FROM ledger_adoptingrow s
    LEFT JOIN LATERAL (
        SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d ON true
    LEFT JOIN LATERAL (SELECT p.* FROM ledger_period p WHERE p.id = d.period_id LIMIT 1) p ON true
    WHERE s.batch = p_batch
      AND (s.problem IS NOT NULL OR p.id IS NULL OR p.tenant <> p_tenant OR p.series_id <> p_series
           OR s.value <= p.last_value AND p.last_value >= p.first_value OR s.issued_on > bound OR s.value > p.max_value
           OR s.value IS NULL OR s.value < 0 OR NOT ledger_takes_history(p_tenant, p.id))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a row can''t be adopted: %', problem USING ERRCODE = 'check_violation';
    END IF;

    SELECT count(*) INTO numbers FROM ledger_adoptingrow s WHERE s.batch = p_batch;
    INSERT INTO ledger_adoption (tenant, series_id, source, digest, rows, options, actor)
    VALUES (p_tenant, p_series, p_source, p_digest, numbers, p_options, p_actor)
    RETURNING id INTO adoption;
    -- What is missing between an earlier adoption and this one.
    INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)
    SELECT p_tenant, adoption, p.id, p.last_value + 1, run.lowest - 1
    FROM (SELECT d.period_id, min(s.value) AS lowest
          FROM ledger_adoptingrow s CROSS JOIN LATERAL (
              SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
          WHERE s.batch = p_batch
          GROUP BY 1) run
    JOIN ledger_period p ON p.id = run.period_id
    WHERE p.last_value >= p.first_value AND run.lowest > p.last_value + 1
    ORDER BY p.id;
    -- A trigger refuses entries above the counters, so raise the counters first.
    UPDATE ledger_period p
    SET first_value = CASE WHEN p.last_value < p.first_value THEN run.lowest ELSE p.first_value END,
        last_value = run.highest,
        last_issued_on = CASE WHEN guarded THEN greatest(run.latest, p.last_issued_on) ELSE p.last_issued_on END
    FROM (SELECT d.period_id, min(s.value) AS lowest, max(s.value) AS highest, max(s.issued_on) AS latest
          FROM ledger_adoptingrow s CROSS JOIN LATERAL (
              SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
          WHERE s.batch = p_batch
          GROUP BY 1) run
    WHERE p.id = run.period_id;
    -- In the order of the values, which is much cheaper for the indexes.
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, issued_at, actor, metadata)
    SELECT p_tenant, p_series, d.period_id, s.value, 'adopted', s.number, s.document, s.issued_on, s.issued_at,
           p_actor, s.metadata
    FROM ledger_adoptingrow s CROSS JOIN LATERAL (
        SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
    WHERE s.batch = p_batch
    ORDER BY d.period_id, s.value;
    -- The planner has no statistics for the new entries. A subquery for each void row keeps it on the unique index; a
    -- join could multiply days by entries.
    INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)
    SELECT p_tenant,
           (SELECT e.id FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.period_id = void.period_id AND e.value = void.value),
           p_void_reason, '', p_actor
    FROM (SELECT d.period_id, s.value
          FROM ledger_adoptingrow s CROSS JOIN LATERAL (
              SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
          WHERE s.batch = p_batch AND s.void
          ORDER BY d.period_id, s.value) void;
    GET DIAGNOSTICS voids = ROW_COUNT;
    INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)
    SELECT p_tenant, adoption, run.period_id, run.value + 1, run.following - 1
    FROM (SELECT d.period_id, s.value, lead(s.value) OVER (PARTITION BY d.period_id ORDER BY s.value) AS following
          FROM ledger_adoptingrow s CROSS JOIN LATERAL (
              SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
          WHERE s.batch = p_batch) run
    WHERE run.following > run.value + 1
    ORDER BY 3, 4;
    explained := 0;
    IF p_explanation IS NOT NULL THEN
        INSERT INTO ledger_gapexplained (tenant, adopted_gap_id, explanation, actor)
        SELECT g.tenant, g.id, p_explanation, p_actor
        FROM ledger_adoptedgap g WHERE g.tenant = p_tenant AND g.adoption_id = adoption
        ORDER BY g.id;
        GET DIAGNOSTICS explained = ROW_COUNT;
    END IF;
END $$;
