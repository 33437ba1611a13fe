"""Arrays of PostgreSQL, without an app for the host project to install."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.checks import CheckMessage

#: Django 6.1 and newer: "'django.contrib.postgres' must be in INSTALLED_APPS in order to use …".
_APP_WANTED = "postgres.E005"


class Array(ArrayField):  # type: ignore[type-arg]
    """An ArrayField that works in a project without ``django.contrib.postgres`` in INSTALLED_APPS.

    That app brings lookups of text and ranges, of which the ledger uses none; a column of numbers or texts needs only
    the field.
    """

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [found for found in super().check(**kwargs) if found.id != _APP_WANTED]
