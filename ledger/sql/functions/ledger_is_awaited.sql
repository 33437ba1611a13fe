-- Whether a number is one that some period of the tenant may give out: under another value it would stop that series when
-- it gets there. Left aside are its own value (p_value of p_period), and a series whose numbers are those of drafts
-- (p_series). A period's prefix ends where the digits of its counter begin, so of each number only the few texts before one
-- of its digits have to be looked for.
CREATE OR REPLACE FUNCTION ledger_is_awaited(
    p_tenant text, p_number text, p_period bigint, p_value bigint, p_series bigint
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM ledger_period q
        WHERE q.tenant = p_tenant
          AND upper(q.prefix) COLLATE "C" = ANY (ARRAY(
              SELECT left(upper(p_number), at - 1) FROM generate_series(1, length(p_number)) AS at
              WHERE substr(p_number, at, 1) BETWEEN '0' AND '9'))
          AND ledger_value_of(q.prefix, q.width, q.suffix, p_number) BETWEEN q.first_value AND q.max_value
          AND q.series_id IS DISTINCT FROM p_series
          AND (q.id IS DISTINCT FROM p_period OR ledger_value_of(q.prefix, q.width, q.suffix, p_number) <> p_value))
$$;
