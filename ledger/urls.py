"""Pages to include in a project's own URLs: ``path("ledger/", include("ledger.urls"))``."""

from django.urls import path

from ledger.web.health import healthz
from ledger.web.metrics import metrics

app_name = "ledger"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
]
