"""Hooks on one of Django's connections, where Django offers none: when it closes, and when it rolls back.

Set on the one object that needs it, never on a class, so other connections and other code are left alone. Each hook is
called before what Django does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def before(connection: BaseDatabaseWrapper, method: str, call: Callable[[], None]) -> None:
    """Call ``call`` before ``method`` of this very connection; a later hook on the same method takes its place."""
    kind, itself = type(connection), weakref.ref(connection)

    def hooked(*arguments: Any) -> Any:
        call()
        still_there = itself()
        return None if still_there is None else getattr(kind, method)(still_there, *arguments)

    connection.__dict__[method] = hooked
