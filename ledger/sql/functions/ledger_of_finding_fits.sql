-- A resolution or an acknowledgement has the tenant of its finding.
CREATE OR REPLACE FUNCTION ledger_of_finding_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF (SELECT f.tenant FROM ledger_findingraised f WHERE f.id = NEW.finding_id) IS DISTINCT FROM NEW.tenant THEN
        RAISE EXCEPTION 'finding % does not belong to tenant %', NEW.finding_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
