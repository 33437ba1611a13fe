"""What statements about the books share, so that every page and report means the same by its words."""

# Whether a document ``d`` of an accounting system is that of an entry ``e``: the one that we pushed, where we did, else
# one that bears no other document's reference.
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

# Joins a finding ``f`` with the last word ``a`` on it, if there is one.
LAST_WORD = """
    LEFT JOIN LATERAL (
        SELECT a.id, a.reason, a.actor, a.acknowledged_at FROM ledger_findingacknowledged a
        WHERE a.tenant = f.tenant AND a.finding_id = f.id
        -- An expression, lest the planner walk back along the primary key, past the words on all other findings.
        ORDER BY a.id + 0 DESC LIMIT 1
    ) a ON true
"""
