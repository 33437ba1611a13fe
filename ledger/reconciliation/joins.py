"""What statements about the books share, so that every page and report means the same by its words."""

from __future__ import annotations

# Joins an entry ``e`` with the documents ``d`` of accounting systems that confirm it: posted there and not void here,
# or void on both sides (``v``).
CONFIRMED_BY = """
    LEFT JOIN ledger_numbervoided v ON v.tenant = e.tenant AND v.entry_id = e.id
    JOIN ledger_remotedocument d ON d.tenant = e.tenant AND upper(d.number) = upper(e.number) AND d.number <> ''
        AND d.state = CASE WHEN v.id IS NULL THEN 'posted' ELSE 'void' END
"""

# Joins a finding ``f`` with the last word ``a`` on it, if there is one.
LAST_WORD = """
    LEFT JOIN LATERAL (
        SELECT a.id, a.reason, a.actor, a.acknowledged_at FROM ledger_findingacknowledged a
        WHERE a.tenant = f.tenant AND a.finding_id = f.id
        -- An expression, lest the planner walk back along the primary key, past the words on all other findings.
        ORDER BY a.id + 0 DESC LIMIT 1
    ) a ON true
"""
