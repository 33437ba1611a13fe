-- It is an event when a period is closed, or its format, dates or bounds change: old state, new state, and who.
CREATE OR REPLACE FUNCTION ledger_note_period() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
BEGIN
    INSERT INTO ledger_periodchanged (tenant, period_id, old, new, actor)
    SELECT NEW.tenant, NEW.id, jsonb_object_agg(d.key, before -> d.key), jsonb_object_agg(d.key, d.value),
           coalesce(current_setting('folio.actor', true), '')
    FROM jsonb_each(to_jsonb(NEW)) AS d (key, value)
    WHERE before -> d.key IS DISTINCT FROM d.value AND d.key NOT IN ('last_value', 'last_issued_on')
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
