"""The host project's pages: its admin, and Folio's."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("ledger/", include("ledger.urls"))]
