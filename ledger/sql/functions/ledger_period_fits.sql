-- A period has its series' tenant, because every unique index begins with it; its counter is within its bounds; and no
-- other period of the tenant could give out one of its numbers. (A number that was adopted earlier doesn't prevent the
-- period: ledger_skip_taken skips it.)
CREATE OR REPLACE FUNCTION ledger_period_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    other bigint;
BEGIN
    IF ledger_is_moving(NEW.tenant) THEN RETURN NULL; END IF;
    IF (SELECT s.tenant FROM ledger_series s WHERE s.id = NEW.series_id) IS DISTINCT FROM NEW.tenant THEN
        RAISE EXCEPTION 'series % does not belong to tenant %', NEW.series_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    -- Days beyond these would be other series' days to ledger_days_as_range.
    IF NEW.width < 1 OR NEW.starts_on > NEW.ends_on
        OR NEW.starts_on < DATE '0001-01-01' OR NEW.ends_on > DATE '9999-12-31'
        OR NEW.first_value < 0 OR NEW.last_value NOT BETWEEN NEW.first_value - 1 AND NEW.max_value
        OR length(ledger_outline(NEW.prefix)) + length(ledger_outline(NEW.suffix)) > 100 THEN
        RAISE EXCEPTION 'the period''s counter, width or dates are out of range: % from % to %, % digits, % to %',
            NEW.last_value, NEW.first_value, NEW.max_value, NEW.width, NEW.starts_on, NEW.ends_on
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.ordinal = 0 AND (
        EXISTS (SELECT FROM ledger_period p WHERE p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.ordinal > 0
                                              AND p.starts_on <= NEW.ends_on)
        OR TG_OP = 'INSERT' AND EXISTS (SELECT FROM ledger_series s WHERE s.id = NEW.series_id
                                                                      AND s.rules_authorised <= NEW.ends_on)) THEN
        RAISE EXCEPTION 'the series % takes its numbers from authorised ranges alone', NEW.series_id
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ledger_period_ranges', TABLE = 'ledger_period';
    END IF;
    other := ledger_colliding_period(NEW.tenant, NEW.prefix, NEW.width, NEW.suffix, NEW.first_value, NEW.max_value,
                                   NEW.id, NULL::bigint);
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'the period could repeat numbers of period %', other
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ledger_period_numbers', TABLE = 'ledger_period';
    END IF;
    RETURN NULL;
END $$;
