"""The statements of table 13. Arguments: tenant, series (id), first and last day of the month."""

# The documents dated in the month, in the order of their values.
ISSUED = """
    SELECT e.period_id, p.prefix, p.width, p.suffix, e.value, e.number,
           EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
      AND p.starts_on <= %(last)s AND p.ends_on >= %(first)s
      AND e.issued_on BETWEEN %(first)s AND %(last)s AND e.kind IN ('issued', 'adopted')
    ORDER BY p.starts_on, e.value
"""

# The missing numbers that belong to the month: those whose next document is dated in it; after the last document of a
# period, those that are dated so themselves.
GAPS = """
    SELECT g.period_id, g.first_value, g.last_value
    FROM (
        SELECT e.period_id, e.value AS first_value, e.value AS last_value, e.issued_on
        FROM ledger_period p
        JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id AND e.kind = 'gap'
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
        UNION ALL
        SELECT a.period_id, a.first_value, a.last_value, NULL
        FROM ledger_period p
        JOIN ledger_adoptedgap a ON a.tenant = p.tenant AND a.period_id = p.id
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
    ) g
    LEFT JOIN LATERAL (
        SELECT e.issued_on FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = g.period_id AND e.value > g.last_value
          AND e.kind IN ('issued', 'adopted')
        ORDER BY e.value LIMIT 1
    ) follows ON true
    WHERE coalesce(follows.issued_on, g.issued_on) BETWEEN %(first)s AND %(last)s
    ORDER BY g.period_id, g.first_value
"""
