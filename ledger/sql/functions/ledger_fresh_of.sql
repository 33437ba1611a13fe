-- Those of a block's documents that have no number yet, in their order, with their places in the list; and the id of an
-- entry whose period or metadata are not what was stated, if there is one (p_metadata is null where none were).
-- A probe of the unique index for each document: the planner can't know how long the list is, and would join it with
-- the whole table, which takes the square of that.
CREATE OR REPLACE FUNCTION ledger_fresh_of(
    p_tenant text, p_series bigint, p_period bigint, p_documents text[], p_on_stated boolean, p_metadata jsonb,
    OUT fresh text[], OUT places bigint[], OUT other bigint
) LANGUAGE sql STABLE AS $$
    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           array_agg(d.ordinality ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),
           min(e.id) FILTER (WHERE (p_on_stated AND e.period_id <> p_period) OR e.metadata <> p_metadata)
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN LATERAL (
        SELECT e.id, e.period_id, e.metadata FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = p_series AND e.document = d.document AND e.document > ''
          AND e.replaces_id IS NULL
        LIMIT 1
    ) e ON true
$$;
