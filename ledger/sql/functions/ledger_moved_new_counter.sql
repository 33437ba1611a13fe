-- After all counters of a table were moved to Folio, this refuses new ones, which would count on both sides. The
-- statement of django-sequences proposes a row each time, so a row that already exists may pass. Arguments as in
-- ledger_moved_counter.
CREATE OR REPLACE FUNCTION ledger_moved_new_counter() RETURNS trigger LANGUAGE plpgsql
SECURITY INVOKER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    key text := to_jsonb(NEW) ->> TG_ARGV[1];
    present boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I c WHERE c.%I::text = $1)',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[1]) INTO present USING key;
    IF NOT present THEN
        RAISE EXCEPTION 'the counters of % were moved to Folio, where new ones begin too', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', HINT = 'Call the function of Folio that replaces the old code.';
    END IF;
    RETURN NEW;
END $$;
