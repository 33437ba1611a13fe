DROP TRIGGER ledger_void_fits ON ledger_numbervoided;
DROP FUNCTION ledger_void_fits();
DROP TRIGGER ledger_entry_fits ON ledger_entry;
DROP FUNCTION ledger_entry_fits();
DROP FUNCTION ledger_number(text, integer, text, bigint);
DROP FUNCTION ledger_refuse_change() CASCADE;
