"""A host project without time zones, like many before Django 5."""

from tests.settings import *  # noqa: F403

USE_TZ = False
TIME_ZONE = "America/Sao_Paulo"
ALLOWED_HOSTS = ["testserver"]
