-- Remember up to which value of each period a scan found every value accounted for. This checks the rows itself: between
-- the end of the last scan and that value, each value has an entry or is in an adopted gap, and none waits.
CREATE OR REPLACE FUNCTION ledger_remember_scan(p_tenants text[], p_periods bigint[], p_through bigint[]) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    scanned record;
    known bigint;
    now timestamptz := clock_timestamp();
BEGIN
    FOR scanned IN
        SELECT p.tenant, p.id, p.first_value,
               greatest(least(t.through, p.last_value), p.first_value - 1) AS through
        FROM unnest(p_tenants, p_periods, p_through) AS t (tenant, period, through)
        JOIN ledger_period p ON p.id = t.period AND p.tenant = t.tenant AND NOT p.moves
    LOOP
        SELECT n.through INTO known FROM ledger_scanposition n
        WHERE n.tenant = scanned.tenant AND n.period_id = scanned.id;
        known := greatest(coalesce(known, scanned.first_value - 1), scanned.first_value - 1);
        CONTINUE WHEN scanned.through > known AND scanned.through - known <> (
            SELECT count(*) FROM ledger_entry e
            WHERE e.tenant = scanned.tenant AND e.period_id = scanned.id
              AND e.value > known AND e.value <= scanned.through
        ) + (
            SELECT coalesce(sum(least(g.last_value, scanned.through) - greatest(g.first_value, known + 1) + 1), 0)::bigint
            FROM ledger_adoptedgap g
            WHERE g.tenant = scanned.tenant AND g.period_id = scanned.id
              AND g.last_value > known AND g.first_value <= scanned.through
        );
        INSERT INTO ledger_scanposition (tenant, period_id, through, scanned_at)
        VALUES (scanned.tenant, scanned.id, scanned.through, now)
        ON CONFLICT (tenant, period_id) DO UPDATE SET through = excluded.through, scanned_at = excluded.scanned_at;
    END LOOP;
END $$;
