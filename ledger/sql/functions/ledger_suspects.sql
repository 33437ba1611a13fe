-- Every number, in upper case, that may differ between the ledger and the mirror of a system: one pass over both sides,
-- which drops the numbers that agree. It is a function whose query is built again each time: inside an INSERT it could
-- use no parallel workers, and a cached plan would not know the tenant's size. The index, which is in order, finds
-- numbers that come twice.
CREATE OR REPLACE FUNCTION ledger_suspects(p_tenant text, p_system text, p_series bigint[], p_kinds text[]) RETURNS SETOF text
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_hashagg = off SET enable_sort = off AS $$
BEGIN
    RETURN QUERY EXECUTE $query$
        SELECT coalesce(h.subject, r.subject)
        FROM (
            SELECT e.id, upper(e.number) AS subject, e.kind, e.document, e.series_id = ANY ($3) AS ours,
                   ($4)[array_position($3, e.series_id)] AS its_kind, p.starts_on, p.ends_on
            FROM ledger_entry e JOIN ledger_period p ON p.id = e.period_id
            WHERE e.tenant = $1
        ) h
        FULL JOIN (
            SELECT d.id, upper(d.number) AS subject, d.state, d.issued_on, d.reference, d.kind AS said
            FROM ledger_remotedocument d
            WHERE d.tenant = $1 AND d.system = $2 AND d.number <> '' AND d.state <> 'draft'
        ) r ON r.subject = h.subject
        WHERE CASE WHEN h.id IS NULL THEN r.state <> 'deleted'
                   WHEN NOT h.ours THEN false
                   WHEN r.id IS NULL THEN h.kind <> 'gap'
                   ELSE r.state <> 'posted' OR h.kind = 'gap' OR (r.reference <> h.document AND r.reference <> '')
                       OR (r.said <> h.its_kind AND r.said <> '')
                       OR coalesce(r.issued_on NOT BETWEEN h.starts_on AND h.ends_on, false) END
        UNION ALL
        SELECT upper(d.number)
        FROM ledger_remotedocument d
        WHERE d.tenant = $1 AND d.system = $2 AND d.number <> '' AND d.state <> 'draft'
        GROUP BY upper(d.number) HAVING count(*) > 1
        UNION ALL
        SELECT upper(e.number)
        FROM ledger_numbervoided v JOIN ledger_entry e ON e.id = v.entry_id
        WHERE v.tenant = $1
          AND EXISTS (SELECT FROM ledger_remotedocument d
                      WHERE d.tenant = $1 AND d.system = $2 AND upper(d.number) = upper(e.number) AND d.number <> ''
                        AND d.state = 'posted')
        UNION ALL
        SELECT upper(e.number)
        FROM ledger_expecteddocument x
        JOIN ledger_entry e ON e.id = x.entry_id
        JOIN ledger_remotedocument d ON d.tenant = $1 AND d.system = $2 AND upper(d.number) = upper(e.number)
            AND d.number <> '' AND d.state = 'posted'
        WHERE x.tenant = $1 AND x.system = $2
          AND (NOT ledger_is_ours(x.remote_id, e.document, d.remote_id, d.reference)
               OR ledger_amount_differs(x.total, x.currency, x.customer, d.total, d.currency, d.customer))
    $query$ USING p_tenant, p_system, p_series, p_kinds;
END $$;
