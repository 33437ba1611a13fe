"""A host project that has installed the ledger and has no PostgreSQL."""

from tests.routed_settings import *  # noqa: F403
from tests.routed_settings import DATABASE_ROUTERS, DATABASES

DATABASES = {"default": DATABASES["default"]}
DATABASE_ROUTERS = DATABASE_ROUTERS[:0]
