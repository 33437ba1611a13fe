-- The tenant and code of a series with periods can't change, because every entry was issued under them.
CREATE OR REPLACE FUNCTION ledger_series_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_period p WHERE p.series_id = OLD.id) THEN
        RAISE EXCEPTION 'series % has periods, so its tenant and code cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
