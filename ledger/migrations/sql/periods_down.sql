DROP TRIGGER ledger_series_guard_update ON ledger_series;
DROP FUNCTION ledger_series_guard();
DROP TRIGGER ledger_period_guard_delete ON ledger_period;
DROP TRIGGER ledger_period_guard_format ON ledger_period;
DROP TRIGGER ledger_period_guard_counter ON ledger_period;
DROP FUNCTION ledger_period_guard();
ALTER TABLE ledger_period DROP CONSTRAINT ledger_period_no_overlap;
