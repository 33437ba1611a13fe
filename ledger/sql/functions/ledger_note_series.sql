-- A change of a series is an event: old state, new state, and who. folio.actor has the name of the person for whom the
-- ledger's functions act.
CREATE OR REPLACE FUNCTION ledger_note_series() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    after jsonb := to_jsonb(NEW);
BEGIN
    IF ledger_is_moving(NEW.tenant) THEN RETURN NULL; END IF;
    INSERT INTO ledger_serieschanged (tenant, series_id, old, new, actor)
    SELECT NEW.tenant, NEW.id, coalesce(jsonb_object_agg(d.key, before -> d.key) FILTER (WHERE before ? d.key), '{}'),
           jsonb_object_agg(d.key, d.value), coalesce(current_setting('folio.actor', true), '')
    FROM jsonb_each(after) AS d (key, value)
    WHERE before -> d.key IS DISTINCT FROM d.value AND d.key NOT IN ('id', 'created_at')
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
