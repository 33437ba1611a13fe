-- Remembers who acts until the transaction ends, for the events that triggers write.
CREATE OR REPLACE FUNCTION ledger_act_as(p_actor text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('folio.actor', p_actor, true);
END $$;
