"""Cursors for statements of our own: they read every value that PostgreSQL can hold.

psycopg raises an error for a moment at ``infinity`` or a year beyond 9999, so one such row would make all others
unreadable. These cursors return ``ledger.unreadable.Beyond`` instead. The settings belong to the cursor alone; the
host's connection stays as it is.
"""

from collections import namedtuple
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.db import connections, transaction
from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestamptzLoader
from psycopg.types.string import StrDumperUnknown as StrDumper

from ledger.unreadable import Beyond, bounded

_T = TypeVar("_T")

_CHUNK = 1000


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
    """Passes a Beyond that was read before back to the database."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.in_sql if isinstance(obj, Beyond) else obj)


@lru_cache(maxsize=64)
def _moments(zone: tzinfo | None) -> type[TimestamptzLoader]:
    """The loader of timestamps for connections on which Django reads them in ``zone``; with None they are naive."""

    class Moment(TimestamptzLoader):
        def load(self, data: Buffer) -> datetime:
            text = bytes(data).decode()
            # Nearly every server writes ISO 8601. Python reads that ten times as fast as psycopg.
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
    """A cursor like that, but the server holds the rows; fetch them in pieces, inside a transaction."""
    with connections[alias].chunked_cursor() as cursor:
        yield _patient(alias, cursor)


def fetch(alias: str, statement: str, wanted: Any = None) -> list[Any]:
    """The rows of a statement; each has its columns as attributes."""
    with open_cursor(alias) as cursor:
        cursor.execute(statement, wanted)
        return by_name(cursor, cursor.fetchall())


def fetch_value(alias: str, statement: str, wanted: Any = None) -> Any:
    """The first column of the first row of a statement."""
    with open_cursor(alias) as cursor:
        cursor.execute(statement, wanted)
        value, *_ = cursor.fetchone()
        return value


def stream(alias: str, statement: str, wanted: Any = None) -> Iterator[Any]:
    """As ``fetch``, but the server holds the rows, and they are read in pieces, inside a transaction."""
    with transaction.atomic(using=alias), open_server_cursor(alias) as cursor:
        cursor.execute(statement, wanted)
        while chunk := cursor.fetchmany(_CHUNK):
            yield from by_name(cursor, chunk)


def id_batches(alias: str, statement: str, size: int, **parameters: Any) -> Iterator[list[int]]:
    """The ids that ``statement`` finds, ``size`` at a time, each batch by its own statement: no snapshot gets old.

    The statement's first column is the id, and it orders by that; it takes ``after`` (the last id of the batch before),
    ``size`` and ``parameters``. A row that appears in the meantime is found if its id is higher.
    """
    after = 0
    while True:
        ids = [pk for pk, *_ in fetch(alias, statement, {**parameters, "after": after, "size": size})]
        if ids:
            yield ids
        if len(ids) < size:
            return
        after = ids[-1]


def by_name(cursor: Any, rows: Iterable[Any]) -> list[Any]:
    """Rows that ``cursor`` has read, with their columns as attributes: so a statement may get a new column anywhere."""
    make = _row(tuple(column[0] for column in cursor.description))._make
    return [make(row) for row in rows]


def from_row(kind: type[_T], row: Any, **others: Any) -> _T:
    """An instance of the dataclass ``kind``: each field is the column of its name, or one of ``others``."""
    names = [each.name for each in fields(cast(Any, kind)) if each.name in row._fields]
    return kind(**{name: getattr(row, name) for name in names} | others)


@lru_cache(maxsize=256)
def _row(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns, rename=True)  # a column without a name can only be unpacked


def _patient(alias: str, cursor: Any) -> Any:
    cursor.adapters.register_loader("date", _Day)
    cursor.adapters.register_loader("timestamptz", _moments(connections[alias].timezone))
    cursor.adapters.register_dumper(Beyond, _Given)
    return cursor
