"""The statement of the continuity report: counters and rows of some periods, from one snapshot."""

from __future__ import annotations

# One row for each of the next periods, in order. Counter and rows come from one statement, hence from one snapshot:
# read apart, a checkout in between would make them disagree. Each period's rows are walked once, by value along the
# unique index, so that no period needs more memory than another.
#
# A row's predecessor is the document before it. Right after a flagged gap, which is no document, `before` is looked up;
# that walks back over the gap once, so the whole stays linear.
#
# Parameters: tenant, series (NULL for all), after_tenant, after_series, after_start (of the last period read), batch.
PERIODS = """
    WITH chosen AS MATERIALIZED (
        SELECT p.*, s.code
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s::text)
          AND (%(series)s::text IS NULL OR s.code = %(series)s::text)
          AND (%(after_tenant)s::text IS NULL
               OR (p.tenant, s.code, p.starts_on)
                  > (%(after_tenant)s::text, %(after_series)s::text, %(after_start)s::date))
        ORDER BY p.tenant, s.code, p.starts_on
        LIMIT %(batch)s
    ), voided AS (
        SELECT e.period_id, count(*) AS voids
        FROM chosen c
        JOIN ledger_entry e ON e.tenant = c.tenant AND e.period_id = c.id
        JOIN ledger_numbervoided v ON v.tenant = c.tenant AND v.entry_id = e.id
        GROUP BY e.period_id
    )
    SELECT p.tenant, p.code, p.starts_on, p.ends_on, p.prefix, p.width, p.suffix, p.max_value,
           p.closed_at IS NOT NULL, p.first_value, p.last_value,
           run.*, coalesce(voided.voids, 0), known.*
    FROM chosen p
    LEFT JOIN voided ON voided.period_id = p.id
    CROSS JOIN LATERAL (
        SELECT min(e.value) AS lowest,
               max(e.value) AS highest,
               count(*) FILTER (WHERE e.kind = 'issued') AS issued,
               count(*) FILTER (WHERE e.kind = 'adopted') AS adopted,
               count(*) FILTER (WHERE e.kind = 'gap') AS flagged,
               coalesce(sum(e.following - e.value - 1) FILTER (WHERE e.following > e.value + 1), 0)::bigint AS missing,
               count(*) FILTER (WHERE e.following > e.value + 1) AS ranges,
               coalesce(max(e.following - e.value - 1), 0) AS longest,
               count(*) FILTER (WHERE e.following = e.value) AS duplicates,
               count(*) FILTER (
                   WHERE e.kind <> 'gap'
                     AND CASE WHEN e.kind = 'adopted' AND coalesce(b.kind, e.before_kind) = 'adopted'
                              THEN e.issued_at < coalesce(b.issued_at, e.before_at)
                              ELSE e.issued_on < coalesce(b.issued_on, e.before_on) END
               ) AS out_of_order
        FROM (
            SELECT r.value, r.kind, r.issued_on, r.issued_at,
                   lead(r.value) OVER by_value AS following,
                   lag(r.kind) OVER by_value AS neighbour,
                   CASE WHEN lag(r.kind) OVER by_value <> 'gap' THEN lag(r.kind) OVER by_value END AS before_kind,
                   CASE WHEN lag(r.kind) OVER by_value <> 'gap' THEN lag(r.issued_at) OVER by_value END AS before_at,
                   CASE WHEN lag(r.kind) OVER by_value <> 'gap' THEN lag(r.issued_on) OVER by_value END AS before_on
            FROM ledger_entry r
            WHERE r.tenant = p.tenant AND r.period_id = p.id
            WINDOW by_value AS (ORDER BY r.value)
        ) e
        LEFT JOIN LATERAL (
            SELECT d.kind, d.issued_at, d.issued_on
            FROM ledger_entry d
            WHERE e.neighbour = 'gap' AND e.kind <> 'gap'
              AND d.tenant = p.tenant AND d.period_id = p.id AND d.value < e.value AND d.kind <> 'gap'
            ORDER BY d.value DESC
            LIMIT 1
        ) b ON true
    ) run
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(g.last_value - g.first_value + 1), 0)::bigint AS adopted_missing,
               coalesce(sum(g.last_value - g.first_value + 1) FILTER (
                   WHERE EXISTS (SELECT FROM ledger_gapexplained x WHERE x.adopted_gap_id = g.id)
               ), 0)::bigint AS explained
        FROM ledger_adoptedgap g
        WHERE g.tenant = p.tenant AND g.period_id = p.id
    ) known
    ORDER BY p.tenant, p.code, p.starts_on
"""
