-- A period of the tenant, except p_but and the periods of the series p_aside, that could give out a number of this format
-- and these values; null if no period could.
--
-- A prefix's stem is the text before the first character that differs from number to number: the whole prefix, or the
-- text before its first token of the document's date. After the stem comes a digit of the counter or the date, or the
-- hyphen of a gap. So two formats can collide only if one stem continues in this way where the other ends. This looks only
-- at the few ranges of prefixes, in the order of bytes, for which that is true. In the index a token begins with
-- '{DOC_'; such texts come before '{DOC`'. OFFSET 0 makes PostgreSQL look up the ranges before it compares formats;
-- otherwise it would compare those of all periods of a tenant.
CREATE OR REPLACE FUNCTION ledger_colliding_period(
    p_tenant text, p_prefix text, p_width integer, p_suffix text, p_first_value bigint, p_max_value bigint, p_but bigint,
    p_aside bigint
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    stem text := upper(left(p_prefix, strpos(p_prefix || '{doc_', '{doc_') - 1));
BEGIN
    -- With a longer prefix no number could be a key.
    IF length(stem) > 200 THEN RETURN NULL; END IF;
    RETURN (
        SELECT q.id
        FROM (
            SELECT left(stem, n) AS low, left(stem, n) || chr(1) AS high FROM generate_series(length(stem), 0, -1) AS n
            WHERE substr(stem, n + 1) ~ '^([0-9]|$)'
            UNION ALL
            SELECT left(stem, n) || '{DOC_', left(stem, n) || '{DOC`' FROM generate_series(length(stem), 0, -1) AS n
            WHERE substr(stem, n + 1) ~ '^([0-9-]|$)'
            UNION ALL
            SELECT stem || '0', stem || ':'
            UNION ALL
            SELECT stem || '-', stem || '.'
        ) AS r
        CROSS JOIN LATERAL (
            SELECT p.id, p.prefix, p.width, p.suffix, p.first_value, p.max_value FROM ledger_period p
            WHERE p.tenant = p_tenant AND upper(p.prefix) COLLATE "C" >= r.low AND upper(p.prefix) COLLATE "C" < r.high
              AND p.id IS DISTINCT FROM p_but AND p.series_id IS DISTINCT FROM p_aside
            OFFSET 0
        ) AS q
        WHERE ledger_formats_collide(p_prefix, p_width, p_suffix, p_first_value, p_max_value,
                                  q.prefix, q.width, q.suffix, q.first_value, q.max_value)
        LIMIT 1);
END $$;
