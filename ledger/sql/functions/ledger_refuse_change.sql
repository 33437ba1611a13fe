-- Append-only: an event never changes and never goes away. A row trigger alone lets TRUNCATE pass, and an ordinary
-- trigger doesn't fire under session_replication_role = replica. So each table has two triggers, both ENABLE ALWAYS.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND ledger_is_moving(to_jsonb(OLD) ->> 'tenant'::text) THEN RETURN OLD; END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Append another event: void the number, or explain the gap.';
END $$;
