-- A draft gives its number to a value that the counter has just given out and no entry has; otherwise it has the reason
-- for a refusal. A value keeps its draft's number for ever.
CREATE OR REPLACE FUNCTION ledger_draft_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    fits boolean;
BEGIN
    IF ledger_is_moving(NEW.tenant) THEN RETURN NEW; END IF;
    SELECT p.tenant = NEW.tenant
       AND CASE WHEN NEW.value IS NULL THEN NEW.refusal > ''
                ELSE NEW.refusal = '' AND NEW.number > '' AND p.closed_at IS NULL AND p.has_drafts
                     AND NEW.value BETWEEN p.first_value AND p.last_value END
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'the draft % does not fit: its period % is closed or of another tenant, or never gave out value %',
            quote_literal(NEW.number), NEW.period_id, coalesce(NEW.value::text, 'null')
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.value IS NOT NULL AND ledger_value_is_kept(NEW.tenant, NEW.period_id, NEW.value) THEN
        RAISE EXCEPTION 'the value % of period % has an entry, so no draft can number it', NEW.value, NEW.period_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
