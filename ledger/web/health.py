"""``/healthz``: whether database, ledger and sweeps are as they should be, for load balancers and monitoring."""

import logging
from typing import Any

from django.db import Error, transaction
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger import homes
from ledger.judging import judge
from ledger.sweeps.health import Health, health
from ledger.timestamps import MomentEncoder

_log = logging.getLogger(__name__)

#: From the best to the worst.
_STATES = ("ok", "overdue", "lost", "unavailable")
_UNAVAILABLE: dict[str, Any] = {"status": "unavailable", "sweeps": []}


# With ATOMIC_REQUESTS, Django would query the database before this view could report that it is down.
@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """503 where the database doesn't answer, the ledger is lost or tampered, or a sweep is overdue; else 200.

    ``{"status": "ok" | "overdue" | "lost" | "unavailable", "verdict", "as_of", "looked_at", "sweeps": [{"sweep",
    "every", "succeeded_at", "overdue", "unfinished"}, …]}``, times in UTC, ``every`` in seconds. ``verdict`` is the
    judge's word for the whole ledger: gaps to explain are daily life, and no reason to restart a container. Where there
    are several homes, ``{"status": the worst, "homes": {home: the same, …}}``, or one of them by ``?home=``. It
    needs no login, so it gives only names and times: the pages, the admin, the log and ``ledger_sweep --status`` say
    what is wrong.
    """
    every = homes.homes()
    asked = request.GET.get("home")
    if asked is not None and asked not in every:
        raise Http404
    answers = homes.ask_all(_state, every if asked is None else [asked], **homes.ASKED_BY_A_PAGE)
    told = {home: _UNAVAILABLE if error is not None else state for home, state, error in answers}
    worst = max((document["status"] for document in told.values()), key=_STATES.index)
    document = {"status": worst, "homes": told} if homes.are_many() and asked is None else next(iter(told.values()))
    return JsonResponse(document, encoder=MomentEncoder, status=200 if worst == "ok" else 503)


def _state(home: str) -> dict[str, Any]:
    try:
        found = health(using=home)
        verdict = judge(sweeps=found, using=home).verdict
    except Error:
        _log.exception("The health of the ledger is unknown: the database %s doesn't answer.", home)
        return _UNAVAILABLE
    overdue = any(one.overdue for one in found)
    return {
        "status": "lost" if verdict.is_lost else "overdue" if overdue else "ok",
        "verdict": verdict.state.value,
        "as_of": verdict.as_of,
        "looked_at": verdict.looked_at,
        "sweeps": [_told(one) for one in found],
    }


def _told(one: Health) -> dict[str, Any]:
    return {
        "sweep": one.sweep,
        "every": one.every.total_seconds(),
        "succeeded_at": one.succeeded_at,
        "overdue": one.overdue,
        "unfinished": one.unfinished,
    }
