"""A worker's requests and their answers, one line each, in a file that survives its kill.

A line goes out by one `write` to a file opened for appending, before the next step is taken: SIGKILL takes nothing
away that was written. Tab-separated, so that millions of lines can be copied into PostgreSQL as they are.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """The kinds of lines. The first ones are compared with the ledger, the rest are for the figures."""

    ASKED = "asked"  # a document is about to be numbered
    SHOWN = "shown"  # `reserved` gave this number to the document, before COMMIT
    RETURNED = "returned"  # another allocation gave this number before COMMIT
    COMMITTED = "committed"  # COMMIT returned; the number may have to be asked for
    ACKNOWLEDGED = "acknowledged"  # COMMIT returned, and this is the number
    VOID_ASKED = "void-asked"  # this number is about to be declared void
    VOIDED = "voided"  # COMMIT of the void returned
    CLOSED = "closed"  # a period was closed: `document` is its id, `number` how many entries it had then
    ERROR = "error"  # an error that no caller of Folio should have to expect

    CHECKOUT = "checkout"  # a checkout begins
    ATTEMPT = "attempt"  # a transaction begins
    ROLLED_BACK = "rolled-back"
    SAVEPOINT = "savepoint"  # a savepoint was rolled back after a number was issued in it
    IN_DOUBT = "in-doubt"  # an error at COMMIT: it may or may not have gone through
    BROKEN = "broken"  # the connection broke elsewhere
    DEADLOCK = "deadlock"
    SERIALIZATION = "serialization"
    LOCK_TIMEOUT = "lock-timeout"
    REFUSED = "refused"  # Folio refused for a good reason: the period is closed, the date too early
    REFUSED_AT_COMMIT = "refused-at-commit"  # the same, told by COMMIT
    GIVEN_UP = "given-up"  # the storm ended while a document was being retried
    SWEPT = "swept"
    TENANT_MOVED = "tenant-moved"  # the tenant is on its way to another home
    MOVED = "moved"  # a move has ended
    DONE = "done"  # the worker ended by itself


def in_one_line(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__module__}.{type(error).__qualname__}: {error}"[:400]


FIELDS = ("kind", "tenant", "series", "document", "number", "attempt")


class Journal:
    """The file of one worker process."""

    def __init__(self, path: Path) -> None:
        self._errors = path.with_suffix(".errors")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(
        self, kind: Kind, *, tenant: str = "", series: str = "", document: str = "", number: str = "", attempt: str = ""
    ) -> None:
        """Write a line; when this returns, the line is there, whatever happens to the process."""
        os.write(self._file, line(kind, tenant, series, document, number, attempt))

    def keep(self, error: BaseException) -> str:
        """What to note of an error that should not be; where it came from goes into a file beside the journal."""
        with self._errors.open("a", encoding="utf-8") as file:
            file.writelines([*traceback.format_exception(error), "\n"])
        return in_one_line(error)


def line(*fields: str) -> bytes:
    """One line of a journal; what would break it up is replaced."""
    clean = (" ".join(str(field).replace("\\", "/").split()) for field in fields)
    return ("\t".join(clean) + "\n").encode()


def lines(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every whole line of every journal in the folder, as worker (its file's name) and the FIELDS."""
    for path in sorted(folder.glob("*.journal")):
        for fields in lines_of(path):
            yield (path.stem, *fields)


def lines_of(path: Path) -> Iterator[tuple[str, ...]]:
    """Every whole line of one journal, as the FIELDS; none if there is no such file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            fields = raw.decode().removesuffix("\n").split("\t")
            # A kill can only tear the last line, which then acknowledges nothing.
            if raw.endswith(b"\n") and len(fields) == len(FIELDS):
                yield tuple(fields)
