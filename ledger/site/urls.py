"""Pages of the stand-alone site: the admin, and what the admin needs."""

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, for the health check of a container."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("health", health),
    path("", include("ledger.urls")),
    path("admin/", admin.site.urls),
    # A back-office site with a handful of users: Django hands out the admin's own files itself, from the
    # installed apps alone, so that it works under any server and without a step to collect them.
    re_path(r"^static/(?P<path>.*)$", serve, {"insecure": True}),
]
