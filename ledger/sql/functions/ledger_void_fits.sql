-- A void or a registration names one issued or adopted number of the same tenant.
CREATE OR REPLACE FUNCTION ledger_void_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entry e
                   WHERE e.id = NEW.entry_id AND e.tenant = NEW.tenant AND e.kind IN ('issued', 'adopted')) THEN
        RAISE EXCEPTION 'entry % is not an issued number of tenant %', NEW.entry_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
