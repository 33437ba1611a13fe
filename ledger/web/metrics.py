"""``/metrics`` for Prometheus, for whoever has ``LEDGER["METRICS_TOKEN"]``. Needs the extra ``metrics``."""

import logging
from hmac import compare_digest

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger import homes
from ledger.conf import ledger_settings

_log = logging.getLogger(__name__)


@transaction.non_atomic_requests
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of ``ledger.web.prometheus`` in Prometheus' text format.

    404 where no token is set, 401 without it, 503 where the database doesn't answer.
    """
    token = ledger_settings().metrics_token
    if not token:
        raise Http404
    if not compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return HttpResponse(
            "Send LEDGER['METRICS_TOKEN'] as a bearer token.\n", status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

        from ledger.web.prometheus import HomesCollector, LedgerCollector
    except ModuleNotFoundError as error:
        raise ImproperlyConfigured(
            "LEDGER['METRICS_TOKEN'] is set, and prometheus_client is not installed: "
            "pip install 'django-folio[metrics]', or leave the token out."
        ) from error
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HomesCollector() if homes.are_many() else LedgerCollector())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except Error:
        _log.exception("There are no metrics: the database doesn't answer.")
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
