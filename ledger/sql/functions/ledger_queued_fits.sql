-- A value may be queued only after the counter gave it out, while its period is open, and while no entry has it. So each
-- value is accounted for at every moment until its entry is appended.
CREATE OR REPLACE FUNCTION ledger_queued_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    fits boolean;
BEGIN
    -- Found only by its key, as in ledger_entry_fits.
    SELECT p.tenant = NEW.tenant AND p.closed_at IS NULL AND NOT p.moves AND NEW.value BETWEEN p.first_value AND p.last_value
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits IS NOT TRUE THEN
        IF EXISTS (SELECT FROM ledger_period p WHERE p.id = NEW.period_id AND p.moves) THEN
            PERFORM ledger_refuse_moved(NEW.tenant);
        END IF;
        RAISE EXCEPTION 'the value % can''t wait in %: its period % is closed or of another tenant, or never gave it out',
            NEW.value, TG_TABLE_NAME, NEW.period_id USING ERRCODE = 'check_violation';
    END IF;
    IF ledger_value_is_kept(NEW.tenant, NEW.period_id, NEW.value) THEN
        RAISE EXCEPTION 'the value % of period % has an entry, so it can''t wait in %',
            NEW.value, NEW.period_id, TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
