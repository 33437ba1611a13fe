"""Columns that hold several values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres import fields
from django.core.checks import CheckMessage


class ArrayField(fields.ArrayField):  # type: ignore[type-arg]
    """Django's own, for projects that don't list ``django.contrib.postgres``, as Django 6.1 wants it of arrays.

    An array needs nothing that this app registers, and Folio promises to need one line in INSTALLED_APPS.
    """

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """All but that one check."""
        return [message for message in super().check(**kwargs) if message.id != "postgres.E005"]

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """In migrations it is Django's, as it was."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.contrib.postgres.fields.ArrayField", args, kwargs
