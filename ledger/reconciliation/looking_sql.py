"""The statements that read findings and confirmed numbers, with the joins that pages and reports share."""

# Whether a document ``d`` of an accounting system is that of an entry ``e``: the one that we pushed, if we did, else
# one without the reference of another document.
OURS = """coalesce(
    d.remote_id = (SELECT nullif(x.remote_id, '') FROM ledger_expecteddocument x
                   WHERE x.tenant = e.tenant AND x.system = d.system AND x.entry_id = e.id),
    d.reference = '' OR e.document = '' OR d.reference = e.document)"""

# Joins an entry ``e`` with the documents ``d`` of accounting systems that confirm it: ours, posted there and not void
# here, or void on both sides (``v``).
CONFIRMED_BY = f"""
    LEFT JOIN ledger_numbervoided v ON v.tenant = e.tenant AND v.entry_id = e.id
    JOIN ledger_remotedocument d ON d.tenant = e.tenant AND upper(d.number) = upper(e.number) AND d.number <> ''
        AND d.state = CASE WHEN v.id IS NULL THEN 'posted' ELSE 'void' END AND {OURS}
        AND (d.kind = '' OR NOT EXISTS (
            -- Of another kind than its series' documents: the comparison knows which that is.
            SELECT FROM ledger_findingraised f
            WHERE f.tenant = e.tenant AND f.system = d.system AND f.kind IN ('missing', 'unknown')
              AND f.subject = upper(e.number)
              AND NOT EXISTS (SELECT FROM ledger_findingresolved r WHERE r.tenant = f.tenant AND r.finding_id = f.id)))
"""  # noqa: S608

# Joins a finding ``f`` with its last acknowledgement ``a``, if there is one.
LAST_WORD = """
    LEFT JOIN LATERAL (
        SELECT a.id, a.reason, a.actor, a.acknowledged_at FROM ledger_findingacknowledged a
        WHERE a.tenant = f.tenant AND a.finding_id = f.id
        -- An expression, lest the planner walk back along the primary key, past the words on all other findings.
        ORDER BY a.id + 0 DESC LIMIT 1
    ) a ON true
"""


_CHOSEN = """
    (%(tenant)s::text IS NULL OR f.tenant = %(tenant)s) AND (%(system)s::text IS NULL OR f.system = %(system)s)
    AND (%(kind)s::text IS NULL OR f.kind = %(kind)s)
    AND (%(resolved)s OR d.id IS NULL)
    AND (%(acknowledged)s::boolean IS NULL OR %(acknowledged)s = (a.id IS NOT NULL))
"""

_FINDINGS = f"""
    FROM ledger_findingraised f
    LEFT JOIN ledger_findingresolved d ON d.tenant = f.tenant AND d.finding_id = f.id
    {LAST_WORD}
"""

# Findings with their resolution and last acknowledgement. ``system``, ``tenant``, ``kind`` and ``acknowledged`` may be
# null for any; ``resolved`` adds those that are resolved.
FINDINGS = f"""
    SELECT f.id, f.tenant, f.system, f.kind, f.subject, f.occurrence, f.entry_id AS entry, f.number,
           f.document, f.facts, f.raised_at, d.resolved_at, a.reason, a.actor AS acknowledged_by, a.acknowledged_at
    {_FINDINGS}
    WHERE {_CHOSEN}
    ORDER BY f.tenant, f.system, f.id
"""
COUNT_FINDINGS = f"SELECT f.kind, count(*) {_FINDINGS} WHERE {_CHOSEN} GROUP BY 1"

# Numbers that a system knows as the ledger does: posted there and not void here, or void on both sides.
_CONFIRMED = f"""
    FROM ledger_entry e
    JOIN ledger_period p ON p.id = e.period_id
    JOIN ledger_series s ON s.id = e.series_id
    {CONFIRMED_BY}
    WHERE e.tenant = %(tenant)s AND e.kind IN ('issued', 'adopted')
      AND (%(system)s::text IS NULL OR d.system = %(system)s)
      AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND (%(period)s::bigint IS NULL OR e.period_id = %(period)s)
"""
CONFIRMED = f"""
    SELECT c.series, c.period, c.value, c.entry, c.number, c.system, c.remote_id, c.state, c.seen_at FROM (
        SELECT DISTINCT ON (s.code, p.starts_on, e.value)
               s.code AS series, e.period_id AS period, e.value, e.id AS entry, e.number, d.system, d.remote_id,
               d.state, d.seen_at
        {_CONFIRMED}
        ORDER BY s.code, p.starts_on, e.value, d.system, d.remote_id
    ) c
"""  # noqa: S608
COUNT_CONFIRMED = f"SELECT count(DISTINCT e.id) {_CONFIRMED}"
