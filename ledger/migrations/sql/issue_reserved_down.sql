DROP FUNCTION ledger_issue_reserved(text, bigint, bigint, date, bigint[], text[], text, jsonb);
DROP FUNCTION ledger_reserve(text, bigint, date, text[], text, bigint);
DROP FUNCTION ledger_fresh(text, bigint, bigint, text[], boolean, jsonb);
DROP FUNCTION ledger_look(text, text, date, timestamptz, text, text);
