"""Settling a period: afterwards no value waits in it, so it can be closed, or its series change its allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import sql

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from ledger.models import Period


def settle(connection: BaseDatabaseWrapper, period: Period, *, cause: str, actor: str) -> int:
    """Turn what waits in ``period`` into gaps, or give it back to the counter; returns how many gaps.

    The caller's transaction holds the period's row. Waits for the checkouts that hold values of it, as long as
    lock_timeout says. Free values above the highest number were never given to anyone: the counter falls, and they
    are no gaps.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.SETTLE_PERIOD, [period.tenant, period.pk, cause, actor])
        flagged: int = cursor.fetchone()[0]
    return flagged
