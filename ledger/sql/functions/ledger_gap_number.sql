-- The number of a value's gap: that of its draft, or the number in the period's format, with the date of its reservation
-- if it had one. If the tenant's ledger already has the same number, the gap's number says so.
CREATE OR REPLACE FUNCTION ledger_gap_number(p_tenant text, p_period bigint, p_value bigint, p_reserved_on date)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    its_number text;
BEGIN
    SELECT coalesce(ledger_drafted(p_tenant, p_period, p_value),
                    ledger_number(p.prefix, p.width, p.suffix, p_value, p_reserved_on))
    INTO its_number FROM ledger_period p WHERE p.id = p_period;
    IF EXISTS (SELECT FROM ledger_entry e
               WHERE e.tenant = p_tenant AND upper(e.number) = upper(its_number)
                 AND (e.period_id <> p_period OR e.value <> p_value)) THEN
        RETURN its_number || ' (taken)';
    END IF;
    RETURN its_number;
END $$;
