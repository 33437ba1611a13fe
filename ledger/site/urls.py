"""Pages of the stand-alone site: Folio's own, their login, the admin, and what these need."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.contrib.staticfiles.views import serve
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from ledger.web.decorators import secured
from ledger.web.health import healthz
from ledger.web.metrics import metrics

_ANYTHING = "SELECT 1"


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, for the health check of a container."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING)
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="ledger:overview")),
    path("health", health),
    path("healthz", healthz),
    path("metrics", metrics),
    path("ledger/", include("ledger.urls")),
    path("login/", secured(LoginView.as_view(template_name="ledger/login.html")), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    # A back-office site has few users: Django serves the static files itself, from the installed apps alone, so that it
    # works under any server and without collectstatic.
    re_path(r"^static/(?P<path>.*)$", serve, {"insecure": True}),
]
