-- Whether some period of the tenant may still give out a number: under another value it would block that series later.
-- This ignores the number's own value (p_value of p_period), and a series whose numbers come from drafts (p_series). A
-- period's prefix ends where the digits of its counter begin, or has a token of the document's date there. So only the
-- few texts before a digit of the number, or before a gap's hyphen, can be prefixes. (In the index a token begins with
-- '{DOC_'; such texts come before '{DOC`'.)
CREATE OR REPLACE FUNCTION ledger_is_awaited(
    p_tenant text, p_number text, p_period bigint, p_value bigint, p_series bigint
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM generate_series(1, length(p_number)) AS at
        CROSS JOIN LATERAL (VALUES
            (left(upper(p_number), at - 1), left(upper(p_number), at - 1) || chr(1)),
            (left(upper(p_number), at - 1) || '{DOC_', left(upper(p_number), at - 1) || '{DOC`')) AS r (low, high)
        JOIN ledger_period q ON q.tenant = p_tenant
                            AND upper(q.prefix) COLLATE "C" >= r.low AND upper(q.prefix) COLLATE "C" < r.high
        WHERE substr(p_number, at, 1) ~ '[0-9-]'
          AND ledger_value_of(q.prefix, q.width, q.suffix, p_number) BETWEEN q.first_value AND q.max_value
          AND q.series_id IS DISTINCT FROM p_series
          AND (q.id IS DISTINCT FROM p_period OR ledger_value_of(q.prefix, q.width, q.suffix, p_number) <> p_value))
$$;
