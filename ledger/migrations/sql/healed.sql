-- A healing is an event like the others.
CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_holehealed
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_holehealed
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_holehealed ENABLE ALWAYS TRIGGER ledger_append_only_rows;
ALTER TABLE ledger_holehealed ENABLE ALWAYS TRIGGER ledger_append_only_table;
