-- It is an event when somebody gets or loses access to a tenant's numbers, or a login the right to act for it.
CREATE OR REPLACE FUNCTION ledger_note_access() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    taken jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    given jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    IF ledger_is_moving(coalesce(taken, given) ->> 'tenant'::text) THEN RETURN NULL; END IF;
    PERFORM ledger_refuse_foreign(one.facts ->> 'tenant'::text)
    FROM unnest(ARRAY[taken, given]) AS one (facts) WHERE one.facts IS NOT NULL;
    INSERT INTO ledger_accesschanged (tenant, "user", kind, actor)
    SELECT one.facts ->> 'tenant'::text,
           coalesce(one.facts ->> 'user'::text, 'login:' || (one.facts ->> 'login'::text)), one.kind,
           coalesce(current_setting('folio.actor', true), '')
    FROM unnest(ARRAY[taken, given], ARRAY['taken', 'given']) AS one (facts, kind)
    WHERE one.facts IS NOT NULL;
    RETURN NULL;
END $$;
