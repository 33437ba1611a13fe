-- The rows that the seals of some tenants cover (null among them: those of the database): the seal of each, and its place
-- in the tree.
CREATE OR REPLACE FUNCTION ledger_sealed_rows(p_tenants text[])
    RETURNS TABLE (tenant text, number integer, source text, id bigint, place bigint) LANGUAGE sql STABLE AS $$
    SELECT z.tenant, z.number, t.source, i.id, t.before + i.place - 1
    FROM @schema@.ledger_seal z
    CROSS JOIN LATERAL (
        SELECT c.source, c.rows, (sum(c.rows) OVER (ORDER BY c.place) - c.rows)::bigint AS before
        FROM unnest(z.tables, z.counts) WITH ORDINALITY AS c (source, rows, place)
    ) t
    CROSS JOIN LATERAL unnest(z.ids[t.before::integer + 1 : (t.before + t.rows)::integer]) WITH ORDINALITY AS i (id, place)
    WHERE z.tenant = ANY (p_tenants) OR (z.tenant IS NULL AND array_position(p_tenants, NULL) IS NOT NULL)
$$;
