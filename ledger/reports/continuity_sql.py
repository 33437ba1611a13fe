"""The statement of the continuity report: counters and rows of some periods, from one snapshot."""

# One row for each of the next periods, in order. Counter and rows come from one statement, hence from one snapshot:
# read apart, a checkout in between would make them disagree. Each period's rows are walked once, by value, along the
# indexes or sorted on disk, so that no period needs more memory than another.
#
# A row's predecessor is the document before it. Right after a flagged gap or a reservation, which are no documents,
# it is looked up; that walks back over them once, so the whole stays linear.
#
# Reservations stand among the rows, since they take a value for good. Free slots don't: those below the highest row are
# missing until the next checkouts take them, and those above it were only minted ahead.
#
# Parameters: tenant, series, since, until (NULL for all), after_tenant, after_series, after_start, after_ordinal (of
# the last period read), batch.
PERIODS = """
    WITH chosen AS MATERIALIZED (
        SELECT p.*, s.code, s.allocation, s.give_back
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE (%(tenant)s::text IS NULL AND NOT p.moves OR p.tenant = %(tenant)s::text)
          AND (%(series)s::text IS NULL OR s.code = %(series)s::text)
          AND (%(since)s::date IS NULL OR p.ends_on >= %(since)s::date)
          AND (%(until)s::date IS NULL OR p.starts_on <= %(until)s::date)
          AND (%(after_tenant)s::text IS NULL
               OR (p.tenant, s.code, p.starts_on, p.ordinal)
                  > (%(after_tenant)s::text, %(after_series)s::text, %(after_start)s::date, %(after_ordinal)s::int))
        ORDER BY p.tenant, s.code, p.starts_on, p.ordinal
        LIMIT %(batch)s
    ), voided AS (
        SELECT e.period_id, count(*) AS voids
        FROM chosen c
        JOIN ledger_entry e ON e.tenant = c.tenant AND e.period_id = c.id
        JOIN ledger_numbervoided v ON v.tenant = c.tenant AND v.entry_id = e.id
         AND (%(tenant)s::text IS NULL OR v.tenant = %(tenant)s::text)
        GROUP BY e.period_id
    )
    SELECT p.tenant, p.code AS series, p.starts_on, p.ends_on, p.prefix, p.width, p.suffix, p.max_value,
           p.closed_at IS NOT NULL AS closed, greatest(p.first_value, 0) AS first, p.last_value AS counter,
           p.allocation IN ('pooled', 'remote') AS is_pooled, run.*, coalesce(voided.voids, 0) AS void,
           known.*, queue.*,
           p.allocation = 'remote' AS is_remote,
           (SELECT d.number FROM ledger_draftmade d
            WHERE d.tenant = p.tenant AND d.period_id = p.id AND d.value = queue.lowest_free) AS drafted,
           p.ordinal
    FROM chosen p
    LEFT JOIN voided ON voided.period_id = p.id
    CROSS JOIN LATERAL (
        SELECT min(e.value) AS lowest,
               max(e.value) AS highest,
               count(*) FILTER (WHERE e.kind = 'issued') AS issued,
               count(*) FILTER (WHERE e.kind = 'adopted') AS adopted,
               count(*) FILTER (WHERE e.kind = 'gap') AS flagged,
               count(*) FILTER (WHERE e.kind = 'reserved') AS reserved,
               coalesce(sum(e.following - e.value - 1) FILTER (WHERE e.following > e.value + 1), 0)::bigint
                   AS inner_missing,
               count(*) FILTER (WHERE e.following > e.value + 1) AS ranges,
               coalesce(max(e.following - e.value - 1), 0) AS longest,
               count(*) FILTER (WHERE e.following = e.value) AS duplicates,
               count(*) FILTER (
                   WHERE e.kind NOT IN ('gap', 'reserved')
                     AND CASE WHEN e.neighbour IN ('gap', 'reserved') THEN (
                                  SELECT CASE WHEN e.kind = 'adopted' AND d.kind = 'adopted'
                                              THEN e.issued_at < d.issued_at ELSE e.issued_on < d.issued_on END
                                  FROM ledger_entry d
                                  WHERE d.tenant = p.tenant AND d.period_id = p.id AND d.value < e.value
                                    AND d.kind <> 'gap'
                                  ORDER BY d.value DESC
                                  LIMIT 1)
                              WHEN e.kind = 'adopted' AND e.neighbour = 'adopted' THEN e.issued_at < e.before_at
                              ELSE e.issued_on < e.before_on END
               ) AS out_of_order
        FROM (
            SELECT r.value, r.kind, r.issued_on, r.issued_at,
                   lead(r.value) OVER by_value AS following,
                   lag(r.kind) OVER by_value AS neighbour,
                   lag(r.issued_at) OVER by_value AS before_at,
                   lag(r.issued_on) OVER by_value AS before_on
            FROM (
                SELECT n.value, n.kind, n.issued_on, n.issued_at
                FROM ledger_entry n WHERE n.tenant = p.tenant AND n.period_id = p.id
                UNION ALL
                SELECT v.value, 'reserved', v.issued_on, v.reserved_at
                FROM ledger_reservation v WHERE v.tenant = p.tenant AND v.period_id = p.id
            ) r
            WINDOW by_value AS (ORDER BY r.value)
        ) e
    ) run
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(g.last_value - g.first_value + 1), 0)::bigint AS adopted_missing,
               coalesce(sum(g.last_value - g.first_value + 1) FILTER (
                   WHERE EXISTS (SELECT FROM ledger_gapexplained x
                                 WHERE x.tenant = g.tenant AND x.adopted_gap_id = g.id)
               ), 0)::bigint AS explained
        FROM ledger_adoptedgap g
        WHERE g.tenant = p.tenant AND g.period_id = p.id
    ) known
    CROSS JOIN LATERAL (
        SELECT count(*) AS free,
               count(*) FILTER (WHERE w.value < run.highest) AS healing,
               min(w.value) FILTER (WHERE w.value < run.highest) AS lowest_healing,
               -- Where nothing may be given back to a later document, what comes next lies above all that was issued.
               min(w.value) FILTER (WHERE p.give_back OR w.value > coalesce(run.highest, -1)) AS lowest_free
        FROM ledger_slot w
        WHERE w.tenant = p.tenant AND w.period_id = p.id
    ) queue
    ORDER BY p.tenant, p.code, p.starts_on, p.ordinal
"""
