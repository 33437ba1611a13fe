DROP FUNCTION ledger_next_value(text, text, timestamptz);
