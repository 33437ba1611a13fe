"""What is done after each ``migrate``: defaults are taken over, roles get their grants again, tests may flush."""

from __future__ import annotations

from typing import Any

from django.db import connections

from ledger.models import DefaultSeries
from ledger.testing import let_test_database_flush


def prepare(*, using: str, **kwargs: Any) -> None:
    """Bring a migrated database up to what the settings and the granted purposes say; elsewhere do nothing."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [DefaultSeries._meta.db_table])
        if not cursor.fetchone()[0]:
            return
    from ledger.grants import grant_again
    from ledger.series import keep_defaults

    keep_defaults(using)
    grant_again(using)
    let_test_database_flush(using=using)
