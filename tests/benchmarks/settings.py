"""A host project for the benchmarks: Folio and django-sequences, on databases of their own, durable as by default."""

from __future__ import annotations

import json
import os
from typing import Any

from ledger.site.database import database_settings
from tests.benchmarks.servers import ALIASES, SECOND

SECRET_KEY = "for benchmarks"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ledger",
    "workers",
    "sequences",
    "tests.benchmarks",
]

# For the benchmark of the pages.
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    alias: {**database_settings(os.environ["FOLIO_BENCHMARKS_URL"]), "NAME": f"folio_benchmarks_{alias}"}
    for alias in ALIASES
}
DATABASES[SECOND] = {**database_settings(os.environ["FOLIO_BENCHMARKS_SECOND"]), "NAME": f"folio_benchmarks_{SECOND}"}

if "FOLIO_BENCHMARKS_BOOKS" in os.environ:
    # What a process of its own reads and reconciles.
    LEDGER_ACCOUNTING = {"SYSTEMS": {"read": json.loads(os.environ["FOLIO_BENCHMARKS_BOOKS"])}}
