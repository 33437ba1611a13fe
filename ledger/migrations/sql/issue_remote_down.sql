DROP FUNCTION ledger_withdraw_slot(text, bigint, bigint, jsonb, text);
DROP FUNCTION ledger_store_draft(text, bigint, bigint, text, interval, bigint, text, text, text, text);
DROP FUNCTION ledger_issue_remote_many(text, text, date, timestamptz, text[], text, jsonb, boolean);
DROP FUNCTION ledger_issue_remote(text, text, date, timestamptz, text, text, jsonb);
