"""The statements about alarms."""

from __future__ import annotations

# Raises those of some alarms that are not open. Argument: a JSON list of rows.
RAISE = "SELECT ledger_raise_alarms(%s::jsonb)"

# Resolves those of some alarms that are open. Argument: ids.
RESOLVE = "SELECT ledger_resolve_alarms(%s::bigint[])"

# Resolves the open alarms that the database itself sees mended.
RESOLVE_MENDED = "SELECT ledger_resolve_mended()"

# Says why what some alarms found may stand. Arguments: ids, reason, actor.
ACKNOWLEDGE = "SELECT ledger_acknowledge_alarms(%s::bigint[], %s, %s)"

# The open alarms that a look with these limits would find again: id, what makes each the same when it is found again,
# and why it may stand, if somebody has said so. Guards, which concern all tenants, are looked at always. Arguments:
# tenant, series (null for all), rules (the kind of alarms of the rules of countries), country (whether it is they that
# are looked at).
OPEN = """
    SELECT a.id, k.reason, a.kind, a.tenant, a.series, a.starts_on::text, a.ordinal, a.value, a.through, a.table_name,
           a.row_id, a.problem
    FROM ledger_alarmraised a
    LEFT JOIN LATERAL (
        SELECT k.reason FROM ledger_alarmacknowledged k WHERE k.alarm_id = a.id ORDER BY k.id DESC LIMIT 1
    ) k ON true
    WHERE NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND (a.kind = %(rules)s) = %(country)s
      AND (a.tenant IS NULL
           OR (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)
              AND (%(series)s::text IS NULL OR a.series = %(series)s))
"""
