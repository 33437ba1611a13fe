DROP INDEX ledger_numbervoided_written;
DROP INDEX ledger_entry_written;
DROP FUNCTION ledger_suspects(text, text, bigint[]);
DROP TRIGGER ledger_finding_acknowledged_fits ON ledger_findingacknowledged;
DROP TRIGGER ledger_finding_resolved_fits ON ledger_findingresolved;
DROP FUNCTION ledger_of_finding_fits();
DROP TRIGGER ledger_finding_fits ON ledger_findingraised;
DROP FUNCTION ledger_finding_fits();
DO $$
DECLARE
    event_table text;
BEGIN
    FOREACH event_table IN ARRAY ARRAY['ledger_findingraised', 'ledger_findingresolved', 'ledger_findingacknowledged']
    LOOP
        EXECUTE format('DROP TRIGGER ledger_append_only_table ON %I', event_table);
        EXECUTE format('DROP TRIGGER ledger_append_only_rows ON %I', event_table);
    END LOOP;
END $$;
