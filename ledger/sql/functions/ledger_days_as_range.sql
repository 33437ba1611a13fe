-- The days of a period as a range of numbers, "series times 2^23 plus the day's number", so that an exclusion constraint
-- needs no extension (btree_gist isn't always installed). A day's number stays below 2^22 up to the year 9999.
--
-- The function has a SET, so PostgreSQL doesn't inline it: each UPDATE of a counter copies the expression of every index.
CREATE OR REPLACE FUNCTION ledger_days_as_range(p_series bigint, p_starts_on date, p_ends_on date) RETURNS numrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT numrange(p_series::numeric * 8388608::numeric + (p_starts_on - DATE '0001-01-01')::numeric,
                    p_series::numeric * 8388608::numeric + (p_ends_on - DATE '0001-01-01')::numeric, '[]')
$$;
