-- That somebody was let see the numbers of a tenant, or not any more, is an event.
CREATE OR REPLACE FUNCTION ledger_note_access() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF ledger_is_moving(CASE WHEN TG_OP = 'INSERT' THEN NEW.tenant ELSE OLD.tenant END) THEN RETURN NULL; END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM ledger_refuse_foreign(OLD.tenant);
        INSERT INTO ledger_accesschanged (tenant, "user", kind, actor)
        VALUES (OLD.tenant, OLD."user", 'taken', coalesce(current_setting('folio.actor', true), ''));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM ledger_refuse_foreign(NEW.tenant);
        INSERT INTO ledger_accesschanged (tenant, "user", kind, actor)
        VALUES (NEW.tenant, NEW."user", 'given', coalesce(current_setting('folio.actor', true), ''));
    END IF;
    RETURN NULL;
END $$;
