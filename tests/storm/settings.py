"""A host project for the storm's workers: each reaches PostgreSQL through its own port of the proxy."""

from __future__ import annotations

import json
import os
from typing import Any

from ledger.site.database import database_settings
from tests.storm.plan import HOMES

SECRET_KEY = "for the storm"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "ledger"]
# One server, or one for each home.
_URLS: list[str] = json.loads(os.environ["FOLIO_STORM_URLS"])
DATABASES: dict[str, dict[str, Any]] = {alias: database_settings(url) for alias, url in zip(HOMES, _URLS, strict=False)}
# Folio's warnings in a storm are expected: they go into a file, for finding the causes of failures.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": os.environ["FOLIO_STORM_LOG"], "delay": True}},
    "root": {"handlers": ["file"], "level": "WARNING"},
}
for database in DATABASES.values():
    database["OPTIONS"] |= {
        # The proxy reads what passes, so it passes in the clear.
        "sslmode": "disable",
        "gssencmode": "disable",
        "connect_timeout": 5,
        # Nobody waits for ever, whatever went wrong: longer than any worker is stopped.
        "options": "-c lock_timeout=20s -c statement_timeout=40s",
    }
if ports := os.environ.get("FOLIO_STORM_PORTS"):
    # Of the Celery worker, whose code is not the storm's to change.
    for database, port in zip(DATABASES.values(), ports.split(), strict=True):
        database |= {"HOST": "127.0.0.1", "PORT": port}
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
if len(DATABASES) > 1:
    DATABASE_ROUTERS = ["ledger.homes.HomeRouter"]
    LEDGER["HOMES"] = "tests.storm.homes.home_of"
    # The one worker has each of them to do in each home.
    for sweep in LEDGER["SWEEPS"].values():
        sweep["every"] *= len(DATABASES)
