"""Numbers that ``at_commit`` has promised but not given yet: how a NumberIssued gets its own from the database."""

import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import homes, refusals, sql
from ledger.allocation.connection_hooks import before
from ledger.allocation.entry_rows import EntryRows
from ledger.allocation.interface import Taken, day_of
from ledger.allocation.second_connection import in_schema
from ledger.cursors import fetch_value
from ledger.database_errors import translate_database_errors
from ledger.errors import CommitRefused
from ledger.models import Entry, NumberIssued

#: The fields that are not known before the ticket is numbered.
_UNKNOWN = ("value", "number", "issued_at")

#: Entries that are read with one query.
_BATCH = 1000

_TOLD = "_ledger_told_before_commit"


@dataclass(eq=False)
class DeferredNumbers:
    """The entries of one call, which are filled in together: reading a thousand must not cost a thousand queries.

    ``ids`` are the promised ids of the entries, and ``schema`` is where they will be: when somebody reads one, the
    connection may work in another schema, whose entries have the same ids.
    """

    alias: str
    schema: str
    ticket: int
    series: str
    entries: Sequence[NumberIssued]
    ids: Sequence[int] = field(default_factory=list)
    written: EntryRows | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """In another process no notice comes; the entries ask the database there."""
        return self.__dict__ | {"written": None}

    def give(self) -> None:
        """Let the entries ask for what they don't know."""
        self.ids = [entry.pk for entry in self.entries]
        for entry in self.entries:
            entry.__dict__["_deferred"] = self

    def keep(self, asking: Entry) -> None:
        """Fill in the entries, and ``asking`` if it is a copy of one, after numbering the ticket if necessary.

        Raises NotIssued if their transaction was rolled back, TenantMoved if they are in another home by now, and
        CommitRefused if the series gives out no number.
        """
        found = self._read()
        if None in found:
            self._number()
            found = self._read()
        for entry, row in zip(self.entries, found, strict=True):
            if row is None:
                homes.refuse_moved(self.alias, entry.tenant)
                raise refusals.not_issued(entry)
            _fill(entry, row)
        # A copy has the id or the document of its entry.
        for entry, pk, row in zip(self.entries, self.ids, found, strict=True):
            if row is not None and (asking.pk in (pk, row.pk) or asking.document == entry.document > ""):
                _fill(asking, row)
                break
        connection = connections[self.alias]
        if connection.in_atomic_block:
            _forget_on_rollback(connection, self)

    def tell(self, answer: Sequence[str]) -> None:
        """Fill in the only entry from the notice at COMMIT, which is an answer of ``ledger_issue_serial``."""
        if self.written is None or len(self.entries) != 1:
            return
        *common, _early = answer
        taken = Taken(*common)
        self.written.tell(self.entries[0], day_of(taken.days), int(taken.value), taken.number, int(taken.issued_us))
        # COMMIT may still fail: another deferred constraint may follow ours.
        _forget_on_rollback(connections[self.alias], self)

    def forget(self) -> None:
        """Let the entries ask again: their numbers were rolled back, with a savepoint or with the transaction."""
        for entry, pk in zip(self.entries, self.ids, strict=True):
            entry.__dict__["id"] = pk
            for name in _UNKNOWN:
                entry.__dict__.pop(name, None)

    def forget_date(self) -> None:
        """Let the entries ask for their date again, which may have become the date of the commit."""
        for entry in self.entries:
            entry.__dict__.pop("issued_on", None)

    def _number(self) -> None:
        """Number the ticket now, if this transaction holds it; those of other transactions are invisible."""
        with translate_database_errors(self.series):
            answer = fetch_value(self.alias, in_schema(self.schema, sql.NUMBER_TICKET), [self.ticket])
        if answer is not None and answer[0] not in ("issued", "existing"):
            raise CommitRefused(
                f"Series {self.series!r} has no number for {self.entries[0].document or 'this ticket'!r}: {answer[0]}.",
                rule="A number of the allocation at_commit is given when it is first read, at COMMIT at the latest.",
                remedy="Roll back; correct what the reason says, and run the whole transaction again.",
            )

    def _read(self) -> list[Entry | None]:
        """The row of each entry: by its id, else by its document and what it replaces, since another connection may
        have numbered it. If that one was replaced, the last one that replaced it.
        """
        by_id: dict[int, Entry] = {}
        by_place: dict[tuple[str, int | None], Entry] = {}
        first = self.entries[0]
        for start in range(0, len(self.entries), _BATCH):
            documents = [entry.document for entry in self.entries[start : start + _BATCH] if entry.document]
            wanted = [self.ids[start : start + _BATCH], first.tenant, first.series_id, documents]
            for row in Entry.objects.using(self.alias).raw(in_schema(self.schema, sql.PROMISED), wanted):
                by_id[row.pk] = row
                if row.document:
                    by_place[row.document, row.replaces_id] = row
        return [
            by_id.get(pk) or _last(by_place, entry.document, entry.replaces_id)
            for entry, pk in zip(self.entries, self.ids, strict=True)
        ]


def _last(by_place: Mapping[tuple[str, int | None], Entry], document: str, replaces: int | None) -> Entry | None:
    row = by_place.get((document, replaces))
    while row is not None and (later := by_place.get((document, row.pk))) is not None:
        row = later
    return row


def _fill(entry: Entry, row: Entry) -> None:
    for column in Entry._meta.concrete_fields:
        entry.__dict__[column.attname] = getattr(row, column.attname)


def _forget_on_rollback(connection: BaseDatabaseWrapper, deferred: DeferredNumbers) -> None:
    """Forget the numbers at any rollback, even of a savepoint alone: it may undo the numbering of the ticket."""
    told: weakref.WeakSet[DeferredNumbers] | None = connection.__dict__.get(_TOLD)
    if told is None:
        told = connection.__dict__[_TOLD] = weakref.WeakSet()
        before(connection, "_savepoint_rollback", lambda: _forget_all(told))
        before(connection, "_rollback", lambda: _forget_all(told))
    told.add(deferred)


def _forget_all(told: weakref.WeakSet[DeferredNumbers]) -> None:
    for deferred in list(told):
        deferred.forget()
    told.clear()


# A notice with the answer to COMMIT tells the number of a ticket, which saves a query. If it doesn't come
# (client_min_messages is higher, a block of documents), the number is read when somebody needs it.
_WORD = "ledger_numbered "

#: The promises that wait for COMMIT on each of the driver's connections, by what the notice will repeat. No trigger of
#: the host knows it, so none can tell another number.
_waiting: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[str, DeferredNumbers]] = (
    weakref.WeakKeyDictionary()
)


def listen(connection: BaseDatabaseWrapper, deferred: DeferredNumbers, secret: str) -> None:
    """Let a notice that repeats ``secret``, if one comes, fill in the number of ``deferred``."""
    driver = connection.connection
    waiting = _waiting.get(driver)
    if waiting is None:
        waiting = _waiting[driver] = weakref.WeakValueDictionary()
        itself = weakref.ref(driver)
        driver.add_notice_handler(lambda notice: _hear(itself, notice))
    waiting[secret] = deferred


def _hear(driver: weakref.ref[Any], notice: Any) -> None:
    said = notice.message_primary or ""
    if not said.startswith(_WORD):
        return
    waiting = _waiting.get(driver())
    deferred = waiting.pop(said.removeprefix(_WORD), None) if waiting is not None else None
    if deferred is not None:
        deferred.tell(json.loads(notice.message_detail))
