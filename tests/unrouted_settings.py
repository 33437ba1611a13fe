"""A host project that has installed the ledger and has no PostgreSQL."""

from tests.routed_settings import *  # noqa: F403
from tests.routed_settings import DATABASES as _DATABASES

DATABASES = {"default": _DATABASES["default"]}
DATABASE_ROUTERS: list[object] = []
