DROP FUNCTION ledger_issue_serial_many(text, text, date, timestamptz, text[], text, jsonb, boolean, bigint[]);
DROP FUNCTION ledger_latest_date(text, bigint);
DROP FUNCTION ledger_refusal(text, bigint, date, bigint);
DROP FUNCTION ledger_issue_serial(text, text, date, timestamptz, text, text, jsonb, bigint);
