DROP TRIGGER ledger_declaration_fits ON ledger_gapdeclared;
DROP FUNCTION ledger_declaration_fits();
ALTER TABLE ledger_gapdeclared DROP CONSTRAINT ledger_gapdeclared_no_overlap;
DROP TRIGGER ledger_append_only_table ON ledger_gapdeclared;
DROP TRIGGER ledger_append_only_rows ON ledger_gapdeclared;
