-- Whether a time is one that a document or an event can have: not infinite, and in the years 1900 to 2999. In PL/pgSQL
-- for the reason of ledger_is_key.
CREATE OR REPLACE FUNCTION ledger_is_moment(p_moment timestamptz) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN p_moment >= '1900-01-01 00:00:00+00'::timestamptz AND p_moment < '3000-01-01 00:00:00+00'::timestamptz;
END $$;
