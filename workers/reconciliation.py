"""Reconciling an accounting system: its changes are mirrored page by page, then compared in the database.

No transaction is open while the system is asked. Each page is committed together with the next cursor, so that after a
crash, or a failure of the system, the next run continues after the last page.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ledger.reconciliation import BookSettings, Compared, compare
from ledger.reconciliation.comparing import refresh_statistics
from ledger.reconciliation.describing import describe_numbers
from ledger.reconciliation.mirror import LostDocuments, Overtaken, Reading, ReadPolicy, begin, note_failure, save_page
from workers.accounting import errors, folder, systems
from workers.accounting.base import AccountingSystem, Capabilities
from workers.accounting.http_options import HttpOptions
from workers.accounting.systems import System

_Tell = Callable[[str], None]

#: Only a person can correct these; trying again can't.
_NEEDS_PERSON = (errors.Misconfigured, errors.AuthenticationFailed, errors.Unsupported, LostDocuments)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one run did. ``compared`` is None if another process is reading the same system."""

    system: str
    full_reading: bool
    pages: int
    documents: int
    compared: Compared | None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "system": self.system,
            "reading": {"full": self.full_reading, "pages": self.pages, "documents": self.documents},
            "compared": None if self.compared is None else asdict(self.compared),
        }

    def counts(self) -> dict[str, int]:
        """For the diary of the sweeps."""
        compared = self.compared or Compared(full=False, numbers=0)
        return {
            "pages": self.pages,
            "documents": self.documents,
            "compared": compared.numbers,
            "raised": sum(compared.raised.values()),
            "resolved": sum(compared.resolved.values()),
        }


def reconcile(
    name: str,
    *,
    since: datetime | None = None,
    full: bool = False,
    using: str | None = None,
    http_options: HttpOptions | None = None,
    progress: _Tell | None = None,
) -> Reconciled:
    """Read what changed in the system ``name`` since the last reading, and compare. Call it outside a transaction.

    ``since`` reads from that time on instead; ``full`` reads and compares everything. ``http_options`` replaces those
    of production; ``progress`` is called with each step that begins.

    Raises the errors of ``workers.accounting.errors`` and LostDocuments, after noting them in the system's row; the
    next run continues.
    """
    system = systems.system(name)
    tell = progress or (lambda step: None)
    if system.adapter == "file":
        return _reconcile_files(system, using=using, tell=tell)
    try:
        adapter = systems.connect(name, http_options)
    except errors.AccountingError as error:
        _note(system, error, using=using)
        raise
    with closing(adapter):
        can = adapter.capabilities
        books = books_of(system, can)
        policy = ReadPolicy(can.overlap, timedelta(days=system.full_every), can.horizon, can.changed_since)
        first = begin(books, policy, since=since, full=full, using=using)
        reading, complete = _read(adapter, system, books, first, using, tell)
    if complete and reading.full:
        refresh_statistics(reading.documents, using=using)
    if complete and system.describe:
        tell(f"describing numbers for {system.name}")
        describe_numbers(books, systems.hook(system), using=using)
    compared = compare(books, full=full, using=using, progress=tell) if complete else None
    return Reconciled(name, reading.full, reading.pages, reading.documents, compared)


def _reconcile_files(system: System, *, using: str | None, tell: _Tell) -> Reconciled:
    """Read the new files; without any, nothing is compared, and that is no error."""
    books = replace(books_of(system, folder.Folder.capabilities), reads=None)
    try:
        describe = systems.hook(system) if system.describe else None
        files = folder.read_folder(system, books, describe, using=using, tell=tell)
    except errors.AccountingError as error:
        note_failure(books, error, needs_person=True, using=using)
        raise
    compared = files[-1].compared if files else Compared(full=False, numbers=0)
    return Reconciled(system.name, bool(files), len(files), sum(one.documents for one in files), compared)


def _read(
    adapter: AccountingSystem, system: System, books: BookSettings, first: Reading, using: str | None, tell: _Tell
) -> tuple[Reading, bool]:
    """Read to the end of the list; the reading, and whether this process has completed it."""
    can, reading = adapter.capabilities, first
    try:
        for page in adapter.changed(reading.since, reading.cursor):
            # A system that lists no deletions at all is read in full from time to time anyway.
            known = page.deletions_known or not can.deletions
            invoices = page.invoices
            if system.references == "ignore":
                invoices = [replace(each, reference="") for each in invoices]
            after = save_page(
                books, reading, invoices, next_cursor=page.next_cursor, deletions_known=known, using=using
            )
            documents = reading.documents + len(invoices)
            reading = after or replace(reading, pages=reading.pages + 1, documents=documents)
            tell(f"reading {system.name}: {reading.documents:,} documents")
            if after is None:
                return reading, True
        if reading is not first:
            raise errors.UnexpectedAnswer(
                f"{system.name}: the list of documents ended before its last page.",
                rule="The last page of a list says that it is the last one.",
                remedy="The next run continues where this one ended. If this happens again, correct the adapter.",
                system=system.name,
            )
        # Without any document, an adapter may yield no page at all.
        save_page(books, reading, [], next_cursor=None, using=using)
        return reading, True
    except Overtaken:
        return reading, False
    except LostDocuments as error:
        _note(system, error, anew=True, using=using)
        raise
    except errors.AccountingError as error:
        # If the system refuses an earlier run's cursor at once, no later run would get further with it.
        stuck = first.cursor is not None and reading is first
        _note(system, error, anew=stuck and isinstance(error, errors.Refused | errors.UnexpectedAnswer), using=using)
        raise


def books_of(system: System, capabilities: Capabilities) -> BookSettings:
    """The part of the ledger that belongs to the system, and how its numbers behave."""
    return BookSettings(
        system=system.name,
        tenant=system.tenant,
        series=system.series,
        grace=timedelta(seconds=system.grace),
        number_kept=capabilities.number_kept,
        foreign=system.foreign,
        largest_loss=system.largest_loss,
        reads=frozenset(str(kind) for kind in capabilities.kinds),
        kinds=system.kinds,
    )


def _note(
    system: System, error: errors.AccountingError | LostDocuments, *, anew: bool = False, using: str | None
) -> None:
    note_failure(
        BookSettings(system.name, system.tenant),
        error,
        needs_person=isinstance(error, _NEEDS_PERSON),
        retry_at=getattr(error, "retry_at", None),
        anew=anew,
        using=using,
    )
