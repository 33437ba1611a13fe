"""Numbers that were promised and not yet given: what makes a NumberIssued of ``at_commit`` ask the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connections
from django.db.models import Q

from ledger import refusals, sql
from ledger.database_errors import told_in_our_words
from ledger.errors import CommitRefused
from ledger.models import Entry, NumberIssued

#: What is not known before the ticket is numbered.
_UNKNOWN = ("value", "number", "issued_at")

#: Entries that are read with one query.
_BATCH = 1000


@dataclass
class Promise:
    """The entries of one call, to be told together: asking for one of a thousand must not cost a thousand queries.

    ``depth`` is how many savepoints were open when it was given.
    """

    alias: str
    ticket: int
    depth: int
    entries: Sequence[NumberIssued]

    def give(self) -> None:
        """Let the entries ask this promise for what they don't know."""
        for entry in self.entries:
            entry.__dict__["_promise"] = self

    def keep(self) -> None:
        """Fill in the entries from the database, which numbers the ticket first if it hasn't yet.

        Raises NotIssued where their transaction was rolled back, and what ``issue`` raises where the series gives out
        no number.
        """
        found = self._read()
        if len(found) < len(self.entries):
            self._number()
            found = self._read()
        for entry in self.entries:
            row = found.get(entry.document) or found.get(entry.pk)
            if row is None:
                raise refusals.not_issued(entry)
            for field in Entry._meta.concrete_fields:
                entry.__dict__[field.attname] = getattr(row, field.attname)
        self._watch_savepoint()

    def _number(self) -> None:
        """Number the ticket now, if this transaction holds it; one of another transaction isn't to be seen."""
        connection = connections[self.alias]
        series = self.entries[0].series.code
        with told_in_our_words(series), connection.cursor() as cursor:
            cursor.execute(sql.NUMBER_TICKET, [self.ticket])
            answer = cursor.fetchone()[0]
        if answer is not None and answer[0] not in ("issued", "existing"):
            raise CommitRefused(
                f"Series {series!r} has no number for {self.entries[0].document or 'this ticket'!r}: {answer[0]}.",
                rule="A number of the allocation at_commit is decided when it is asked for, at COMMIT at the latest.",
                remedy="Roll back; correct what the reason says, and run the whole transaction again.",
            )

    def _read(self) -> dict[str | int, Entry]:
        """The rows by document, else by id: a document that was numbered on another connection has another id."""
        found: dict[str | int, Entry] = {}
        for batch in self._batches():
            ids = [entry.pk for entry in batch]
            documents = [entry.document for entry in batch if entry.document]
            first = batch[0]
            wanted = Q(pk__in=ids) | Q(
                tenant=first.tenant, series_id=first.series_id, document__in=documents, document__gt=""
            )
            for row in Entry.objects.using(self.alias).filter(wanted):
                found[row.document or row.pk] = row
        return found

    def _batches(self) -> Iterator[Sequence[NumberIssued]]:
        for start in range(0, len(self.entries), _BATCH):
            yield self.entries[start : start + _BATCH]

    def _watch_savepoint(self) -> None:
        """Forget a number that was asked for inside a savepoint which may still be rolled back, when all is over.

        The ticket of an outer block then gets another number at COMMIT. Callbacks see that one: this runs before them.
        """
        connection = connections[self.alias]
        if connection.in_atomic_block and len(connection.savepoint_ids) > self.depth:
            # As transaction.on_commit() registers a callback, but for the savepoints that were open at the promise.
            outer = set(connection.savepoint_ids[: self.depth])
            connection.run_on_commit.insert(0, (outer, self._forget, False))  # type: ignore[arg-type]

    def _forget(self) -> None:
        for entry in self.entries:
            for name in _UNKNOWN:
                entry.__dict__.pop(name, None)
