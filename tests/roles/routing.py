"""Chooses the database of calls that name none: Django's own, pages, the admin, the workers' stores."""

from __future__ import annotations

from django.test import override_settings


class EverythingTo:
    """Calls that name no database go to this one."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, model: object, **hints: object) -> str:
        return self.alias

    db_for_write = db_for_read


def everything_to(alias: str) -> override_settings:
    """Run the block as a process whose only database is ``alias``."""
    return override_settings(DATABASE_ROUTERS=[EverythingTo(alias)])
