"""The statements of ``counts``: one row for each stretch of values and each kind of value in it.

Parameters of all: tenant, period (its id), first and last (values, inclusive), origin (the first value of the first
stretch), size (of a stretch).
"""

from ledger.reconciliation.looking_sql import CONFIRMED_BY

_STRETCH = "(({value}) - %(origin)s::bigint) / %(size)s::bigint"

_CHOSEN = """e.tenant = %(tenant)s AND e.period_id = %(period)s
      AND e.value BETWEEN %(first)s::bigint AND %(last)s::bigint"""

ENTRIES = f"""
    SELECT {_STRETCH.format(value="e.value")}, e.kind, count(*)
    FROM ledger_entry e
    WHERE {_CHOSEN}
    GROUP BY 1, 2
"""  # noqa: S608  (our own text)

BLOCKS = f"""
    SELECT {_STRETCH.format(value="e.value")}, e.kind, e.issued_on, count(*)
    FROM ledger_entry e
    WHERE {_CHOSEN}
    GROUP BY 1, 2, 3
"""  # noqa: S608

# The last alarm that was raised, and the last one that was resolved; 0 where there was none. No parameters.
ALARM_STAMP = """
    SELECT (SELECT coalesce(max(a.id), 0) FROM ledger_alarmraised a),
           (SELECT coalesce(max(d.id), 0) FROM ledger_alarmresolved d), 'ledger_entry'::regclass::oid
"""

QUEUES = f"""
    SELECT 'reserved', {_STRETCH.format(value="e.value")}, count(*)
    FROM ledger_reservation e
    WHERE {_CHOSEN}
    GROUP BY 2
    UNION ALL
    SELECT 'free', {_STRETCH.format(value="e.value")}, count(*)
    FROM ledger_slot e
    WHERE {_CHOSEN}
    GROUP BY 2
"""  # noqa: S608

# Free slots above all that a document or a checkout has: minted ahead, and no numbers yet. Parameters: tenant, period.
AHEAD = """
    SELECT count(*) FROM ledger_slot w
    WHERE w.tenant = %(tenant)s AND w.period_id = %(period)s AND w.value > greatest(
        -1,
        (SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s),
        (SELECT max(r.value) FROM ledger_reservation r WHERE r.tenant = %(tenant)s AND r.period_id = %(period)s))
"""

# Whether values without a document (``g``: tenant, period_id, first, last) count in some days. Their day is that of the
# document before them, or else of the one after them, as in the report. Parameters: since, until (days, or NULL).
IN_DATES = """coalesce(
    (SELECT b.issued_on FROM ledger_entry b
     WHERE b.tenant = g.tenant AND b.period_id = g.period_id AND b.value < g.first AND b.kind <> 'gap'
     ORDER BY b.value DESC LIMIT 1),
    (SELECT a.issued_on FROM ledger_entry a
     WHERE a.tenant = g.tenant AND a.period_id = g.period_id AND a.value > g.last AND a.kind <> 'gap'
     ORDER BY a.value LIMIT 1)
) BETWEEN coalesce(%(since)s::date, '-infinity') AND coalesce(%(until)s::date, 'infinity')"""

# Of some days: how many numbers are void, missing, to be explained, in progress.
# Parameters: tenant, period, last (the highest value that counts), since, until.
DATED = f"""
    WITH g AS (
        SELECT e.tenant, e.period_id, e.value AS first, e.value AS last, 'missing' AS what,
               EXISTS (SELECT FROM ledger_gapexplained x
                       WHERE x.tenant = e.tenant AND x.entry_id = e.id) AS is_explained
        FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s AND e.kind = 'gap'
        UNION ALL
        SELECT a.tenant, a.period_id, a.first_value, a.last_value, 'missing',
               EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = a.tenant AND x.adopted_gap_id = a.id)
        FROM ledger_adoptedgap a WHERE a.tenant = %(tenant)s AND a.period_id = %(period)s
        UNION ALL
        SELECT r.tenant, r.period_id, r.value, r.value, 'in progress', true
        FROM ledger_reservation r WHERE r.tenant = %(tenant)s AND r.period_id = %(period)s
        UNION ALL
        SELECT w.tenant, w.period_id, w.value, w.value, 'in progress', true
        FROM ledger_slot w WHERE w.tenant = %(tenant)s AND w.period_id = %(period)s AND w.value <= %(last)s
    )
    SELECT (SELECT count(*) FROM ledger_numbervoided v
            JOIN ledger_entry e ON e.tenant = v.tenant AND e.id = v.entry_id
            WHERE v.tenant = %(tenant)s AND e.period_id = %(period)s
              AND e.issued_on BETWEEN coalesce(%(since)s::date, '-infinity') AND coalesce(%(until)s::date, 'infinity')),
           coalesce(sum(g.last - g.first + 1) FILTER (WHERE g.what = 'missing'), 0)::bigint,
           coalesce(sum(g.last - g.first + 1) FILTER (WHERE NOT g.is_explained), 0)::bigint,
           count(*) FILTER (WHERE g.what = 'in progress')
    FROM g WHERE {IN_DATES}
"""  # noqa: S608

CONFIRMED = f"""
    SELECT {_STRETCH.format(value="e.value")}, count(DISTINCT e.id)
    FROM ledger_entry e
    {CONFIRMED_BY}
    WHERE {_CHOSEN} AND e.kind IN ('issued', 'adopted')
    GROUP BY 1
"""  # noqa: S608
