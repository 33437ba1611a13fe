-- Store a seal that this transaction began with ledger_next_seal: its head must match that answer. Verification will
-- show whether root and leaves match the rows. Returns the id.
CREATE OR REPLACE FUNCTION ledger_keep_seal(
    p_tenant text, p_head text, p_signature text, p_cosignature text, p_salt bytea, p_tables text[], p_counts bigint[],
    p_ids bigint[], p_leaves bytea, p_state text, p_horizon bigint
) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    next record;
    head jsonb := p_head::jsonb;
    size bigint := octet_length(p_leaves) / 32;
    kept bigint;
BEGIN
    SELECT * INTO STRICT next FROM ledger_next_seal(p_tenant);
    IF next.trouble <> ''
        OR cardinality(p_tables) <> cardinality(p_counts) OR (SELECT max(length(t)) FROM unnest(p_tables) AS t) > 63
        -- Lists and heads that every reader can read.
        OR array_position(p_tables, NULL) IS NOT NULL OR array_position(p_counts, NULL) IS NOT NULL
        OR array_position(p_ids, NULL) IS NOT NULL OR (SELECT min(c) FROM unnest(p_counts) AS c) < 0
        OR EXISTS (SELECT FROM jsonb_each(head) AS h (name, value) WHERE jsonb_typeof(h.value) IN ('array', 'object'))
        OR size <> cardinality(p_ids) + cardinality(string_to_array(p_state, chr(10)))
        OR cardinality(p_ids) <> (SELECT coalesce(sum(c), 0) FROM unnest(p_counts) AS c)
        OR NOT head @> jsonb_build_object(
            'folio', 'folio.seal/1', 'tenant', p_tenant, 'number', next.number, 'era', next.era, 'place', next.place,
            'size', size, 'total', next.total + size, 'previous', next.previous, 'snapshot', next.snapshot) THEN
        RAISE EXCEPTION 'this is not the next seal of %', coalesce(quote_literal(p_tenant), 'the database')
            USING ERRCODE = 'check_violation', DETAIL = format('It has to say %s', to_json(next));
    END IF;
    -- The era in this snapshot: a later era may have begun in the meantime, and would be the column's default at once.
    INSERT INTO ledger_seal (tenant, number, era, place, snapshot, size, total, root, previous, head, key, signature,
                             cosignature, salt, tables, counts, ids, leaves, state, horizon)
    VALUES (p_tenant, next.number, next.era, next.place, next.snapshot, size, next.total + size, head ->> 'root'::text,
            coalesce(next.previous, ''), p_head, head ->> 'key'::text, p_signature, p_cosignature, p_salt, p_tables,
            p_counts, p_ids, p_leaves, p_state, p_horizon)
    RETURNING id INTO kept;
    RETURN kept;
END $$;
