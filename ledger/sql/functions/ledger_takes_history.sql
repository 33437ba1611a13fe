-- Whether a period can take over old numbers: it is open, and empty, or has come no further than an earlier adoption.
CREATE OR REPLACE FUNCTION ledger_takes_history(p_tenant text, p_period bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p.closed_at IS NULL
       AND CASE WHEN p.last_value < p.first_value
                THEN NOT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p_tenant AND e.period_id = p.id)
                ELSE EXISTS (SELECT FROM ledger_entry e
                             WHERE e.tenant = p_tenant AND e.period_id = p.id AND e.value = p.last_value
                               AND e.kind = 'adopted')
                  OR EXISTS (SELECT FROM ledger_adoptedgap g
                             WHERE g.tenant = p_tenant AND g.period_id = p.id AND g.last_value = p.last_value) END
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant
$$;
