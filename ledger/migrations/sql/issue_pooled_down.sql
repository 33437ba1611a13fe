DROP FUNCTION ledger_mint(text, bigint, bigint, bigint);
DROP FUNCTION ledger_issue_pooled_many(text, text, date, timestamptz, text[], text, jsonb, boolean);
DROP FUNCTION ledger_issue_pooled(text, text, date, timestamptz, text, text, jsonb);
DROP FUNCTION ledger_highest_out(text, bigint);
DROP FUNCTION ledger_mark_out(bigint, bigint);
