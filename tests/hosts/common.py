"""The settings that all hosts share: the database of DATABASE_URL, and Folio if the test asks for it."""

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

SECRET_KEY = "for tests"
USE_TZ = True
STATIC_URL = "static/"
ALLOWED_HOSTS = ["testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = {"version": 1, "disable_existing_loggers": True}

WITH_FOLIO = bool(os.environ.get("WITH_FOLIO"))

DJANGO = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sites",
]
SITE_ID = 1
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


def databases() -> dict[str, dict[str, Any]]:
    """Read without Folio, which isn't there in half of the runs."""
    given = conninfo_to_dict(os.environ["DATABASE_URL"])
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": given["dbname"],
            **{name.upper(): given.get(name, "") for name in ("user", "password", "host", "port")},
            "OPTIONS": {"options": given.get("options", "")},  # as whom to work
        }
    }
