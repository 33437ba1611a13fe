-- The latest business date in a period, with which the chronology guard compares: of numbers that aren't void, and of
-- waiting values. This reads the whole period, so the hot path keeps the answer in last_issued_on while the guard is on.
CREATE OR REPLACE FUNCTION ledger_latest_date(p_tenant text, p_period_id bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT max(e.issued_on) FROM ledger_entry e
         WHERE e.tenant = p_tenant AND e.period_id = p_period_id AND e.kind <> 'gap'
           AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = p_tenant AND v.entry_id = e.id)),
        (SELECT max(r.issued_on) FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period_id))
$$;
