"""The allocations that tests run under, and what must hold of the tables for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connections, transaction
from django.test import override_settings

from ledger.conf import DEFAULT_SERIES
from ledger.models import Entry, Series

SERIAL, AT_COMMIT, POOLED, RESERVED = ALL = ("serial", "at_commit", "pooled", "reserved")

#: Where no checkout waits for another that is still open.
UNLOCKED = (AT_COMMIT, POOLED, RESERVED)

DAY = date(2026, 6, 1)


@contextmanager
def default_allocation(allocation: str) -> Iterator[None]:
    """Make every default series with ``allocation``."""
    series = {code: {**settings, "allocation": allocation} for code, settings in DEFAULT_SERIES.items()}
    with override_settings(LEDGER={"DEFAULT_SERIES": series}):
        yield


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction, or a savepoint inside one, that is rolled back when the block ends."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def values(series: str = "invoice", tenant: str = "") -> list[int]:
    """The values of the entries, in order; strictly rising, since a duplicate would show."""
    entries = Entry.objects.filter(tenant=tenant, series__code=series).order_by("period__starts_on", "value")
    return list(entries.values_list("value", flat=True))


#: Of each value that a counter gave out: how many rows hold it in the entries, the slots and the reservations.
_PLACES = """
    SELECT p.id, v,
           (SELECT count(*) FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.value = v),
           (SELECT count(*) FROM ledger_slot s WHERE s.tenant = p.tenant AND s.period_id = p.id AND s.value = v),
           (SELECT count(*) FROM ledger_reservation r WHERE r.tenant = p.tenant AND r.period_id = p.id AND r.value = v)
    FROM ledger_period p CROSS JOIN generate_series(p.first_value, p.last_value) v
    ORDER BY p.id, v
"""

#: Rows that lie where no counter has been yet, or belong to no period.
_STRAYS = """
    SELECT 'entry', q.period_id, q.value FROM ledger_entry q LEFT JOIN ledger_period p ON p.id = q.period_id
    WHERE p.id IS NULL OR q.value NOT BETWEEN p.first_value AND p.last_value
    UNION ALL
    SELECT 'slot', q.period_id, q.value FROM ledger_slot q LEFT JOIN ledger_period p ON p.id = q.period_id
    WHERE p.id IS NULL OR q.value NOT BETWEEN p.first_value AND p.last_value
    UNION ALL
    SELECT 'reservation', q.period_id, q.value FROM ledger_reservation q LEFT JOIN ledger_period p ON p.id = q.period_id
    WHERE p.id IS NULL OR q.value NOT BETWEEN p.first_value AND p.last_value
    UNION ALL
    SELECT 'ticket', t.period_id, t.id FROM ledger_ticket t
"""

_DOCUMENTS_TWICE = """
    SELECT tenant, series_id, document FROM ledger_entry WHERE document > '' AND kind <> 'gap'
    GROUP BY tenant, series_id, document, replaces_id HAVING count(*) > 1
"""

#: A free slot that the low-water mark hides, so that no checkout would ever find it.
_HIDDEN_SLOTS = """
    SELECT s.period_id, s.value FROM ledger_slot s
    JOIN ledger_pool l ON l.tenant = s.tenant AND l.period_id = s.period_id
    WHERE s.value < l.free_from AND s.value <> ALL (l.stragglers)
"""


def expect_all_accounted_for(using: str = "default") -> None:
    """Each value from first to counter is an entry, a slot or a reservation, once; no ticket outlived its transaction.

    In ``serial`` and ``at_commit`` each is an entry. A document has one number that isn't void, and no free slot
    is hidden.
    """
    strict = set(
        Series.objects.using(using).filter(allocation__in=(SERIAL, AT_COMMIT)).values_list("periods", flat=True)
    )
    for period, value, *places in _rows(_PLACES, using):
        assert sum(places) == 1, f"value {value} of period {period}: entries, slots, reservations are {places}"
        assert period not in strict or places[0] == 1, f"value {value} of period {period} has no entry: {places}"
    assert _rows(_STRAYS, using) == []
    assert _rows(_DOCUMENTS_TWICE, using) == []
    assert _rows(_HIDDEN_SLOTS, using) == []


def free_slots(using: str = "default") -> list[int]:
    """The slots that no committed transaction has taken."""
    return [row[0] for row in _rows("SELECT value FROM ledger_slot ORDER BY period_id, value", using)]


def reserved_values(using: str = "default") -> list[int]:
    """The reservations whose checkouts have not committed."""
    return [row[0] for row in _rows("SELECT value FROM ledger_reservation ORDER BY period_id, value", using)]


def _rows(statement: str, using: str) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
