"""A host project that keeps moments without time zones, as many did before Django 5."""

from tests.settings import *  # noqa: F403

USE_TZ = False
TIME_ZONE = "America/Sao_Paulo"
ALLOWED_HOSTS = ["testserver"]
