DROP FUNCTION ledger_settle_period(text, bigint, text, text);
DROP FUNCTION ledger_flag_gap(text, bigint, bigint, text, text);
DROP FUNCTION ledger_evidence(ledger_reservation, text);
DROP FUNCTION ledger_transaction_status(bigint);
