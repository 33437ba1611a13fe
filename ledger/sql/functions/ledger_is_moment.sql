-- Whether a time is one that a document or an event can have: not infinite, and in the years 1900 to 2999.
CREATE OR REPLACE FUNCTION ledger_is_moment(p_moment timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_moment >= '1900-01-01 00:00:00+00'::timestamptz AND p_moment < '3000-01-01 00:00:00+00'::timestamptz
$$;
