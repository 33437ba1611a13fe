-- Rows of a queue are inserted and deleted, but never changed.
CREATE OR REPLACE FUNCTION ledger_refuse_update() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is a queue: its rows come and go, and don''t change', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
