"""Which values of a period are void, in order: kept in Django's cache, and only what is new is read.

Voids are only ever added. Their ids don't commit in order, though, so what lies above the highest id that was seen need
not be all that is new: it is, if it makes up for what the tenant has more. Else all are read again.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from ledger.cursors import open_cursor
from ledger.models import Period

# The values of a period's voids above an id. Arguments: tenant, period, after.
_VALUES = """
    SELECT e.value
    FROM ledger_numbervoided v
    JOIN ledger_entry e ON e.id = v.entry_id
    WHERE v.tenant = %(tenant)s AND v.id > %(after)s AND e.tenant = v.tenant AND e.period_id = %(period)s
"""
# How many voids a tenant has, how many of them above an id, and the highest id of any.
_SEEN = """
    SELECT (SELECT count(*) FROM ledger_numbervoided v WHERE v.tenant = %(tenant)s),
           (SELECT count(*) FROM ledger_numbervoided v WHERE v.tenant = %(tenant)s AND v.id > %(after)s),
           (SELECT max(v.id) FROM ledger_numbervoided v)
"""


@dataclass(slots=True)
class _Kept:
    """``values``, sorted, when the tenant had ``count`` voids with ids up to ``through``."""

    count: int = 0
    through: int = 0
    values: array[int] = field(default_factory=lambda: array("q"))


def voided_values(period: Period, alias: str, key: str, seconds: int) -> array[int]:
    """The void values of a period, sorted. ``key`` is that of the cache."""
    kept: _Kept = cache.get(key) or _Kept()
    wanted: dict[str, Any] = {"tenant": period.tenant, "period": period.pk}

    # One snapshot for all three figures, and the values after it: a void that commits in between only comes twice.
    with open_cursor(alias) as cursor:
        cursor.execute(_SEEN, {**wanted, "after": kept.through})
        count, added, highest = cursor.fetchone()
        if count == kept.count:
            return kept.values
        if kept.count + added != count:
            kept = _Kept()
        cursor.execute(_VALUES, {**wanted, "after": kept.through})
        values = array("q", sorted({*kept.values, *(row[0] for row in cursor.fetchall())}))
    cache.set(key, _Kept(count, highest, values), seconds)
    return values
