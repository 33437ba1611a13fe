"""The statements of the rules report: one series, its real numbers and its gaps."""

# What the rules ask of the numbers themselves, in one walk. Arguments: tenant, series (id), max_length, pattern,
# highest; null for what is not asked.
NUMBERS = """
    SELECT count(*), max(length(e.number)), count(*) - count(DISTINCT upper(e.number)),
           count(*) FILTER (WHERE length(e.number) > %(max_length)s::int),
           min(e.number) FILTER (WHERE length(e.number) > %(max_length)s::int),
           count(*) FILTER (WHERE e.number !~ %(pattern)s::text),
           min(e.number) FILTER (WHERE e.number !~ %(pattern)s::text),
           count(*) FILTER (WHERE e.value NOT BETWEEN %(lowest)s::bigint AND %(highest)s::bigint),
           min(e.number) FILTER (WHERE e.value NOT BETWEEN %(lowest)s::bigint AND %(highest)s::bigint)
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s AND e.kind <> 'gap'
"""

# Numbers that an authority should know by now: how many, how many of them it doesn't, and one of those. Void ones are
# left out. Last the oldest date of those that it doesn't know.
# Arguments: tenant, series (id), authority, since (a date or null), before (a date: only older numbers).
REGISTRATIONS = """
    SELECT count(*), count(*) FILTER (WHERE r.id IS NULL), min(e.number) FILTER (WHERE r.id IS NULL),
           min(e.issued_on) FILTER (WHERE r.id IS NULL)
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    LEFT JOIN ledger_numberregistered r
        ON r.tenant = e.tenant AND r.entry_id = e.id AND r.authority = %(authority)s
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s AND e.kind = 'issued'
      AND e.issued_on < %(before)s::date AND (%(since)s::date IS NULL OR e.issued_on >= %(since)s::date)
      AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
"""

# Missing numbers that are known: how many, how many of them explained, declared to the authority, and neither declared
# nor broken on or after the day ``overdue``. A sequence breaks on the day of the missing number itself, where that was
# reserved; else on that of the next higher number; and, if none is higher, on the day on which the gap was found.
# Last the day of the earliest break of which something is not declared.
# Arguments: tenant, series (id), authority, overdue (a date or null), time_zone.
GAPS = """
    WITH gap AS (
        SELECT e.period_id, e.value AS first_value, e.value AS last_value,
               CASE WHEN e.metadata ? 'reservation'::text THEN e.issued_on END AS own,
               (e.issued_at AT TIME ZONE %(time_zone)s)::date AS found,
               EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = e.tenant AND x.entry_id = e.id) AS explained
        FROM ledger_period p
        JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id AND e.kind = 'gap'
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
        UNION ALL
        SELECT g.period_id, g.first_value, g.last_value, NULL, (a.adopted_at AT TIME ZONE %(time_zone)s)::date,
               EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = g.tenant AND x.adopted_gap_id = g.id)
        FROM ledger_period p
        JOIN ledger_adoptedgap g ON g.tenant = p.tenant AND g.period_id = p.id
        JOIN ledger_adoption a ON a.tenant = g.tenant AND a.id = g.adoption_id
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
    ), sized AS (
        SELECT g.*, coalesce(g.own, follows.issued_on, g.found) AS broke_on,
               g.last_value - g.first_value + 1 AS size, coalesce(declared.size, 0) AS declared
        FROM gap g
        LEFT JOIN LATERAL (
            SELECT sum(least(d.last_value, g.last_value) - greatest(d.first_value, g.first_value) + 1) AS size
            FROM ledger_gapdeclared d
            WHERE d.tenant = %(tenant)s AND d.period_id = g.period_id AND d.authority = %(authority)s
              AND d.first_value <= g.last_value AND d.last_value >= g.first_value
        ) declared ON true
        LEFT JOIN LATERAL (
            SELECT e.issued_on FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND e.period_id = g.period_id AND e.value > g.last_value AND e.kind <> 'gap'
            ORDER BY e.value LIMIT 1
        ) follows ON true
    )
    SELECT coalesce(sum(size), 0), coalesce(sum(size) FILTER (WHERE explained), 0), coalesce(sum(declared), 0),
           coalesce(sum(size - declared)
                    FILTER (WHERE broke_on < %(overdue)s::date), 0),
           min(broke_on) FILTER (WHERE size > declared)
    FROM sized
"""
