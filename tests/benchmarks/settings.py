"""A host project for the benchmarks: Folio and django-sequences, on databases of their own, durable as by default."""

from __future__ import annotations

import json
import os
from typing import Any

from ledger.site.database import database_settings
from tests.benchmarks.servers import ALIASES

SECRET_KEY = "for benchmarks"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "ledger",
    "workers",
    "sequences",
    "tests.benchmarks",
]

DATABASES: dict[str, dict[str, Any]] = {
    alias: {**database_settings(os.environ["FOLIO_BENCHMARKS_URL"]), "NAME": f"folio_benchmarks_{alias}"}
    for alias in ALIASES
}

if "FOLIO_BENCHMARKS_BOOKS" in os.environ:
    # What a process of its own reads and reconciles.
    LEDGER_ACCOUNTING = {"SYSTEMS": {"read": json.loads(os.environ["FOLIO_BENCHMARKS_BOOKS"])}}
