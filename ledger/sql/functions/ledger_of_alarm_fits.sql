-- A resolution or an acknowledgement has the tenant of its alarm, or none if the alarm concerns all tenants.
CREATE OR REPLACE FUNCTION ledger_of_alarm_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_alarmraised a
                   WHERE a.id = NEW.alarm_id AND a.tenant IS NOT DISTINCT FROM NEW.tenant) THEN
        RAISE EXCEPTION 'alarm % does not belong to tenant %', NEW.alarm_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
