-- The highest value of a period that is out: in the ledger, or with a checkout that has not ended; -1 where none is. A
-- checkout holds its slot by the row's lock, so the row names its transaction (xmax), and a transaction that still runs
-- holds the lock of its own id, which nobody else can hold. Where no number may be given back to a later document
-- (give_back is off), a value is taken only above this one.
CREATE OR REPLACE FUNCTION ledger_highest_out(p_tenant text, p_period bigint) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    RETURN greatest(
        -1::bigint,
        (SELECT e.value FROM ledger_entry e
         WHERE e.tenant = p_tenant AND e.period_id = p_period ORDER BY e.value DESC LIMIT 1),
        (SELECT max(s.value) FROM ledger_slot s
         WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.xmax <> '0'::xid
           AND s.xmax::text IN (SELECT l.transactionid::text FROM pg_locks l
                                WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted)));
END $$;
