"""The mirror of a system: each page is saved as it arrives, together with the cursor of the next one.

An interrupted reading continues after the last saved page. The reading after a complete one starts where that one
started, minus an overlap. Two readings at once do no harm: the one that saves a page first continues, and the other one
gets Overtaken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connections, router, transaction

from ledger.cursors import fetch, fetch_value
from ledger.errors import ReconciliationError
from ledger.kinds import RemoteInvoice
from ledger.models import RemoteReading
from ledger.models.remote import REMOTE_LENGTH
from ledger.reconciliation import mirror_sql
from ledger.reconciliation.books import BookSettings
from ledger.timestamps import aware

_CLOCK = "SELECT clock_timestamp()"

#: What PostgreSQL can't keep in a text.
_UNKEPT = re.compile("[\0\ud800-\udfff]")

#: The columns of the system's row that change; a role with few privileges may write no others.
_CHANGING = [
    field.name for field in RemoteReading._meta.concrete_fields if field.name not in ("id", "tenant", "system")
]


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """How a system is read: each reading begins ``overlap`` before the last one. It can't list changes older than
    ``horizon`` (None: no limit), nor any without ``lists_changes``. Everything is read every ``full_every``; what is
    absent then is gone.
    """

    overlap: timedelta
    full_every: timedelta
    horizon: timedelta | None = None
    lists_changes: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading under way: of what changed ``since`` (None: everything), from ``cursor`` on (None: the first page).

    ``generation`` is its number.
    """

    generation: int
    since: datetime | None
    cursor: str | None
    full: bool
    pages: int = 0
    documents: int = 0
    #: The first and the last day between which a partial reading sees everything.
    within: tuple[date, date] | None = None


class Overtaken(ReconciliationError):
    """Another process reads the same system, and has saved this page first."""


class LostDocuments(ReconciliationError):
    """A reading of everything missed so many known documents that it can't be trusted; nothing counts as deleted."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a system should have of an entry: the document that we pushed, and what ``describe`` said of it."""

    entry: int
    remote_id: str = ""
    total: Decimal | None = None
    currency: str = ""
    customer: str = ""


def begin(
    books: BookSettings,
    policy: ReadPolicy,
    *,
    since: datetime | None = None,
    full: bool = False,
    using: str | None = None,
) -> Reading:
    """The reading under way, or a new one: of everything if that is due, else since the last one.

    ``since`` or ``full`` always begin a new one.
    """
    alias = using or router.db_for_write(RemoteReading)
    with transaction.atomic(using=alias):
        row = locked(books, alias)
        if row.begun_at is not None and since is None and not full:
            return _reading(row)
        now = _now(alias)
        start = since or (aware(row.read_from) - policy.overlap if row.read_from else None)
        due = row.full_from is None or row.full_owed or now - aware(row.full_from) >= policy.full_every
        too_early = start is None or (policy.horizon is not None and now - start >= policy.horizon)
        row.full = full or not policy.lists_changes or too_early or (since is None and due)
        row.since = None if row.full else start
        row.generation += 1
        row.begun_at, row.cursor, row.pages, row.documents = now, "", 0, 0
        row.save(using=alias, update_fields=_CHANGING)
    return _reading(row)


def save_page(
    books: BookSettings,
    reading: Reading,
    documents: Sequence[RemoteInvoice],
    *,
    next_cursor: str | None,
    deletions_known: bool = True,
    using: str | None = None,
) -> Reading | None:
    """Save a page and the next cursor in one transaction; returns the reading as it goes on, None after the last page.

    Raises Overtaken if another process has continued this reading, or begun a new one, and LostDocuments if a reading
    of everything ends and misses too many known documents. Then the page is not saved.
    """
    alias = using or router.db_for_write(RemoteReading)
    with transaction.atomic(using=alias):
        state: dict[str, Any] = {**books.key, "generation": reading.generation, "documents": len(documents)}
        state |= {"cursor": reading.cursor or "", "next_cursor": next_cursor or ""}
        state |= {"unseen": not (deletions_known or reading.full)}
        found = fetch(alias, mirror_sql.GO_ON, state)
        if not found:
            raise Overtaken(
                f"{books.system}: another process has read a page that this one was about to save.",
                rule="One process at a time goes on with a reading.",
                remedy="There is nothing to do: the other one goes on.",
            )
        state |= {"note": found[0].note, **_columns(documents)}
        _do(alias, mirror_sql.SAVE, state)
        if next_cursor is None:
            _finish(books, reading, alias)
    if next_cursor is None:
        return None
    return replace(reading, cursor=next_cursor, pages=reading.pages + 1, documents=reading.documents + len(documents))


def note_failure(
    books: BookSettings,
    error: Exception,
    *,
    needs_person: bool = False,
    retry_at: datetime | None = None,
    anew: bool = False,
    using: str | None = None,
) -> None:
    """Keep the error in the system's row. The cursor stays, unless the reading must begin ``anew``."""
    alias = using or router.db_for_write(RemoteReading)
    with transaction.atomic(using=alias):
        row = locked(books, alias)
        row.error = f"{type(error).__name__}: {error}"
        row.needs_person, row.retry_at = needs_person, retry_at
        row.failed_at = _now(alias)
        if anew:
            row.begun_at, row.cursor = None, ""
        row.save(using=alias, update_fields=_CHANGING)


def expect(books: BookSettings, expected: Sequence[Expected], *, using: str | None = None) -> None:
    """Keep what the system should have of these entries, for the next comparison."""
    alias = using or router.db_for_write(RemoteReading)
    columns: dict[str, Any] = {
        "entries": [one.entry for one in expected],
        "ids": [_text(one.remote_id) for one in expected],
        "totals": [_amount(one.total) for one in expected],
        "currencies": [_text(one.currency) for one in expected],
        "customers": [_text(one.customer) for one in expected],
    }
    _do(alias, mirror_sql.EXPECT, books.key | columns)


def undescribed(books: BookSettings, series: Sequence[int], *, most: int, using: str | None = None) -> list[int]:
    """The ids of entries whose amounts could be compared, and that nobody has described yet; ``most`` at a time."""
    alias = using or router.db_for_write(RemoteReading)
    wanted: dict[str, Any] = {**books.key, "series": list(series), "most": most}
    return [pk for (pk,) in fetch(alias, mirror_sql.UNDESCRIBED, wanted)]


def locked(books: BookSettings, alias: str) -> RemoteReading:
    """The system's row, locked until the transaction ends; created if missing."""
    rows = RemoteReading.objects.using(alias)
    rows.bulk_create([RemoteReading(**books.key)], ignore_conflicts=True)
    return rows.select_for_update().get(**books.key)


def _finish(books: BookSettings, reading: Reading, alias: str) -> None:
    """End a reading; after one of everything, what it didn't see is gone. The next one begins where this one began."""
    row = locked(books, alias)
    first, last = reading.within or (None, None)
    seen = {**books.key, "generation": reading.generation}
    if reading.full:
        [counts] = fetch(alias, mirror_sql.LOST, seen)
        _refuse_loss(books, row, *counts)
        row.full_from, row.full_owed, row.covers_from = row.begun_at, False, None
    elif row.full_from is None and reading.since is not None:
        row.covers_from = min(aware(row.covers_from or reading.since), reading.since)
    if reading.full or reading.within is not None:
        # Changes are noted for the next comparison; not if that compares everything anyway.
        noted = row.compared_horizon is not None
        _do(alias, mirror_sql.GONE, seen | {"note": noted, "first": first, "last": last})
    # A reading that was told to start too late doesn't know what happened before.
    if reading.since is None or row.read_from is None or reading.since <= aware(row.read_from):
        row.read_from = row.begun_at
    row.begun_at, row.cursor = None, ""
    row.finished_at = _now(alias)
    row.error, row.needs_person, row.retry_at, row.failed_at = "", False, None, None
    row.save(using=alias, update_fields=_CHANGING)


def _refuse_loss(books: BookSettings, row: RemoteReading, lost: int, known: int) -> None:
    """Three documents may always be gone, if anything was found: in a young company's books they are a large share."""
    if not lost or (row.documents and (lost <= 3 or lost <= books.largest_loss * known)):
        return
    raise LostDocuments(
        f"{books.system}: a reading of everything found {row.documents} documents; {lost} of the {known} known ones "
        "are not among them.",
        rule=f"At most {books.largest_loss:.0%} of the known documents may be gone at once (the setting "
        "'largest_loss'), and never all of them: a user who may see less gets a shorter list, and no error.",
        remedy="See whether the user of the credentials still sees all documents of this company, and whether "
        "'organisation' is right. If they were really deleted, raise 'largest_loss' for one reading.",
    )


def _reading(row: RemoteReading) -> Reading:
    since = row.since and aware(row.since)
    return Reading(row.generation, since, row.cursor or None, row.full, row.pages, row.documents)


def _do(alias: str, statement: str, arguments: dict[str, Any]) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, arguments)


def _now(alias: str) -> datetime:
    return aware(fetch_value(alias, _CLOCK))


def _columns(documents: Sequence[RemoteInvoice]) -> dict[str, Any]:
    # If a document comes twice, the later one counts.
    rows = {_text(each.remote_id): each for each in documents}
    each = rows.values()
    return {
        "ids": list(rows),
        "numbers": [_text(one.number) for one in each],
        "states": [str(one.state) for one in each],
        "dates": [one.issued_on for one in each],
        "references": [_text(one.reference) for one in each],
        "changed": [one.changed_at for one in each],
        "totals": [_amount(one.total) for one in each],
        "currencies": [_text(one.currency) for one in each],
        "customers": [_text(one.customer, 2 * REMOTE_LENGTH) for one in each],
        "kinds": [str(one.kind) for one in each],
    }


def _text(text: str, longest: int = REMOTE_LENGTH) -> str:
    """The text, cut, with the characters escaped that PostgreSQL can't keep (NUL, half of a surrogate pair)."""
    return _UNKEPT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)[:longest]


def _amount(total: Decimal | None) -> Decimal | None:
    """The amount if the column can hold it; else None, which is not compared."""
    return total if total is not None and total.is_finite() and abs(total) < 10**18 else None
