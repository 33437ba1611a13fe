"""The tasks: each calls one function of ``ledger``, and is safe to run twice, at once, or never."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.utils.log import get_task_logger

_log = get_task_logger(__name__)


@shared_task(name="ledger.open_next_periods")
def open_next_periods(ahead_days: int | None = None) -> dict[str, Any]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    # Imported here: a worker loads this module before Django has set up its apps.
    from ledger import periods

    return periods.open_next_periods(ahead_days=ahead_days)


@shared_task(name="ledger.verify")
def verify() -> dict[str, Any]:
    """Check every rule of the ledger; each offending row goes to the log, as an error, and its count is the result."""
    from ledger import verification

    findings = 0
    for finding in verification.verify():
        findings += 1
        _log.error("%s", finding)
    return {"findings": findings}
