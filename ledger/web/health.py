"""``/healthz``: whether the sweeps run as they should, for load balancers and monitoring."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.moments import MomentEncoder
from ledger.sweeps.health import Health, health

_log = logging.getLogger(__name__)


# ATOMIC_REQUESTS would ask the database before the view could tell that it doesn't answer.
@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when every sweep has succeeded in time, else 503; also where the database doesn't answer.

    ``{"status": "ok" | "overdue" | "unavailable", "sweeps": [{"sweep", "every", "succeeded_at", "overdue",
    "unfinished"}, …]}``, times in UTC, ``every`` in seconds. Asked without a login, so it tells names and times and
    nothing else: what went wrong stands in the log, in the admin and in ``ledger_sweep --status``.
    """
    try:
        found = health()
    except Error:
        _log.exception("The health of the sweeps can't be told: the database doesn't answer.")
        return JsonResponse({"status": "unavailable", "sweeps": []}, status=503)
    overdue = any(one.overdue for one in found)
    document = {"status": "overdue" if overdue else "ok", "sweeps": [_told(one) for one in found]}
    return JsonResponse(document, encoder=MomentEncoder, status=503 if overdue else 200)


def _told(one: Health) -> dict[str, Any]:
    return {
        "sweep": one.sweep,
        "every": one.every.total_seconds(),
        "succeeded_at": one.succeeded_at,
        "overdue": one.overdue,
        "unfinished": one.unfinished,
    }
