"""The smallest possible host project: Folio beside a shop, on the PostgreSQL of tests/provision.py."""

import json
import os
from typing import Any

from ledger.site.database import database_settings
from tests.provision import database_url

SECRET_KEY = "for tests"
DATABASES: dict[str, dict[str, Any]] = {"default": database_settings(database_url())}
if "TEST_DATABASE" in os.environ:
    # A process that a test started (a worker) works on the database that pytest-django made.
    DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
# As does it with the accounting systems of that test.
LEDGER_ACCOUNTING: dict[str, Any] = json.loads(os.environ.get("TEST_ACCOUNTING", "{}"))
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
    "tests.shop",
    # Whose callers and tables ledger.compat accepts.
    "sequences",
    "tests.compat.django_sequence",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
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
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
# Many tests look at years far away.
LEDGER: dict[str, Any] = {"MAX_DAYS_AHEAD": 4_000_000}
USE_TZ = True
TIME_ZONE = "UTC"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
