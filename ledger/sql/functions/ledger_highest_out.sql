-- The highest value of a period that was given out: in the ledger, or to a running checkout; -1 if nothing was. A
-- checkout holds its slot by the row's lock. If give_back is off, a checkout takes only values above this one.
CREATE OR REPLACE FUNCTION ledger_highest_out(p_tenant text, p_period bigint) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    highest bigint := coalesce((SELECT e.value FROM ledger_entry e
                                WHERE e.tenant = p_tenant AND e.period_id = p_period
                                ORDER BY e.value DESC LIMIT 1), -1);
BEGIN
    RETURN coalesce((SELECT s.value FROM ledger_slot s
                     WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value > highest
                       AND s.xmax <> '0'::xid AND ledger_is_held(s.xmax)
                     ORDER BY s.value DESC LIMIT 1), highest);
END $$;
