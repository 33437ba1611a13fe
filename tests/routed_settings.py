"""A host project whose default database is SQLite, and whose router sends the ledger to PostgreSQL."""

import os
from typing import Any

from ledger.site.database import database_settings
from tests.provision import database_url
from tests.settings import *  # noqa: F403  (the host project, with other databases)

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["ROUTED_SQLITE"]},
    "numbers": database_settings(database_url()),
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin",
    "django.contrib.sessions",
    "django.contrib.messages",
    "ledger",
    "workers",
]
ROOT_URLCONF = "ledger.urls"


class Router:
    """The ledger's apps live in ``numbers``, all others in ``default``."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "numbers" if model._meta.app_label in ("ledger", "ledger_workers") else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label in ("ledger", "ledger_workers")) == (db == "numbers")


DATABASE_ROUTERS = [Router()]
