"""Cursors for statements of our own: they read every value that PostgreSQL can hold.

psycopg raises for a moment at ``infinity`` and for a year beyond 9999, and one such row would keep all others from
being read. These cursors give ``ledger.unreadable.Beyond`` for it. The host's connection stays as it is: what is set
here belongs to the one cursor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.db import connections
from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestamptzLoader
from psycopg.types.string import StrDumperUnknown as StrDumper

from ledger.unreadable import Beyond, bounded


class _Day(DateLoader):
    def load(self, data: Buffer) -> date:
        text = bytes(data).decode()
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
        try:
            return super().load(data)
        except DataError:
            return Beyond(text)  # type: ignore[return-value]


class _Given(StrDumper):
    """A value that was read before is given to a statement as the database can take it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.in_sql if isinstance(obj, Beyond) else obj)


@lru_cache(maxsize=64)
def _moments(zone: tzinfo | None) -> type[TimestamptzLoader]:
    """The loader of moments for connections whose moments Django reads in ``zone``; None: they are naive."""

    class Moment(TimestamptzLoader):
        def load(self, data: Buffer) -> datetime:
            text = bytes(data).decode()
            # Both read ISO 8601, which is what nearly every server writes; Python does so ten times as fast.
            try:
                found = bounded(datetime.fromisoformat(text), text)
            except ValueError:
                try:
                    found = bounded(super().load(data), text)
                except DataError:
                    return Beyond(text)  # type: ignore[return-value]
            if isinstance(found, Beyond):
                return found  # type: ignore[return-value]
            return found if found.tzinfo is zone else found.replace(tzinfo=zone)

    return Moment


@contextmanager
def open_cursor(alias: str) -> Iterator[Any]:
    """A cursor of Django's connection ``alias``."""
    with connections[alias].cursor() as cursor:
        yield _patient(alias, cursor)


@contextmanager
def open_server_cursor(alias: str) -> Iterator[Any]:
    """The same, with its rows held by the server; to be fetched in pieces, inside a transaction."""
    with connections[alias].chunked_cursor() as cursor:
        yield _patient(alias, cursor)


def _patient(alias: str, cursor: Any) -> Any:
    cursor.adapters.register_loader("date", _Day)
    cursor.adapters.register_loader("timestamptz", _moments(connections[alias].timezone))
    cursor.adapters.register_dumper(Beyond, _Given)
    return cursor
