"""``internet_sabotage``, which django-plans' tests import, and whose package comes without its module."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def no_connection() -> Iterator[None]:
    """As on a machine without a network."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError("Internet is disabled")

    with mock.patch.object(socket.socket, "connect", refuse), mock.patch("socket.getaddrinfo", refuse):
        yield
