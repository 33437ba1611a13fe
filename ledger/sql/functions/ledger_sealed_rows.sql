-- The rows that the seals of a tenant cover (null: the seals of the database): the seal of each, and its place in the tree.
CREATE OR REPLACE FUNCTION ledger_sealed_rows(p_tenant text)
    RETURNS TABLE (number integer, source text, id bigint, place bigint) LANGUAGE sql STABLE AS $$
    SELECT z.number, t.source, i.id, t.before + i.place - 1
    FROM @schema@.ledger_seal z
    CROSS JOIN LATERAL (
        SELECT c.source, c.rows, (sum(c.rows) OVER (ORDER BY c.place) - c.rows)::bigint AS before
        FROM unnest(z.tables, z.counts) WITH ORDINALITY AS c (source, rows, place)
    ) t
    CROSS JOIN LATERAL unnest(z.ids[t.before::integer + 1 : (t.before + t.rows)::integer]) WITH ORDINALITY AS i (id, place)
    WHERE z.tenant = p_tenant OR (p_tenant IS NULL AND z.tenant IS NULL)
$$;
