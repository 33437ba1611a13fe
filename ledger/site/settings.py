"""Settings of the stand-alone site. A deployment changes them by environment variables:

DATABASE_URL          postgresql://…; without it, the embedded PostgreSQL of `ledger.site.embedded`
REDIS_URL             redis://…, for the workers
SECRET_KEY            without it, a key is made once and kept in FOLIO_HOME
SIGNS_NOTHING         1 for a process that signs nothing, such as a worker: it needs no SECRET_KEY and serves no pages
FOLIO_HOME            where the site keeps its files; default `.folio` beside manage.py
ALLOWED_HOSTS         comma-separated; default localhost,127.0.0.1,[::1]
CSRF_TRUSTED_ORIGINS  comma-separated, with scheme
LEDGER_ACCOUNTING_FILE  a TOML or JSON file with the accounting systems: see ledger/site/accounting.py
LEDGER_SWEEPS         JSON: how often each sweep runs, {"flag_gaps": {"every": 30}}; see LEDGER in ledger/conf.py
LEDGER_TOKEN_KEYS     keys that seal the tokens of accounting systems, comma-separated
HTTPS                 1 behind a proxy that speaks HTTPS and sets X-Forwarded-Proto: secure cookies, HSTS
DEBUG                 1 to switch it on
LOG_LEVEL             default INFO
METRICS_TOKEN         the bearer token for /metrics; without it, nobody may read that
"""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.utils import get_random_secret_key

from ledger.site import embedded
from ledger.site.accounting import accounting_settings
from ledger.site.database import database_settings
from ledger.site.secret import secret_key


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def _list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


HOME = embedded.home()
DEBUG = _flag("DEBUG")
# Whoever takes over a worker must not be able to make sessions, so a worker never sees the site's key. Django needs one
# anyway: it gets a key of its own, which ends with the process. ledger/site/wsgi.py refuses to serve pages with it.
SIGNS_NOTHING = _flag("SIGNS_NOTHING")
SECRET_KEY = (
    get_random_secret_key() if SIGNS_NOTHING else os.environ.get("SECRET_KEY") or secret_key(HOME / "secret_key")
)
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ledger",
    "ledger.site",
    "workers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
ROOT_URLCONF = "ledger.site.urls"
WSGI_APPLICATION = "ledger.site.wsgi.application"

DATABASES: dict[str, dict[str, Any]] = {
    "default": database_settings(os.environ["DATABASE_URL"])
    if os.environ.get("DATABASE_URL")
    # No host yet: this engine asks the embedded server for it when the first connection is made.
    else database_settings(f"dbname={embedded.DATABASE}", engine="ledger.site.postgresql")
}
LEDGER_ACCOUNTING: dict[str, Any] = (
    accounting_settings(Path(os.environ["LEDGER_ACCOUNTING_FILE"])) if os.environ.get("LEDGER_ACCOUNTING_FILE") else {}
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LEDGER: dict[str, Any] = {
    "METRICS_TOKEN": os.environ.get("METRICS_TOKEN", ""),
    "SWEEPS": json.loads(os.environ.get("LEDGER_SWEEPS") or "{}"),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

TIME_ZONE = "UTC"
LANGUAGE_CODE = os.environ.get("LANGUAGE_CODE", "en")
# Folio's translations; each reader gets the language that the browser asks for.
LANGUAGES = [(code, code) for code in ("en", "de", "es", "fr", "pt-br")]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "ledger:overview"
LOGOUT_REDIRECT_URL = "login"

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", HOME / "static"))

if _flag("HTTPS"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz?$", r"^metrics$"]  # asked from inside the network, without the proxy
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "ledger": {"level": os.environ.get("LOG_LEVEL", "INFO")},
        "workers": {"level": os.environ.get("LOG_LEVEL", "INFO")},
    },
}
