"""``/healthz``: whether database, ledger and sweeps are as they should be, for load balancers and monitoring."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.judging import judge
from ledger.moments import MomentEncoder
from ledger.sweeps.health import Health, health

_log = logging.getLogger(__name__)


# ATOMIC_REQUESTS would ask the database before the view could tell that it doesn't answer.
@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """503 where the database doesn't answer, the ledger is lost or tampered, or a sweep is overdue; else 200.

    ``{"status": "ok" | "overdue" | "lost" | "unavailable", "verdict", "as_of", "looked_at", "sweeps": [{"sweep",
    "every", "succeeded_at", "overdue", "unfinished"}, …]}``, times in UTC, ``every`` in seconds. ``verdict`` is the
    judge's word for the whole ledger: gaps to explain are daily life, and no reason to restart a container. Asked
    without a login, so it tells names and times and nothing else: what is wrong stands on the pages, in the admin, in
    the log and in ``ledger_sweep --status``.
    """
    try:
        found = health()
        verdict = judge(sweeps=found).verdict
    except Error:
        _log.exception("The health of the ledger can't be told: the database doesn't answer.")
        return JsonResponse({"status": "unavailable", "sweeps": []}, status=503)
    overdue = any(one.overdue for one in found)
    document = {
        "status": "lost" if verdict.is_lost else "overdue" if overdue else "ok",
        "verdict": verdict.state.value,
        "as_of": verdict.as_of,
        "looked_at": verdict.looked_at,
        "sweeps": [_told(one) for one in found],
    }
    return JsonResponse(document, encoder=MomentEncoder, status=503 if overdue or verdict.is_lost else 200)


def _told(one: Health) -> dict[str, Any]:
    return {
        "sweep": one.sweep,
        "every": one.every.total_seconds(),
        "succeeded_at": one.succeeded_at,
        "overdue": one.overdue,
        "unfinished": one.unfinished,
    }
