-- Mint slots, in a short transaction of its own: raise the counter and queue the values. The caller says which counter
-- it saw (p_seen); if the counter has changed, somebody else has minted, and this does nothing. The number of slots for
-- one call is limited, because the call holds the counter. Returns 'minted', 'there' (somebody else did), 'unknown' (no
-- such period is visible), 'allocation', 'closed' or 'exhausted'.
CREATE OR REPLACE FUNCTION ledger_mint(p_tenant text, p_period bigint, p_seen bigint, p_wanted bigint) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- Only a change of the series holds this counter for long. An error is better than a checkout that hangs.
SET lock_timeout = '2s' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period record;
    pool ledger_pool;
    straggler bigint;
    waiting bigint[] := '{}';
    size bigint;
    wanted bigint;
    through bigint;
    minted_at timestamptz := clock_timestamp();
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    -- Before waiting for any lock, because the asking transaction may itself have made the period and hold its lock; and
    -- so that nobody locks the counter of another tenant.
    PERFORM FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    PERFORM ledger_wait_in_line(p_period);
    SELECT p.series_id, p.first_value, p.last_value, p.max_value, p.closed_at INTO period
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
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

    -- Enough for at least half a second, and for not much more than a minute.
    size := CASE WHEN pool.minted_at > minted_at - interval '1 second' THEN least(pool.batch * 2, 1024)
                 WHEN pool.minted_at < minted_at - interval '1 minute' THEN greatest(pool.batch / 2, 16)
                 ELSE pool.batch END;

    -- Slots that are left from batches before the last one, held by slow checkouts or given back, are remembered one by
    -- one; so one slow payment doesn't make everybody scan all the slots used since then. Every slot that is free or may
    -- become free again is visible here: a checkout that holds one has not committed.
    FOREACH straggler IN ARRAY pool.stragglers LOOP
        PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = straggler;
        IF FOUND THEN waiting := array_append(waiting, straggler); END IF;
    END LOOP;
    waiting := array_cat(waiting, ARRAY(
        SELECT s.value FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period
          AND s.value >= pool.free_from AND s.value < pool.batch_from
        ORDER BY s.value LIMIT 101));
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

    -- A block of more than this takes its slots in several calls.
    wanted := greatest(size, least(p_wanted, 100000));
    -- Differences and sums of counters are limited, so that none exceeds a bigint: a counter may be at -1, or at its end.
    through := CASE WHEN period.last_value > period.max_value - wanted THEN period.max_value
                    ELSE period.last_value + wanted END;
    UPDATE ledger_period p SET last_value = through WHERE p.id = p_period;
    INSERT INTO ledger_slot (tenant, period_id, value)
    SELECT p_tenant, p_period, v FROM generate_series(period.last_value + 1, through) v;
    INSERT INTO ledger_pool (tenant, period_id, free_from, stragglers, batch_from, batch, minted_at)
    VALUES (p_tenant, p_period, pool.free_from, pool.stragglers, period.last_value + 1, size, minted_at)
    ON CONFLICT (tenant, period_id) DO UPDATE
    SET free_from = excluded.free_from, stragglers = excluded.stragglers, batch_from = excluded.batch_from,
        batch = excluded.batch, minted_at = excluded.minted_at;
    RETURN 'minted';
END $$;
