"""Which database a call is about: that of the row it was given, unless the caller names another."""

from __future__ import annotations

from django.db import router
from django.db.models import Model


def database_of(subject: object, model: type[Model], using: str | None) -> str:
    """``using``, else the database that ``subject`` was read from if it is a row, else where ``model`` is written."""
    if using is not None:
        return using
    if isinstance(subject, Model) and subject._state.db is not None:
        return subject._state.db
    return router.db_for_write(model)
