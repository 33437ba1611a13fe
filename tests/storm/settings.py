"""A host project for the storm's workers: each reaches PostgreSQL through its own port of the proxy."""

from __future__ import annotations

import os
from typing import Any

from ledger.site.database import database_settings

SECRET_KEY = "for the storm"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "ledger"]
DATABASES: dict[str, dict[str, Any]] = {"default": database_settings(os.environ["FOLIO_STORM_URL"])}
# What Folio warns of in a storm is expected: it goes into a file, for whoever looks for the cause of something.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {"class": "logging.FileHandler", "filename": os.environ["FOLIO_STORM_LOG"], "delay": True},
    },
    "root": {"handlers": ["file"], "level": "WARNING"},
}
DATABASES["default"]["OPTIONS"] |= {
    # The proxy reads what passes, so it passes in the clear.
    "sslmode": "disable",
    "gssencmode": "disable",
    "connect_timeout": 5,
    # Nobody waits for ever, whatever went wrong: longer than any worker is stopped.
    "options": "-c lock_timeout=20s -c statement_timeout=40s",
}
if port := os.environ.get("FOLIO_STORM_PORT"):
    # Of the Celery worker, whose code is not the storm's to change.
    DATABASES["default"] |= {"HOST": "127.0.0.1", "PORT": port}
# As seconds matter in a storm, where a day takes four.
LEDGER: dict[str, Any] = {
    "MAX_DAYS_AHEAD": 4_000_000,  # its checkouts are dated in many years
    "SWEEPS": {
        "open_next_periods": {"every": 5, "limit": 20},
        "refill_pools": {"every": 1, "limit": 20},
        "flag_gaps": {"every": 1, "limit": 20},
        "heal": {"every": 2, "limit": 20},
        "close_periods": {"every": 5, "limit": 20},
        "seal": {"every": 1, "limit": 20},
        "verify": {"every": 10, "limit": 60},
    },
}
