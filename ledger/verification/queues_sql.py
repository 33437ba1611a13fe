"""The statements about what waits in the queues; of the shape that ``sql.py`` describes."""

# Rules 1, 2, 7 and 9. A value waits in an open period of its own tenant, whose counter gave it out, and where a
# checkout finds it: no checkout would take a slot of a series that isn't pooled any more, or one below the value at
# which its pool begins. A reservation waits no longer than ``open_at_most``.
QUEUED = """
    WITH queued AS (
        SELECT 'slot' AS queue, w.tenant, w.period_id, NULL::bigint AS series_id, w.value, NULL::bigint AS id,
               NULL::timestamptz AS reserved_at
        FROM ledger_slot w
        UNION ALL
        SELECT 'reservation', r.tenant, r.period_id, r.series_id, r.value, r.id, r.reserved_at
        FROM ledger_reservation r
    )
    SELECT q.queue || '-' || v.found, q.tenant, p.series_id, p.id, q.value, NULL::bigint, NULL, q.id, v.detail
    FROM queued q
    LEFT JOIN ledger_period p ON p.id = q.period_id
    LEFT JOIN ledger_series s ON s.id = p.series_id
    LEFT JOIN ledger_pool l ON l.period_id = q.period_id AND l.tenant = q.tenant
    LEFT JOIN ledger_draftmade d ON d.tenant = q.tenant AND d.period_id = q.period_id AND d.value = q.value
    CROSS JOIN LATERAL (VALUES
        ('of-stranger', (p.tenant = q.tenant AND coalesce(q.series_id, p.series_id) = p.series_id) IS NOT TRUE,
         q.period_id::text),
        ('beyond-counter', q.value NOT BETWEEN p.first_value AND p.last_value,
         p.first_value::text || ' to ' || p.last_value::text),
        ('in-closed-period', p.closed_at IS NOT NULL, p.closed_at::text),
        ('stranded', q.queue = 'slot' AND s.allocation NOT IN ('pooled', 'remote') AND p.closed_at IS NULL,
         s.allocation),
        ('undrafted', q.queue = 'slot' AND s.allocation = 'remote' AND d.id IS NULL, s.system),
        ('hidden', q.queue = 'slot' AND q.value < l.free_from AND q.value <> ALL (l.stragglers), l.free_from::text),
        ('old', q.reserved_at < clock_timestamp() - %(open_at_most)s::interval, q.reserved_at::text)
    ) AS v (found, broken, detail)
    WHERE v.broken
"""

# Rule 4. Tickets of other transactions. None should ever be visible, since each gets its number before the commit.
TICKETS = """
    SELECT 'ticket-left', t.tenant, t.series_id, t.period_id, NULL::bigint, NULL::bigint, NULL, t.id,
           coalesce(nullif(array_to_string(t.documents[:5], ', '), ''), 'no document')
               || CASE WHEN cardinality(t.documents) > 5 THEN ' and more' ELSE '' END
    FROM ledger_ticket t WHERE t.transaction_id IS DISTINCT FROM pg_current_xact_id_if_assigned()::text::bigint
"""

# Rules 3 and 8. A draft belongs to a period of its own tenant, and its value was given out by the counter. A cancelled
# draft belongs to the same tenant, and no document has its number.
DRAFTS = """
    SELECT 'draft-of-nothing', d.tenant, p.series_id, p.id, d.value, NULL::bigint, d.number, d.id, d.period_id::text
    FROM ledger_draftmade d
    LEFT JOIN ledger_period p ON p.id = d.period_id
    WHERE (p.tenant = d.tenant
           AND (d.value IS NULL OR p.has_drafts AND d.value BETWEEN p.first_value AND p.last_value)) IS NOT TRUE
    UNION ALL
    SELECT 'cancelled-in-use', c.tenant, p.series_id, p.id, d.value, NULL, d.number, c.id,
           coalesce(e.document, c.draft_id::text)
    FROM ledger_draftcancelled c
    LEFT JOIN ledger_draftmade d ON d.id = c.draft_id AND d.tenant = c.tenant
    LEFT JOIN ledger_period p ON p.id = d.period_id
    LEFT JOIN ledger_entry e ON e.tenant = d.tenant AND e.period_id = d.period_id AND e.value = d.value
    WHERE d.id IS NULL OR e.kind = 'issued'
"""

# Rule 8. A reported hole belongs to a period of its own tenant, and its value was given out by the counter.
HOLES = """
    SELECT 'hole-of-nothing', h.tenant, p.series_id, p.id, h.value, NULL::bigint, NULL, h.id, h.period_id::text
    FROM ledger_holereported h
    LEFT JOIN ledger_period p ON p.id = h.period_id
    WHERE (p.tenant = h.tenant AND h.value BETWEEN p.first_value AND p.last_value) IS NOT TRUE
"""
