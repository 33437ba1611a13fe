-- Change the allocation of a series, also in the middle of a period: first settle everything that waits in its open
-- periods, then change the settings. Returns how many gaps that left, or null if there is no such series. It waits as
-- ledger_define_series does.
CREATE OR REPLACE FUNCTION ledger_change_allocation(p_tenant text, p_code text, p_settings jsonb, p_actor text)
RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    patience text := current_setting('lock_timeout');
    most integer := CASE WHEN patience = '0' THEN 600 ELSE date_part('epoch', patience::interval) / 0.3::float8 END;
    series bigint;
    period bigint;
    gaps bigint;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    FOR tries IN 1..greatest(most, 1) LOOP
        BEGIN
            IF most > 1 THEN
                PERFORM set_config('lock_timeout', '300ms', true);
            END IF;
            gaps := 0;
            SELECT s.id INTO series FROM ledger_series s
            WHERE s.tenant = p_tenant AND s.code = p_code FOR NO KEY UPDATE;
            IF FOUND THEN
                FOR period IN
                    SELECT p.id FROM ledger_period p
                    WHERE p.tenant = p_tenant AND p.series_id = series AND p.closed_at IS NULL
                    ORDER BY p.id FOR NO KEY UPDATE
                LOOP
                    gaps := gaps + ledger_settle_period(p_tenant, period, 'allocation changed', p_actor);
                END LOOP;
                PERFORM ledger_save_series(p_tenant, p_code, p_settings, p_actor);
            END IF;
            PERFORM set_config('lock_timeout', patience, true);
            RETURN CASE WHEN series IS NOT NULL THEN gaps END;
        EXCEPTION WHEN lock_not_available THEN
            IF tries >= most THEN RAISE; END IF;
        END;
    END LOOP;
END $$;
