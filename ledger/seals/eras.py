"""A new era: the ledger lives on another server, or in another database or schema, and transaction ids begin again.

That a row was sealed is known by its transaction id, so every event bears the era in which that id counts.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections, transaction

from ledger.cursors import open_cursor
from ledger.errors import SealError
from ledger.models.tables import event_tables
from ledger.seals import sql
from ledger.seals.reading import rows_of, sealed_tenants, seals_of
from ledger.seals.sealing import Sealed, seal

_SHOWN = 5


def begin_era(
    *, using: str, accept_differences: bool = False, progress: Callable[[str], None] = lambda step: None
) -> Sealed | None:
    """Begin the next era, as the owner of the tables: compare every sealed row, then let new rows bear it.

    Nobody writes an event meanwhile. ``accept_differences`` goes on where rows are not as they were sealed; ``verify``
    names them from then on. Returns the database's first seal of the era. Raises SealError where the ledger has not
    moved, or rows differ; nothing has changed then.
    """
    quoted = [connections[using].ops.quote_name(table) for table in event_tables()]
    with transaction.atomic(using=using, durable=True), open_cursor(using) as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(quoted)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(sql.CHAIN)
        same_era, same_place, *_ = cursor.fetchone()
        if same_era is None or (same_era and same_place):
            raise SealError(
                "The ledger has no seal yet." if same_era is None else "The ledger lives where it was sealed.",
                rule="An era begins where a ledger that was sealed has moved.",
                remedy="manage.py ledger_seal status tells how far it is sealed.",
            )
        differing = _differing(using, progress)
        if differing and not accept_differences:
            raise SealError(
                f"{len(differing):,} rows are not as they were sealed: {', '.join(differing[:_SHOWN])}"
                f"{', …' if len(differing) > _SHOWN else ''}.",
                rule="A move changes no row.",
                remedy="Look at each by manage.py ledger_seal verify, and restore it. --accept-differences begins the "
                "era all the same, and these rows stay findings. Nothing was changed.",
            )
        if same_era:
            cursor.execute("SELECT ledger_era() + 1")
            era = int(cursor.fetchone()[0])
            for table in quoted:
                cursor.execute(f"ALTER TABLE {table} ALTER COLUMN era SET DEFAULT {era}")
    return seal(None, using=using, first=True)


def _differing(using: str, progress: Callable[[str], None]) -> list[str]:
    """The sealed rows that are not as they were."""
    found = []
    for tenant in [None, *sealed_tenants(using)]:
        for one in seals_of(using, tenant):
            progress(f"comparing seal {one.number} of {'the database' if tenant is None else repr(tenant)}")
            found += [f"{row.source} {row.id}" for row in rows_of(using, one) if not row.is_unchanged(one.salt)]
    return found
