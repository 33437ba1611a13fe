-- The block's documents without a number, in their order, with their places in the list; and the id of an entry that
-- can't be the answer, if there is one: it is void, or its period or metadata differ from the call (p_metadata is null
-- if the call has none). If a document's number was replaced, the last one counts. One look-up in the unique index for
-- each document: the planner doesn't know the length of the list, and would join it with the whole table in quadratic
-- time.
CREATE OR REPLACE FUNCTION ledger_fresh_of(
    p_tenant text, p_series bigint, p_period bigint, p_documents text[], p_on_stated boolean, p_metadata jsonb,
    OUT fresh text[], OUT places bigint[], OUT other bigint
) LANGUAGE sql STABLE AS $$
    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           array_agg(d.ordinality ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           min(n.id) FILTER (WHERE CASE WHEN p_on_stated AND n.period_id <> p_period
                                        THEN NOT ledger_same_stretch(n.period_id, p_period) END
                                   OR n.metadata <> p_metadata
                                   OR EXISTS (SELECT FROM ledger_numbervoided v
                                              WHERE v.tenant = p_tenant AND v.entry_id = n.id))
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN LATERAL (
        SELECT e.id FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = p_series AND e.document = d.document AND e.document > ''
          AND e.replaces_id IS NULL
        LIMIT 1
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT l.id, l.period_id, l.metadata FROM ledger_entry l
        WHERE l.id = CASE WHEN e.id IS NOT NULL THEN ledger_latest_of(p_tenant, e.id) END
        LIMIT 1
    ) n ON true
$$;
