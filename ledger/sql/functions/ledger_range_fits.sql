-- For every writer: an authorised range matches its period: same tenant and series, values and days. The lapsed part of
-- a range is everything that its counter has not given out, after its period is closed.
CREATE OR REPLACE FUNCTION ledger_range_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    fits boolean;
BEGIN
    IF ledger_is_moving(NEW.tenant) THEN RETURN NEW; END IF;
    IF TG_TABLE_NAME = 'ledger_rangelapsed' THEN
        SELECT p.closed_at IS NOT NULL AND NEW.first_value = p.last_value + 1 AND NEW.last_value = a.last_value
        INTO fits FROM ledger_authorisedrange a JOIN ledger_period p ON p.id = a.period_id
        WHERE a.id = NEW.authorised_id AND a.tenant = NEW.tenant;
    ELSE
        SELECT p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.ordinal > 0
               AND p.first_value = NEW.first_value AND p.max_value = coalesce(NEW.last_value, p.max_value)
               AND p.starts_on = NEW.valid_from AND p.ends_on = coalesce(NEW.valid_to, DATE '9999-12-31')
               AND left(p.prefix, length(NEW.prefix)) = NEW.prefix
        INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    END IF;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'the values % to % do not match what % says about its period',
            NEW.first_value, NEW.last_value, TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
