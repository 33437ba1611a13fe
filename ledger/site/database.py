"""A PostgreSQL URL as an entry of Django's DATABASES, parsed by libpq's own rules."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# libpq's names for Django's own keys; everything else goes to OPTIONS.
KEYS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


def database_settings(url: str, *, engine: str = "django.db.backends.postgresql") -> dict[str, Any]:
    """Return the DATABASES entry for `url`.

    It accepts what libpq accepts: `postgresql://user:password@host:5432/name?sslmode=require`, sockets
    (`postgresql:///name?host=/run/postgresql`), several hosts, or `host=… dbname=…`.
    """
    try:
        parameters = conninfo_to_dict(url)
    except ProgrammingError as error:
        # Not the URL itself: it may contain a password, and this text gets into logs.
        raise ImproperlyConfigured(
            f"DATABASE_URL is not a PostgreSQL URL ({str(error).split(':')[0]}). "
            "Folio runs on PostgreSQL only; write postgresql://user:password@host:5432/name"
        ) from None
    if not parameters.get("dbname"):
        raise ImproperlyConfigured("DATABASE_URL names no database; write postgresql://user:password@host:5432/name")
    settings: dict[str, Any] = {"ENGINE": engine, "OPTIONS": {}}
    settings.update(dict.fromkeys(KEYS.values(), ""))
    for name, value in parameters.items():
        if name in KEYS:
            settings[KEYS[name]] = str(value)
        else:
            settings["OPTIONS"][name] = value
    return settings
