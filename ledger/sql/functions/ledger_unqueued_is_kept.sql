-- A value that left its queue must have an entry, or the counter must have fallen below it (when a pool is given back).
-- Otherwise somebody deleted the row, and the value would be lost. Checked at COMMIT, because the entry comes later.
CREATE OR REPLACE FUNCTION ledger_unqueued_is_kept() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF (SELECT e.value FROM ledger_entry e
        WHERE e.tenant = OLD.tenant AND e.period_id = OLD.period_id AND e.value >= OLD.value
        ORDER BY e.value LIMIT 1) = OLD.value THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM ledger_period p WHERE p.id = OLD.period_id AND p.last_value >= OLD.value)
        AND NOT EXISTS (SELECT FROM ledger_slot s
                        WHERE s.tenant = OLD.tenant AND s.period_id = OLD.period_id AND s.value = OLD.value)
        AND NOT EXISTS (SELECT FROM ledger_reservation r
                        WHERE r.tenant = OLD.tenant AND r.period_id = OLD.period_id AND r.value = OLD.value) THEN
        RAISE EXCEPTION 'the value % of period % left % without an entry, so it would be lost',
            OLD.value, OLD.period_id, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
