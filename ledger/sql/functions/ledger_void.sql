-- Declare a number void. Returns the id of the event, or null if it is already void.
CREATE OR REPLACE FUNCTION ledger_void(p_tenant text, p_entry bigint, p_reason text, p_replacement text, p_actor text)
RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    event bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)
    VALUES (p_tenant, p_entry, p_reason, p_replacement, p_actor)
    ON CONFLICT (tenant, entry_id) DO NOTHING
    RETURNING id INTO event;
    RETURN event;
END $$;
