"""The statements of ``counts``: one row for each stretch of values and what is told apart in it.

Parameters of all: tenant, period (its id), first and last (values, inclusive), origin (the first value of the first
stretch), size (of a stretch).
"""

from __future__ import annotations

from ledger.reconciliation.joins import CONFIRMED_BY

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

CONFIRMED = f"""
    SELECT {_STRETCH.format(value="e.value")}, count(DISTINCT e.id)
    FROM ledger_entry e
    {CONFIRMED_BY}
    WHERE {_CHOSEN} AND e.kind IN ('issued', 'adopted')
    GROUP BY 1
"""  # noqa: S608
