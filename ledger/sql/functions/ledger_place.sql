-- Where this ledger is: server, database and schema. Elsewhere transaction ids are different.
CREATE OR REPLACE FUNCTION ledger_place() RETURNS text LANGUAGE sql STABLE
SET quote_all_identifiers = off AS $$
    SELECT (SELECT s.system_identifier FROM pg_control_system() s) || '/' || quote_ident(current_database()) || '/'
        || c.relnamespace::regnamespace
    FROM pg_catalog.pg_class c WHERE c.oid = '@schema@.ledger_entry'::regclass
$$;
