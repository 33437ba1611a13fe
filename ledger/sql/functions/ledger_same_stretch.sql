-- Whether a document with a number in one period could also have got it in another period of the series: both are
-- authorised ranges that share days.
CREATE OR REPLACE FUNCTION ledger_same_stretch(p_one bigint, p_other bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM ledger_period a JOIN ledger_period b ON b.id = p_other
        WHERE a.id = p_one AND a.ordinal > 0 AND b.ordinal > 0 AND a.starts_on <= b.ends_on AND b.starts_on <= a.ends_on)
$$;
