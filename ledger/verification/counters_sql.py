"""The statements about counters and the values that they gave out; of the shape that ``sql.py`` describes."""

# Rule 1. All that is known of a period's values, as spans in order: ranges of an adopted history (sort 0), entries (1),
# free slots (2), reservations (3), and the period's end (4). If there is a hole between a span and those before it,
# values are lost: with every allocation, the counter gives out a value in one transaction with its entry, or with its
# row in a queue. If a span overlaps those before it, two rows claim one value.
CONTINUITY = """
    WITH chosen AS (
        SELECT p.id, p.tenant, p.series_id, p.first_value, p.last_value
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ), spans AS (
        SELECT e.period_id, e.value AS first, e.value AS last, 1 AS sort, e.id, e.number
        FROM ledger_entry e JOIN chosen c ON c.id = e.period_id
        WHERE e.value BETWEEN c.first_value AND c.last_value
        UNION ALL
        SELECT g.period_id, g.first_value, g.last_value, 0, g.id, NULL
        FROM ledger_adoptedgap g JOIN chosen c ON c.id = g.period_id
        WHERE g.first_value >= c.first_value AND g.last_value <= c.last_value
        UNION ALL
        SELECT w.period_id, w.value, w.value, 2, NULL, NULL
        FROM ledger_slot w JOIN chosen c ON c.id = w.period_id
        WHERE w.value BETWEEN c.first_value AND c.last_value
        UNION ALL
        SELECT r.period_id, r.value, r.value, 3, r.id, NULL
        FROM ledger_reservation r JOIN chosen c ON c.id = r.period_id
        WHERE r.value BETWEEN c.first_value AND c.last_value
        UNION ALL
        SELECT c.id, c.last_value, c.last_value, 4, NULL, NULL FROM chosen c
    ), swept AS (
        SELECT *, max(last) FILTER (WHERE sort < 4) OVER earlier AS reached,
               max(last) FILTER (WHERE sort = 0) OVER earlier AS gap_reached,
               max(last) FILTER (WHERE sort = 1) OVER earlier AS entry_reached,
               max(last) FILTER (WHERE sort = 2) OVER earlier AS slot_reached
        FROM spans
        WINDOW earlier AS (PARTITION BY period_id ORDER BY first, sort, id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), judged AS (
        SELECT w.id AS row_id, w.number, w.first, w.last, w.sort, c.*, coalesce(w.reached, c.first_value - 1) AS known,
               CASE WHEN w.sort < 4 AND w.first <= w.reached
                        THEN CASE WHEN w.sort = 0 THEN 'gap-overlaps'
                                  WHEN w.sort = 2 THEN 'slot-twice'
                                  WHEN w.sort = 3 THEN 'reservation-twice'
                                  WHEN w.first <= w.gap_reached THEN 'entry-in-gap'
                                  ELSE 'value-twice' END
                    WHEN w.sort < 4 AND w.first - 1 > coalesce(w.reached, c.first_value - 1)
                        OR w.sort = 4 AND c.last_value > coalesce(w.reached, c.first_value - 1)
                        THEN 'lost-or-tampered'
               END AS found,
               CASE WHEN w.first <= w.entry_reached THEN 'has an entry'
                    WHEN w.first <= w.gap_reached THEN 'was adopted as missing'
                    WHEN w.first <= w.slot_reached THEN 'is a free slot' ELSE 'is reserved' END AS also
        FROM swept w JOIN chosen c ON c.id = w.period_id
    )
    SELECT found, tenant, series_id, id,
           CASE WHEN found = 'lost-or-tampered' THEN known + 1 ELSE first END,
           CASE WHEN found <> 'lost-or-tampered' OR sort = 4 THEN last ELSE first - 1 END,
           CASE WHEN found <> 'lost-or-tampered' THEN number END,
           CASE WHEN found <> 'lost-or-tampered' THEN row_id END,
           also
    FROM judged WHERE found IS NOT NULL
"""

# Rule 2. The counter against the highest value that has an entry or waits in a queue.
COUNTERS = """
    SELECT 'counter', p.tenant, p.series_id, p.id, p.last_value, NULL::bigint, NULL, p.id,
           coalesce(k.highest, p.first_value - 1)::text
    FROM ledger_period p
    LEFT JOIN (
        SELECT v.period_id, max(v.highest) AS highest
        FROM (SELECT period_id, max(value) AS highest FROM ledger_entry GROUP BY period_id
              UNION ALL SELECT period_id, max(value) FROM ledger_slot GROUP BY period_id
              UNION ALL SELECT period_id, max(value) FROM ledger_reservation GROUP BY period_id) v
        GROUP BY v.period_id
    ) k ON k.period_id = p.id
    WHERE p.last_value <> coalesce(k.highest, p.first_value - 1)
"""

# Rule 2, for the date of a counter: with the chronology guard on, the latest date with which it compares. A reservation
# counts, since it has the date of its future entry; a void number doesn't.
CHRONOLOGY = """
    SELECT 'latest-date', p.tenant, p.series_id, p.id, p.last_value, NULL::bigint, NULL, p.id,
           k.latest::text || ' > ' || coalesce(p.last_issued_on::text, 'nothing')
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    JOIN (
        SELECT d.period_id, max(d.latest) AS latest
        FROM (SELECT e.period_id, max(e.issued_on) AS latest FROM ledger_entry e
              WHERE e.kind <> 'gap' AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.entry_id = e.id)
              GROUP BY e.period_id
              UNION ALL SELECT period_id, max(issued_on) FROM ledger_reservation GROUP BY period_id) d
        GROUP BY d.period_id
    ) k ON k.period_id = p.id
    WHERE s.chronological AND p.closed_at IS NULL AND (p.last_issued_on IS NULL OR p.last_issued_on < k.latest)
"""
