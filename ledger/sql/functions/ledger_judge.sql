-- Compare every number in ledger_pendingcomparison with the accounting system, by the rules of FindingKind: raise each
-- new difference, and resolve each finding that no longer differs. Each number is looked up by index, on both sides.
-- Issued numbers between p_through and p_covered can be missing (null: from the beginning). p_kinds has the kind of
-- documents of each series, which is compared only with documents of that kind or of unknown kind. Returns rows of
-- action, kind, count.
--
-- OFFSET 0 and LIMIT keep the planner on the index of the number or the reference. Without statistics of a new system,
-- an ORDER BY or a join could make it choose an index that reads all rows of the system for each number.
CREATE OR REPLACE FUNCTION ledger_judge(
    p_tenant text, p_system text, p_series bigint[], p_kinds text[], p_through timestamptz, p_covered timestamptz,
    p_number_kept boolean, p_report_foreign boolean
) RETURNS TABLE (done text, done_kind text, done_count bigint) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET work_mem = '96MB' SET jit = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT c.subject FROM ledger_pendingcomparison c
        WHERE c.tenant = p_tenant AND c.system = p_system
    ), seen AS MATERIALIZED (
        SELECT k.subject, e.*, p.starts_on, p.ends_on, v.voided_at, v.void_reason, v.id IS NOT NULL AS is_void,
               x.total, x.currency, x.customer, x.remote_id, r.posted, r.void, r.dead, r.ours_posted, r.outside,
               r.matched, r.amount_differs, r.first_number, r.first_reference
        FROM asked k
        LEFT JOIN LATERAL (
            SELECT e.id AS entry_id, e.number, e.kind, e.document, e.issued_on, e.issued_at, e.period_id, e.actor,
                   e.series_id = ANY (p_series) AS ours, p_kinds[array_position(p_series, e.series_id)] AS its_kind
            FROM ledger_entry e WHERE e.tenant = p_tenant AND upper(e.number) = k.subject
            LIMIT 1
        ) e ON true
        LEFT JOIN ledger_period p ON p.id = e.period_id
        LEFT JOIN LATERAL (
            SELECT v.id, v.voided_at, v.reason AS void_reason
            FROM ledger_numbervoided v WHERE v.tenant = p_tenant AND v.entry_id = e.entry_id
            LIMIT 1
        ) v ON true
        LEFT JOIN ledger_expecteddocument x ON x.tenant = p_tenant AND x.system = p_system AND x.entry_id = e.entry_id
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE d.state = 'posted') AS posted,
                   count(*) FILTER (WHERE d.state = 'void') AS void,
                   count(*) FILTER (WHERE d.state = 'deleted') AS dead,
                   coalesce(bool_or(d.state = 'posted' AND d.reference = e.document AND d.reference <> ''), false)
                       AS ours_posted,
                   coalesce(bool_or(d.state IN ('posted', 'void')
                                    AND d.issued_on NOT BETWEEN p.starts_on AND p.ends_on), false) AS outside,
                   coalesce(bool_or(d.state IN ('posted', 'void') AND ledger_is_ours(
                       x.remote_id, e.document, d.remote_id, d.reference)), false) AS matched,
                   coalesce(bool_or(d.state = 'posted' AND ledger_is_ours(
                       x.remote_id, e.document, d.remote_id, d.reference) AND ledger_amount_differs(
                       x.total, x.currency, x.customer, d.total, d.currency, d.customer)), false) AS amount_differs,
                   min(d.number) FILTER (WHERE d.state IN ('posted', 'void')) AS first_number,
                   min(d.reference) FILTER (WHERE d.state IN ('posted', 'void')) AS first_reference
            FROM ledger_remotedocument d
            WHERE d.tenant = p_tenant AND d.system = p_system AND upper(d.number) = k.subject AND d.number <> ''
              AND coalesce(d.kind IN ('', e.its_kind), true)
        ) r
    ), judged AS MATERIALIZED (
        SELECT s.*, o.elsewhere, o.elsewhere_count, d.differing
        FROM (SELECT s.*, s.kind IN ('issued', 'adopted') AND s.ours AS numbered,
                     s.kind IN ('issued', 'adopted') AND s.ours AND NOT s.is_void AS living
              FROM seen s) s
        CROSS JOIN LATERAL (
            SELECT count(*) AS elsewhere_count, jsonb_agg(
    jsonb_build_object('remote_id', d.remote_id, 'number', d.number, 'state', d.state, 'issued_on', d.issued_on,
                       'reference', d.reference, 'changed_at', d.changed_at, 'total', trim_scale(d.total),
                        'currency', d.currency,
                       'customer', d.customer, 'document_kind', nullif(d.kind, ''))
 ORDER BY d.remote_id) AS elsewhere
            FROM (SELECT d.* FROM ledger_remotedocument d
            WHERE s.ours AND s.kind IN ('issued', 'adopted') AND NOT s.is_void AND s.document > '' AND NOT s.matched
              AND d.tenant = p_tenant AND d.system = p_system AND d.reference = s.document AND d.reference > ''
              AND d.state = 'posted' AND d.number <> '' AND upper(d.number) <> s.subject
              AND d.kind IN ('', s.its_kind)
              AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p_tenant
                              AND upper(e.number) = upper(d.number) AND e.document = s.document)
            LIMIT 20) d
        ) o
        CROSS JOIN LATERAL (
            SELECT count(*) AS unexplained
            FROM ledger_remotedocument d
            WHERE (s.entry_id IS NULL AND s.posted + s.void > 0
                   OR d.kind <> s.its_kind AND d.kind <> '' AND d.kind = ANY (p_kinds))
              AND d.tenant = p_tenant AND d.system = p_system AND upper(d.number) = s.subject AND d.number <> ''
              AND d.state IN ('posted', 'void')
              AND NOT (d.state = 'posted' AND d.reference <> '' AND EXISTS (
                  SELECT FROM ledger_entry e
                  WHERE e.tenant = p_tenant AND e.series_id = ANY (p_series) AND e.document = d.reference
                    AND e.document > '' AND e.kind <> 'gap'
                    AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
                    AND NOT 
    coalesce((SELECT true FROM ledger_remotedocument m
              WHERE m.tenant = p_tenant AND m.system = p_system AND upper(m.number) = upper(e.number)
                AND m.number <> '' AND m.state IN ('posted', 'void') AND (m.reference IN ('', e.document))
              LIMIT 1), false)
))
              AND (p_report_foreign OR EXISTS (
                  SELECT FROM ledger_period p
                  WHERE p.tenant = p_tenant AND p.series_id = ANY (p_series)
                    AND ledger_value_of(p.prefix, p.width, p.suffix, s.subject) IS NOT NULL))
        ) u
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(w.kind) FILTER (WHERE w.differs), '{}') AS differing
            FROM (VALUES
                ('missing', s.living AND s.posted + s.void + s.dead = 0 AND o.elsewhere_count = 0
                            AND s.issued_at <= p_through
                            AND (p_covered IS NULL OR s.issued_at >= p_covered)),
                ('unknown', u.unexplained > 0),
                ('void-there', s.living AND s.posted = 0 AND s.void > 0),
                ('void-here', s.numbered AND s.is_void AND s.posted > 0 AND (s.void + s.dead = 0 OR s.ours_posted)),
                ('duplicate', s.numbered AND s.posted + CASE WHEN p_number_kept THEN s.void ELSE 0 END > 1),
                ('other-number', o.elsewhere_count > 0),
                ('other-period', s.numbered AND s.outside),
                ('deleted', s.living AND s.posted + s.void = 0 AND s.dead > 0),
                ('reused', s.numbered AND s.posted > 0
                           AND s.dead + CASE WHEN p_number_kept THEN 0 ELSE s.void END > 0),
                ('gap', s.ours AND s.kind = 'gap' AND s.posted > 0),
                ('other-document', s.living AND s.posted > 0 AND NOT s.matched),
                ('other-amount', s.living AND s.amount_differs)
            ) AS w (kind, differs)
        ) d
    ), near AS MATERIALIZED (
        -- A number that is missing there, and one there that is unknown here, with the same spelling: one finding.
        SELECT m.subject, array_agg(u.subject) AS others
        FROM (SELECT DISTINCT ON (u.subject) u.subject, m.subject AS meant
              FROM judged u
              CROSS JOIN LATERAL (SELECT ledger_spelling(u.subject) AS spelling) l
              CROSS JOIN LATERAL (VALUES (l.spelling), (regexp_replace(l.spelling, '-[1-9]$', ''))) k (spelling)
              JOIN (SELECT j.subject, ledger_spelling(j.subject) AS spelling FROM judged j
                    WHERE j.living AND j.posted = 0 AND j.elsewhere_count = 0) m ON m.spelling = k.spelling
                  AND m.subject <> u.subject
              WHERE 'unknown' = ANY (u.differing)
              ORDER BY u.subject, m.subject) u
        JOIN judged m ON m.subject = u.meant
        GROUP BY m.subject
    ), verdicts AS MATERIALIZED (
        SELECT j.*, j.subject OPERATOR(pg_catalog.||) coalesce(n.others, '{}'::text[]) AS subjects, ARRAY(
                   SELECT w.kind FROM unnest(j.rest) AS w (kind)
                   WHERE n.subject IS NULL OR w.kind NOT IN ('missing', 'void-there', 'deleted')
                   UNION ALL SELECT 'other-spelling' WHERE n.subject IS NOT NULL) AS told
        FROM (SELECT j.*, CASE WHEN o.subject IS NULL THEN j.differing
                               ELSE array_remove(j.differing, 'unknown') END AS rest
              FROM judged j LEFT JOIN (SELECT unnest(n.others) AS subject FROM near n) o ON o.subject = j.subject) j
        LEFT JOIN near n ON n.subject = j.subject
    ), raised AS (
        INSERT INTO ledger_findingraised (tenant, system, kind, subject, occurrence, entry_id, number, document, facts)
        SELECT p_tenant, p_system, k.kind, j.subject, coalesce(last.occurrence, 0) + 1, j.entry_id,
               coalesce(j.number, j.first_number, j.subject), coalesce(j.document, j.first_reference, ''),
               jsonb_build_object(
                   'here', CASE WHEN j.entry_id IS NOT NULL THEN jsonb_build_object(
                       'number', j.number, 'kind', j.kind, 'document', j.document, 'issued_on', j.issued_on,
                       'issued_at', j.issued_at, 'period', j.starts_on::text || ' to ' || j.ends_on::text, 'actor', j.actor,
                       'total', trim_scale(j.total), 'currency', j.currency, 'customer', j.customer, 'pushed_as', j.remote_id,
                       'void', CASE WHEN j.is_void THEN jsonb_build_object(
                           'voided_at', j.voided_at, 'reason', j.void_reason) END) END,
                   'there', CASE k.kind WHEN 'other-number' THEN j.elsewhere ELSE t.documents END)
        FROM verdicts j
        CROSS JOIN LATERAL unnest(j.told) AS k (kind)
        LEFT JOIN LATERAL (
            SELECT f.occurrence,
                   NOT EXISTS (SELECT FROM ledger_findingresolved d
                               WHERE d.tenant = f.tenant AND d.finding_id = f.id) AS is_open
            FROM ledger_findingraised f
            WHERE f.tenant = p_tenant AND f.system = p_system AND f.kind = k.kind AND f.subject = j.subject
            ORDER BY f.occurrence DESC LIMIT 1
        ) last ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_agg(
    jsonb_build_object('remote_id', d.remote_id, 'number', d.number, 'state', d.state, 'issued_on', d.issued_on,
                       'reference', d.reference, 'changed_at', d.changed_at, 'total', trim_scale(d.total),
                        'currency', d.currency,
                       'customer', d.customer, 'document_kind', nullif(d.kind, ''))
 ORDER BY d.remote_id), '[]') AS documents
            FROM (SELECT d.* FROM ledger_remotedocument d
                  WHERE d.tenant = p_tenant AND d.system = p_system AND d.number <> ''
                    AND upper(d.number) = ANY (CASE k.kind WHEN 'other-spelling' THEN j.subjects
                                               ELSE ARRAY[j.subject] END)
                  LIMIT 20) d
        ) t
        WHERE last.is_open IS NOT TRUE
        ORDER BY j.subject, k.kind
        ON CONFLICT DO NOTHING
        RETURNING ledger_findingraised.kind
    ), settled AS MATERIALIZED (
        SELECT f.id, f.tenant, f.kind
        FROM verdicts j
        CROSS JOIN LATERAL (
            SELECT f.id, f.tenant, f.kind FROM ledger_findingraised f
            WHERE f.tenant = p_tenant AND f.system = p_system AND f.subject = j.subject
            OFFSET 0
        ) f
        WHERE f.kind <> ALL (j.told)
          AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
    ), resolved AS (
        INSERT INTO ledger_findingresolved (tenant, finding_id)
        SELECT v.tenant, v.id FROM settled v ORDER BY v.id
        ON CONFLICT DO NOTHING
    )
    SELECT 'raised', r.kind, count(*) FROM raised r GROUP BY r.kind
    UNION ALL
    SELECT 'resolved', s.kind, count(*) FROM settled s GROUP BY s.kind;
END $$;
