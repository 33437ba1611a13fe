"""What each part of Folio needs, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model
from psycopg.sql import Identifier

from ledger.grants.contributed import TableGrant, contributions
from ledger.grants.role import check_name
from ledger.grants.writing import Statement, Writer
from ledger.models import (
    PendingComparison,
    Period,
    Pool,
    RemoteDocument,
    RemotePool,
    RemoteReading,
    Reservation,
    ScanPosition,
    Series,
    Slot,
    SweepBatch,
    SweepRun,
    TenantAccess,
    Ticket,
)
from ledger.models.tables import all_tables, event_tables

#: What issuing writes to a period; all other columns are the business of who opens and closes.
COUNTER_COLUMNS = ("last_value", "last_issued_on", "has_drafts")

#: Queues whose rows a checkout takes and a sweep looks at, after locking them. To lock a row takes the privilege to
#: update any of its columns; that it never changes is what a trigger sees to.
_LOCKED = (Slot, Reservation)

#: Notes that are kept of a period: columns that change.
_NOTES: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (Pool, ("free_from", "stragglers", "batch_from", "batch", "minted_at")),
    (ScanPosition, ("through", "scanned_at")),
    (
        RemotePool,
        (
            *("system", "wanted", "claimed_by", "claimed_until", "tried_at", "refilled_at", "error", "needs_person"),
            *("looked_at", "full_look_at", "looked_through"),
        ),
    ),
)

#: What is known of a run, or of a batch of it, when it ends.
_ENDS = ("finished_at", "counts", "error")

#: What never changes, not even for --admin: whose row it is, and when it was made.
_FIXED: dict[type[Model], set[str]] = {
    Series: {"id"},
    Period: {"id", "tenant", "series_id", "opened_at"},
    RemoteDocument: {"id", "tenant", "system", "remote_id", "first_seen_at"},
    RemoteReading: {"id", "tenant", "system"},
}


def grant_statements(
    role: str, *, admin: bool = False, workers: bool = False, revoke_public: bool = False, using: str = "default"
) -> list[Statement]:
    """What gives ``role`` the least that it needs, and takes everything else in the ledger from it.

    ``admin`` adds what defining series, opening, closing and adopting need: UPDATE on series and periods. ``workers``
    adds what processes need that speak to accounting systems, who alone see the tokens: their own tables.
    ``revoke_public`` takes away what PostgreSQL gives to every role: EXECUTE on the ledger's functions, and temporary
    tables in this database, which could pose as the ledger's own in the eyes of a trigger.
    """
    check_name(role)
    write = Writer.of(role, using)
    others = contributions(using)
    return [
        *_nothing_before(write, others, everybody=revoke_public),
        *_checkout(write),
        *_queues(write),
        *_sweeps(write),
        *_books(write),
        *(_administration(write) if admin else ()),
        *(_of_other_apps(write, others) if workers else ()),
        write.say("To issue", "GRANT EXECUTE ON FUNCTION {functions} TO {role}"),
    ]


def _nothing_before(write: Writer, others: list[TableGrant], *, everybody: bool) -> Iterator[Statement]:
    tables = write.tables([*all_tables(), *(grant.table for grant in others)])
    yield write.say("Whatever it had before", "REVOKE ALL ON TABLE {tables} FROM {role}", tables=tables)
    if everybody:
        yield write.say("What everybody had", "REVOKE ALL ON TABLE {tables} FROM PUBLIC", tables=tables)
        yield write.say(
            "PostgreSQL lets everybody call a new function", "REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC"
        )
        yield write.say(
            "A temporary table could pose as one of the ledger's",
            "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {role}",
        )


def _checkout(write: Writer) -> Iterator[Statement]:
    schema = Identifier(write.schema)
    yield write.say("To find the tables", "GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema)
    yield write.grant_on("Events are read and appended", "SELECT, INSERT", event_tables())
    yield write.grant(
        "A checkout opens its period, and a default series, on first use", "SELECT, INSERT", Series, Period
    )
    yield write.update("Issuing moves the counter", Period, COUNTER_COLUMNS)
    yield write.say(
        "A number that is given at COMMIT has its id before",
        "GRANT USAGE ON SEQUENCE {ids} TO {role}",
        ids=Identifier(write.schema, write.entry_ids),
    )


def _queues(write: Writer) -> Iterator[Statement]:
    yield write.grant("Values and tickets wait until a checkout takes them", "SELECT, INSERT, DELETE", *_LOCKED, Ticket)
    for queue in _LOCKED:
        yield write.update("A row is locked before it is taken", queue, ("value",))
    yield write.grant(
        "Notes are kept of where the next value is, and how far a scan came",
        "SELECT, INSERT",
        *(model for model, _ in _NOTES),
    )
    for model, columns in _NOTES:
        yield write.update("… and kept up to date", model, columns)


def _sweeps(write: Writer) -> Iterator[Statement]:
    yield write.grant("The sweeps keep a diary", "SELECT, INSERT, DELETE", SweepRun, SweepBatch)
    for diary, columns in ((SweepRun, (*_ENDS, "batches")), (SweepBatch, _ENDS)):
        yield write.update("A run is noted down at its end", diary, columns)


def _books(write: Writer) -> Iterator[Statement]:
    yield write.grant(
        "Reconciliation keeps a mirror of accounting systems", "SELECT, INSERT", RemoteDocument, RemoteReading
    )
    for mirrored in (RemoteDocument, RemoteReading):
        yield write.update("… and what was read there changes", mirrored, _changeable(mirrored))
    yield write.grant("What has changed waits until it is compared", "SELECT, INSERT, DELETE", PendingComparison)
    yield write.grant("The pages ask who may see whose numbers", "SELECT", TenantAccess)


def _administration(write: Writer) -> Iterator[Statement]:
    for model in (Series, Period):
        yield write.update("Administration: define, close, adopt", model, _changeable(model))
    yield write.grant("Administration: let auditors see a tenant", "INSERT, DELETE", TenantAccess)
    yield write.grant("A period that is closed needs no pool", "DELETE", Pool)
    yield write.say(
        "Adoption reads its file into a temporary table", "GRANT TEMPORARY ON DATABASE {database} TO {role}"
    )


def _of_other_apps(write: Writer, others: list[TableGrant]) -> Iterator[Statement]:
    for grant in others:
        yield write.grant(grant.why, "SELECT, INSERT", grant.model)
        yield write.update("… and kept up to date", grant.model, grant.columns)


def _changeable(model: type[Model]) -> tuple[str, ...]:
    columns = [field.column for field in model._meta.concrete_fields]
    return tuple(column for column in columns if column is not None and column not in _FIXED[model])
