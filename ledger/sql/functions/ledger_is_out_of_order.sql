-- Whether a number that isn't void, or a waiting value, has a later date than p_day in a period. This looks from the
-- highest value down: with the chronology guard the latest date is there, so one row is nearly always enough.
CREATE OR REPLACE FUNCTION ledger_is_out_of_order(p_tenant text, p_period bigint, p_day date) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM ledger_reservation r
                   WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.issued_on > p_day)
        OR (SELECT e.id FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.kind <> 'gap' AND e.issued_on > p_day
              AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = p_tenant AND v.entry_id = e.id)
            ORDER BY e.value DESC LIMIT 1) IS NOT NULL
$$;
