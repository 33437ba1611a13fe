"""The statements of the judge. Each returns only what is not as it should be, at most one row for each period.

All take ``tenant`` and ``series`` (a code), null for all. A statement about all periods reads ``ledger_period`` and
probes indexes, so its cost depends on the number of periods, and not on how many numbers there are.
"""

from ledger.gaps.sql import known_gaps

_CHOSEN = """
    (%(tenant)s::text IS NULL AND NOT p.moves OR p.tenant = %(tenant)s)
    AND (%(series)s::text IS NULL OR s.code = %(series)s)
"""

# A moment that Python can read: a row with an impossible one, such as infinity, must not stop the judge.
_SINCE = "CASE WHEN min({0}) BETWEEN '0001-01-02' AND '9999-12-30' THEN min({0}) END"

# The database's clock, when the last full check began (the sweep ``verify``), and how many values the counters in
# question have given out.
SCOPE = f"""
    SELECT clock_timestamp(),
           (SELECT r.started_at FROM ledger_sweeprun r
            WHERE r.sweep = 'verify' AND r.error = '' AND r.finished_at IS NOT NULL
            ORDER BY r.finished_at DESC LIMIT 1),
           (SELECT coalesce(sum(greatest(p.last_value::numeric - p.first_value + 1, 0)), 0)
            FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
            WHERE {_CHOSEN})
"""  # noqa: S608  (our own text)

# Values that the counter gave out without a trace, and counters that stand below their rows. All is read from one
# snapshot, in which each value has exactly one row. Sizes are numeric: a counter may be the largest possible number.
#
# With ``whole``, every value of every period is checked. Else only open periods are checked: the values since the last
# scan, as long as these are at most ``most`` in all, and whether the counter stands where the rows end.
VALUES = f"""
    WITH chosen AS MATERIALIZED (
        SELECT p.id, p.tenant, s.code, p.starts_on, p.ordinal, greatest(p.first_value, 0) - 1 AS start, p.last_value,
               CASE WHEN %(whole)s THEN greatest(p.first_value, 0) - 1
                    ELSE least(greatest(n.through, greatest(p.first_value, 0) - 1), greatest(p.last_value, -1))
               END AS after
        FROM ledger_period p
        JOIN ledger_series s ON s.id = p.series_id
        LEFT JOIN ledger_scanposition n ON n.tenant = p.tenant AND n.period_id = p.id
        WHERE {_CHOSEN} AND (%(whole)s OR p.closed_at IS NULL)
    ), weighed AS (
        SELECT c.*, %(whole)s OR sum(c.size) OVER (ORDER BY c.size, c.id) <= %(most)s AS is_counted
        FROM (SELECT c.*, c.last_value::numeric - c.after AS size FROM chosen c) c
    ), probed AS MATERIALIZED (
        SELECT w.*,
               (SELECT e.value FROM ledger_entry e WHERE e.tenant = w.tenant AND e.period_id = w.id
                ORDER BY e.value DESC LIMIT 1) AS highest,
               CASE WHEN w.is_counted AND w.size > 0 THEN
                   (SELECT count(*) FROM ledger_entry e
                    WHERE e.tenant = w.tenant AND e.period_id = w.id AND e.value > w.after AND e.value <= w.last_value)
                 + (SELECT count(*) FROM ledger_slot v
                    WHERE v.tenant = w.tenant AND v.period_id = w.id AND v.value > w.after AND v.value <= w.last_value)
                 + (SELECT count(*) FROM ledger_reservation r
                    WHERE r.tenant = w.tenant AND r.period_id = w.id AND r.value > w.after AND r.value <= w.last_value)
                 + (SELECT coalesce(sum(g.last_value::numeric - greatest(g.first_value, w.after + 1) + 1), 0)
                    FROM ledger_adoptedgap g
                    WHERE g.tenant = w.tenant AND g.period_id = w.id AND g.last_value > w.after
                      AND g.last_value <= w.last_value)
               END AS known
        FROM weighed w
    ), reached AS MATERIALIZED (
        SELECT b.*,
               CASE WHEN b.highest = b.last_value THEN b.highest ELSE greatest(
                   b.highest,
                   (SELECT max(v.value) FROM ledger_slot v WHERE v.tenant = b.tenant AND v.period_id = b.id),
                   (SELECT max(r.value) FROM ledger_reservation r WHERE r.tenant = b.tenant AND r.period_id = b.id),
                   (SELECT max(g.last_value) FROM ledger_adoptedgap g WHERE g.tenant = b.tenant AND g.period_id = b.id)
               ) END AS reaches
        FROM probed b
    )
    SELECT r.tenant, r.code, r.starts_on, r.ordinal,
           greatest(r.size - r.known, r.last_value::numeric - coalesce(r.reaches, r.start), 0) AS lost,
           coalesce(r.reaches > r.last_value, false) OR coalesce(r.known > r.size, false) AS is_beyond
    FROM reached r
    WHERE r.size > r.known OR r.known > r.size OR r.reaches > r.last_value
       OR r.last_value > coalesce(r.reaches, r.start)
"""  # noqa: S608

# Open alarms, by kind, and whether they were acknowledged. An alarm without a tenant concerns every tenant.
ALARMS = f"""
    SELECT a.tenant, nullif(a.series, ''), a.starts_on, a.ordinal, a.kind, a.is_acknowledged, count(*),
           sum(coalesce(a.through::numeric - a.value, 0) + 1), {_SINCE.format("a.raised_at")}
    FROM (SELECT a.*, EXISTS (SELECT FROM ledger_alarmacknowledged k WHERE k.alarm_id = a.id) AS is_acknowledged
          FROM ledger_alarmraised a) a
    WHERE NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND (a.tenant IS NULL
           OR (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)
              AND (%(series)s::text IS NULL OR a.series = %(series)s))
    GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608

# Findings that are neither resolved nor acknowledged. A void number needs no document.
_OPEN_FINDINGS = f"""
    SELECT f.tenant, s.code, p.starts_on, p.ordinal, count(*), {_SINCE.format("f.raised_at")}
    FROM ledger_findingraised f
    LEFT JOIN ledger_entry e ON e.id = f.entry_id
    LEFT JOIN ledger_period p ON p.id = e.period_id
    LEFT JOIN ledger_series s ON s.id = e.series_id
    WHERE (%(tenant)s::text IS NULL OR f.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
      AND NOT EXISTS (SELECT FROM ledger_findingacknowledged a WHERE a.tenant = f.tenant AND a.finding_id = f.id)
"""  # noqa: S608
DIFFERENCES = f"{_OPEN_FINDINGS} AND f.kind <> 'no-document' GROUP BY 1, 2, 3, 4"
NO_DOCUMENTS = f"""
    {_OPEN_FINDINGS} AND f.kind = 'no-document'
      AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = f.tenant AND v.entry_id = f.entry_id)
    GROUP BY 1, 2, 3, 4
"""

# Missing values that nobody has explained.
UNEXPLAINED = f"""
    SELECT p.tenant, s.code, p.starts_on, p.ordinal, sum(g.size), {_SINCE.format("g.since")}
    FROM (
        SELECT e.tenant, e.period_id, 1::numeric AS size, e.issued_at AS since
        FROM ledger_entry e
        WHERE e.kind = 'gap' AND (%(tenant)s::text IS NULL OR e.tenant = %(tenant)s)
          AND NOT EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = e.tenant AND x.entry_id = e.id)
        UNION ALL
        SELECT g.tenant, g.period_id, g.last_value::numeric - g.first_value + 1, a.adopted_at
        FROM ledger_adoptedgap g JOIN ledger_adoption a ON a.tenant = g.tenant AND a.id = g.adoption_id
        WHERE (%(tenant)s::text IS NULL OR g.tenant = %(tenant)s)
          AND NOT EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = g.tenant AND x.adopted_gap_id = g.id)
    ) g
    JOIN ledger_period p ON p.id = g.period_id AND p.tenant = g.tenant
    JOIN ledger_series s ON s.id = p.series_id
    WHERE {_CHOSEN}
    GROUP BY 1, 2, 3, 4
"""  # noqa: S608

# Missing values that are due to be declared: the sequence broke before a day (in UTC, if that is the day on which the
# gap was found), and they were not declared to the authority.
# More arguments: ids, authorities, befores: three lists, of the series whose rules ask for it.
UNDECLARED = f"""
    SELECT p.tenant, s.code, p.starts_on, p.ordinal, sum(m.size - m.declared), {_SINCE.format("m.since")}
    FROM unnest(%(ids)s::bigint[], %(authorities)s::text[], %(befores)s::date[]) AS w (id, authority, before)
    JOIN ledger_series s ON s.id = w.id
    JOIN ledger_period p ON p.series_id = s.id AND p.tenant = s.tenant
    CROSS JOIN LATERAL ({known_gaps("w.authority", "'UTC'")}) m
    WHERE {_CHOSEN} AND m.size > m.declared AND m.broke_on < w.before
    GROUP BY 1, 2, 3, 4
"""  # noqa: S608

# Reservations that no checkout should hold any more. One more argument: open_at_most (an interval).
RESERVED = f"""
    SELECT p.tenant, s.code, p.starts_on, p.ordinal, count(*), {_SINCE.format("r.reserved_at")}
    FROM ledger_reservation r
    JOIN ledger_period p ON p.id = r.period_id AND p.tenant = r.tenant
    JOIN ledger_series s ON s.id = p.series_id
    WHERE {_CHOSEN} AND r.reserved_at < clock_timestamp() - %(open_at_most)s::interval
    GROUP BY 1, 2, 3, 4
"""  # noqa: S608

# Pools of drafts whose last refill failed.
POOLS = """
    SELECT s.tenant, s.code, r.tried_at
    FROM ledger_remotepool r
    JOIN ledger_series s ON s.id = r.series_id AND s.tenant = r.tenant
    WHERE s.allocation = 'remote' AND s.is_active AND r.error <> ''
      AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
"""
