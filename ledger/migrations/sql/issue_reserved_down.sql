DROP FUNCTION ledger_issue_reserved(text, bigint, bigint, date, bigint[], text[], text, jsonb);
DROP FUNCTION ledger_reserve(text, bigint, date, text[], text, bigint);
DROP FUNCTION ledger_fresh(text, bigint, bigint, text[], boolean, jsonb);
DROP FUNCTION ledger_look(text, text, date, timestamptz, text, text);

-- As it was before values could wait (issue_serial.sql).
CREATE OR REPLACE FUNCTION ledger_latest_date(p_tenant text, p_period_id bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT max(e.issued_on) FROM ledger_entry e
    WHERE e.tenant = p_tenant AND e.period_id = p_period_id AND e.kind <> 'gap'
$$;
