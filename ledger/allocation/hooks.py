"""Hooks on one of Django's connections, where Django offers none: when it closes, rolls back or commits.

Set on the one object that needs it, never on a class, so other connections and other code are left alone.
"""

import weakref
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def before(connection: BaseDatabaseWrapper, method: str, call: Callable[[], None]) -> None:
    """Call ``call`` before ``method`` of this very connection; a later hook on the same method takes its place."""
    kind, itself = type(connection), weakref.ref(connection)

    def hooked(*arguments: Any) -> Any:
        call()
        still_there = itself()
        return None if still_there is None else getattr(kind, method)(still_there, *arguments)

    connection.__dict__[method] = hooked


def in_place_of(connection: BaseDatabaseWrapper, method: str, call: Callable[[BaseDatabaseWrapper], bool]) -> None:
    """Call ``call`` with the connection in place of ``method`` of this very one; where it returns False, both."""
    kind, itself = type(connection), weakref.ref(connection)

    def hooked() -> Any:
        still_there = itself()
        return None if still_there is None or call(still_there) else getattr(kind, method)(still_there)

    connection.__dict__[method] = hooked
