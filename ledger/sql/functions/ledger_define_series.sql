-- Make or change a series: see ledger_save_series.
--
-- A checkout may hold a counter of the series and open another period, for which it needs the series' row. So a change
-- that has to wait for a counter releases the series after 300 ms and begins again, before PostgreSQL would detect a
-- deadlock. It does this until the caller's own lock_timeout, or for three minutes.
CREATE OR REPLACE FUNCTION ledger_define_series(
    p_tenant text, p_code text, p_settings jsonb, p_actor text, p_from date DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    patience text := current_setting('lock_timeout');
    most integer := CASE WHEN patience = '0' THEN 600 ELSE date_part('epoch', patience::interval) / 0.3::float8 END;
    series bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    FOR tries IN 1..greatest(most, 1) LOOP
        BEGIN
            IF most > 1 THEN
                PERFORM set_config('lock_timeout', '300ms', true);
            END IF;
            series := ledger_save_series(p_tenant, p_code, p_settings, p_actor, p_from);
            PERFORM set_config('lock_timeout', patience, true);
            RETURN series;
        EXCEPTION WHEN lock_not_available THEN
            -- The rollback of this block releases its locks and restores the setting.
            IF tries >= most THEN RAISE; END IF;
        END;
    END LOOP;
END $$;
