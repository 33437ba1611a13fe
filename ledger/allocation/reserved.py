"""``reserved``: the value is committed before ``issue`` returns, and no other document ever gets it.

A checkout that doesn't commit leaves its reservation behind, which the next sweep flags as a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals, sql
from ledger.allocation.connection_hooks import first_row
from ledger.allocation.entry_rows import EntryRows, garbage_collection_paused
from ledger.allocation.interface import (
    Answer,
    BlockAnswer,
    Looked,
    Outcome,
    Request,
    all_numbered,
    day_of,
    next_value,
    refused,
    schema_of,
)
from ledger.allocation.second_connection import Session, ask_ahead, in_test_case, sees_new_rows
from ledger.allocation.shared_reservations import reserve
from ledger.cursors import by_name
from ledger.models import NumberIssued

#: How often a checkout reserves again because a sweep was faster.
_TRIES = 5

_KEPT = "_ledger_kept_reservations"

upcoming = next_value


class _Place(NamedTuple):
    """Where a number will come from."""

    day: date
    series: int
    period: int
    transaction: int
    early: bool
    session: Session


def take(connection: BaseDatabaseWrapper, request: Request) -> Answer:
    """Reserve a value on the second connection, and make it the entry of one document."""
    for _ in range(_TRIES):
        place = _look(connection, request, request.document)
        if isinstance(place, Answer):
            return place
        entries = _issue(connection, request, place, [request.document])
        if isinstance(entries, Outcome):
            if entries == Outcome.EXISTING:
                continue  # numbered on another connection since this one looked
            return Answer(entries, place.day)
        if entries:
            return Answer(Outcome.ISSUED, place.day, entry=entries[0])
    raise refusals.unsettled(request.series)


def take_many(connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
    """Reserve a contiguous block for those of ``documents`` that have no number yet, in their order."""
    places = {document: place for place, document in enumerate(documents)}
    issued: dict[int, NumberIssued] = {}
    for _ in range(_TRIES):
        place = _look(connection, request, "")
        if isinstance(place, Answer):
            if all_numbered(connection.alias, request, documents):
                return BlockAnswer(Outcome.ISSUED if issued else Outcome.EXISTING, place.business_date, issued)
            return BlockAnswer(place.outcome, place.business_date, issued)
        fresh, other = _fresh(connection, request, place, documents)
        if other is not None:
            return BlockAnswer(Outcome.OTHER_FACTS, place.day, {}, existing_id=other)
        if not fresh:
            return BlockAnswer(Outcome.ISSUED if issued else Outcome.EXISTING, place.day, issued)
        with garbage_collection_paused():
            entries = _issue(connection, request, place, fresh)
        if isinstance(entries, Outcome):
            if entries == Outcome.EXISTING:
                continue
            return BlockAnswer(entries, place.day, {})
        issued |= {places[entry.document]: entry for entry in entries}
    raise refusals.unsettled(request.series)


def _look(connection: BaseDatabaseWrapper, request: Request, document: str) -> _Place | Answer:
    asked = (request.tenant, request.series, request.on, request.at, document, "reserved", request.replaces)
    answer, role = first_row(connection, sql.LOOK_AND_ROLE, asked)
    if answer[0] != "look":
        return refused(*answer)
    at = Looked(*answer)
    ids = (int(at.series), int(at.period), int(at.transaction))
    session = Session(at.server, at.database, at.login, role, schema_of(at.entries))
    return _Place(day_of(at.days), *ids, at.early == "true", session)


def _fresh(
    connection: BaseDatabaseWrapper, request: Request, place: _Place, documents: Sequence[str]
) -> tuple[list[str], int | None]:
    where = (request.tenant, place.series, place.period)
    with connection.cursor() as cursor:
        cursor.execute(sql.FRESH, (*where, list(documents), request.on_stated, request.metadata))
        fresh, other = cursor.fetchone()
    return fresh, other


def _issue(
    connection: BaseDatabaseWrapper, request: Request, place: _Place, documents: list[str]
) -> list[NumberIssued] | Outcome:
    """Entries for ``documents``, fewer of them where a sweep was faster; or why the series gave no number."""
    kept = _kept(connection, request, place, documents)
    given: dict[int, str] = {}
    if kept is not None:
        reservations = kept
    else:
        rows = _reserve(connection, request, place, documents)
        refusal = next((row.outcome for row in rows if row.outcome != "reserved"), None)
        if refusal == "unknown":
            raise refusals.not_reservable(request.series)
        if refusal is not None:
            return Outcome(refusal)
        if len(rows) < len(documents):
            return Outcome.EXISTING  # a reservation was found, and taken before it could be read
        # Everywhere in the same order, so that two blocks of the same documents never deadlock.
        rows.sort(key=attrgetter("reservation"))
        given = {row.reserved_value: documents[row.place - 1] for row in rows}
        documents = list(given.values())
        reservations = [row.reservation for row in rows]
    where = (request.tenant, place.series, place.period, place.day)
    facts = (request.actor, request.metadata or "{}", request.replaces)
    with connection.cursor() as cursor:
        cursor.execute(sql.ISSUE_RESERVED, (*where, reservations, documents, *facts))
        taken = by_name(cursor, cursor.fetchall())
    if len(taken) < len(reservations) and not sees_new_rows(connection):
        if documents == [""]:
            _keep(connection, request, place, [] if kept is not None else reservations)
        raise refusals.old_snapshot(request.series)
    # All have one date, except for older reservations under the chronology guard.
    written = {day: EntryRows(connection, request, day) for day in {row.entry_date for row in taken}}
    return [
        written[row.entry_date].entry(
            given.get(row.entry_value, request.document),
            row.entry_id,
            place.series,
            place.period,
            row.entry_value,
            row.entry_number,
            row.entry_issued_us,
            row.entry_transaction,
        )
        for row in taken
    ]


def _reserve(connection: BaseDatabaseWrapper, request: Request, place: _Place, documents: list[str]) -> list[Any]:
    """The rows of ``ledger_reserve``, committed; with early release in one transaction with those of other threads."""
    counter = (request.tenant, place.period, place.day)

    def ask(statement: str, *arguments: Any) -> list[Any]:
        return ask_ahead(connection, statement, (*counter, *arguments), session=place.session, early=place.early)

    def alone() -> list[Any]:
        return ask(sql.RESERVE, documents, request.actor, place.transaction, request.replaces)

    if not place.early or len(documents) > 1 or request.replaces is not None or in_test_case(connection):
        return alone()
    return reserve(
        (connection.alias, place.session, *counter),
        (documents[0], request.actor, place.transaction),
        alone,
        lambda calls: ask(sql.RESERVE_TOGETHER, *map(list, zip(*calls, strict=True))),
    )


@dataclass
class _Kept:
    """Reservations whose numbers no caller has seen, kept for the retry of their transaction.

    Under REPEATABLE READ a transaction never sees what was reserved for it, so the caller must run it again. The retry
    finds the reservation of a document; without this, each try for a number without a document would leave a gap.
    ``asked`` counts the numbers without a document that ``transaction`` has asked for: the retry will ask for as many.
    """

    transaction: int = 0
    asked: int = 0
    reservations: list[int] = field(default_factory=list)


def _kept_of(connection: BaseDatabaseWrapper, request: Request, place: _Place) -> _Kept:
    # Another schema may have the same tenants and ids.
    every: dict[tuple[str, str, int, date], _Kept] = connection.__dict__.setdefault(_KEPT, {})
    return every.setdefault((place.session.schema, request.tenant, place.period, place.day), _Kept())


def _kept(connection: BaseDatabaseWrapper, request: Request, place: _Place, documents: list[str]) -> list[int] | None:
    """A reservation that an earlier try has left for this one, or None."""
    if documents != [""] or not connection.__dict__.get(_KEPT):
        return None
    kept = _kept_of(connection, request, place)
    if kept.transaction != place.transaction:
        kept.transaction, kept.asked = place.transaction, 0
    kept.asked += 1
    return [kept.reservations.pop(0)] if kept.reservations else None


def _keep(connection: BaseDatabaseWrapper, request: Request, place: _Place, reservations: list[int]) -> None:
    """Have as many reservations ready as the retry will ask for."""
    kept = _kept_of(connection, request, place)
    kept.asked = kept.asked if kept.transaction == place.transaction else 1
    kept.transaction = place.transaction
    kept.reservations += reservations
    missing = kept.asked - len(kept.reservations)
    if missing > 0:
        arguments = (request.tenant, place.period, place.day, [""] * missing, request.actor, place.transaction, None)
        rows = ask_ahead(connection, sql.RESERVE, arguments, session=place.session)
        kept.reservations += [row.reservation for row in rows if row.outcome == "reserved"]
