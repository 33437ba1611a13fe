"""The statements about alarms."""

from __future__ import annotations

_IS_OPEN = "NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)"

# Raises those of some alarms that are not open. Argument: a JSON list of rows.
RAISE = "SELECT ledger_raise_alarms(%s::jsonb)"

# Resolves those of some alarms that are open. Argument: ids.
RESOLVE = "SELECT ledger_resolve_alarms(%s::bigint[])"

# The open alarms that a look with these limits would find again. Guards, which concern all tenants, are looked at
# always. Arguments: tenant, series (null for all), rules (the kind of alarms of the rules of countries), country
# (whether it is they that are looked at).
OPEN = f"""
    SELECT a.subject, a.id
    FROM ledger_alarmraised a
    WHERE {_IS_OPEN} AND (a.kind = %(rules)s) = %(country)s
      AND (a.tenant IS NULL
           OR (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)
              AND (%(series)s::text IS NULL OR a.series = %(series)s))
"""  # noqa: S608

# Open alarms that are mended: each of the lost values has a row again, and the reservation is no more.
MENDED = f"""
    SELECT a.id
    FROM ledger_alarmraised a
    JOIN ledger_series s ON s.tenant = a.tenant AND s.code = a.series
    JOIN ledger_period p ON p.tenant = a.tenant AND p.series_id = s.id AND p.starts_on = a.starts_on
    CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM ledger_entry e
                WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.value BETWEEN a.value AND a.through)
             + (SELECT count(*) FROM ledger_slot w
                WHERE w.tenant = p.tenant AND w.period_id = p.id AND w.value BETWEEN a.value AND a.through)
             + (SELECT count(*) FROM ledger_reservation r
                WHERE r.tenant = p.tenant AND r.period_id = p.id AND r.value BETWEEN a.value AND a.through)
             + (SELECT coalesce(sum(least(g.last_value, a.through)::numeric - greatest(g.first_value, a.value) + 1), 0)
                FROM ledger_adoptedgap g
                WHERE g.tenant = p.tenant AND g.period_id = p.id
                  AND g.first_value <= a.through AND g.last_value >= a.value) AS count
    ) known
    WHERE a.kind = 'lost-or-tampered' AND {_IS_OPEN} AND known.count = a.through::numeric - a.value + 1
    UNION ALL
    SELECT a.id
    FROM ledger_alarmraised a
    WHERE a.kind = 'reservation-old' AND {_IS_OPEN}
      AND NOT EXISTS (SELECT FROM ledger_reservation r WHERE r.tenant = a.tenant AND r.id = a.row_id)
"""  # noqa: S608
