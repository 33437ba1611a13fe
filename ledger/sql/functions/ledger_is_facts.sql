-- Whether an event may keep this JSON, because every program can read it: an object of at most 64 KiB as text, with at
-- most 32 levels, and without a number of 1,000 digits.
CREATE OR REPLACE FUNCTION ledger_is_facts(p_facts jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_facts = '{}'::jsonb
        OR jsonb_typeof(p_facts) = 'object'
           AND octet_length(p_facts::text) <= 65536
           -- The object itself is level 0, and its values are level 1.
           AND NOT jsonb_path_exists(p_facts, 'strict $.**{32} ? (@.type() == "array" || @.type() == "object")'::jsonpath)
           AND (octet_length(p_facts::text) < 1000
                OR regexp_replace(p_facts::text, E'"(?:[^"\\\\]|\\\\.)*"', '', 'g') !~ '([0-9.]{250}){4}')
$$;
