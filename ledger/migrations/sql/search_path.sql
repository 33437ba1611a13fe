-- PostgreSQL looks for a table among the session's temporary ones first, inside trigger functions too. Without this, any
-- role could show the guards a temporary ledger_period of its own making. The schema is the one migrated into, so that
-- a project with a schema for each tenant has guards that look into their own.
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['ledger_entry_fits', 'ledger_void_fits', 'ledger_period_fits', 'ledger_period_guard',
                                 'ledger_series_guard']
    LOOP
        EXECUTE format('ALTER FUNCTION %I.%I() SET search_path = %I, pg_temp', current_schema(), guard, current_schema());
    END LOOP;
END $$;
