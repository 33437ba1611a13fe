"""The least that an application's role needs: SELECT and INSERT on events, the queues' rows, and the counter's columns.

With it, nobody who holds the application's password can change an event, empty a table, switch a trigger off, or
rewrite a period. Migrations run as another role, which owns the tables. Identity columns need no grants on sequences;
but for the entries', whose ids ``at_commit`` promises before there is a row.

Other apps that belong to Folio say what their tables need by ``contribute``; a checkout's role gets none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from django.db import connections, transaction
from django.db.models import Model
from psycopg.sql import SQL, Composed, Identifier

from ledger.errors import GrantError, LedgerError
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
from ledger.models.tables import all_tables, event_tables, queue_tables

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

# The schema and database that the ledger is in, and the sequence of its entries' ids.
_PLACE = """
    SELECT n.nspname, current_database(), q.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class q ON q.oid = pg_get_serial_sequence('ledger_entry', 'id')::regclass
    WHERE c.oid = to_regclass('ledger_entry')
"""

# The ledger's functions: those of the tables' schema and owner. Trigger functions need no grant to fire.
_FUNCTIONS = """
    SELECT f.proname, oidvectortypes(f.proargtypes)
    FROM pg_proc f JOIN pg_class c ON c.oid = to_regclass('ledger_entry')
    WHERE f.pronamespace = c.relnamespace AND f.proowner = c.relowner AND starts_with(f.proname, 'ledger_')
      AND f.prorettype <> 'trigger'::regtype
    ORDER BY f.proname, f.oid
"""

# What grants can't limit: a superuser, and who owns the tables or may become the owner. Argument: role.
_ROLE = """
    SELECT r.rolsuper, pg_has_role(r.oid, c.relowner, 'MEMBER')
    FROM pg_roles r, pg_class c
    WHERE r.rolname = %s AND c.oid = to_regclass('ledger_entry')
"""

# What a role still may do to events, and to queues, whose rows come and go one by one: by way of PUBLIC, or of a role
# that it is a member of. Arguments: role, events, queues.
_EXCESS = """
    WITH asked AS (
        SELECT name, privilege FROM unnest(%(events)s::text[]) name, unnest(ARRAY['DELETE', 'UPDATE']) privilege
        UNION ALL
        SELECT name, privilege
        FROM unnest(%(events)s::text[] || %(queues)s::text[]) name, unnest(ARRAY['TRUNCATE', 'TRIGGER']) privilege
    )
    SELECT name, string_agg(privilege, ', ' ORDER BY privilege)
    FROM asked
    WHERE CASE WHEN privilege = 'UPDATE' THEN has_any_column_privilege(%(role)s, to_regclass(name), privilege)
               ELSE has_table_privilege(%(role)s, to_regclass(name), privilege) END
    GROUP BY name ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and why it is there."""

    why: str
    sql: Composed


@dataclass(frozen=True, slots=True)
class TableGrant:
    """What a role of the workers needs on a table of another app: to read, to insert, and to update ``columns``."""

    why: str
    model: type[Model]
    columns: tuple[str, ...]


_contributed: dict[str, Callable[[], Iterable[TableGrant]]] = {}


def contribute(app: str, grants: Callable[[], Iterable[TableGrant]]) -> None:
    """Let ``ledger_grants`` know the tables of ``app``: by a function, called when they are asked for."""
    _contributed[app] = grants


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
    return list(_statements(role, admin=admin, workers=workers, revoke_public=revoke_public, using=using))


def apply_grants(
    role: str, *, admin: bool = False, workers: bool = False, revoke_public: bool = False, using: str = "default"
) -> int:
    """Run ``grant_statements`` in one transaction; returns how many. Raises GrantError where they would not bind."""
    statements = grant_statements(role, admin=admin, workers=workers, revoke_public=revoke_public, using=using)
    problem = unbound(role, using)
    if problem is not None:
        raise problem
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.sql)
        queues = queue_tables() + [_table(grant) for grant in _contributions(using)]
        cursor.execute(_EXCESS, {"role": role, "events": event_tables(), "queues": queues})
        excess = [f"{privileges} on {table}" for table, privileges in cursor.fetchall()]
        if excess:
            raise GrantError(
                f"The role {role!r} would keep {'; '.join(excess)}.",
                rule="Nobody but the owner may change events or empty a queue; it has these by way of PUBLIC or of "
                "another role.",
                remedy="Pass --revoke-public, or revoke its membership in the role that has them. Nothing was applied.",
            )
    return len(statements)


def unbound(role: str, using: str) -> LedgerError | None:
    """Why grants would not bind ``role``, or None if they do."""
    with connections[using].cursor() as cursor:
        cursor.execute(_ROLE, [role])
        found = cursor.fetchone()
    if found is None:
        return GrantError(
            f"There is no role {role!r}.",
            rule="Privileges are given to a role that exists.",
            remedy=f"Make it first, as an administrator: CREATE ROLE \"{role}\" LOGIN PASSWORD '…';",
        )
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        what = "is a superuser" if is_superuser else "owns the ledger's tables, or may become their owner"
        return GrantError(
            f"The role {role!r} {what}.",
            rule="Grants don't limit superusers and owners, so they would protect nothing.",
            remedy="Let the application log in as a role of its own, and migrate as the owner.",
        )
    return None


def check_name(role: str) -> None:
    """Raise GrantError unless ``role`` can be the name of a role: PostgreSQL cuts what is longer than 63 bytes."""
    if role and "\0" not in role and len(role.encode()) <= 63 and role.lower() != "public":
        return
    raise GrantError(
        f"The role {role!r} can't be given privileges.",
        rule="A role has a name of 1 to 63 bytes, and is not PUBLIC, which is everybody.",
        remedy="Pass the role that the application logs in as: --role shop_app.",
    )


def _statements(role: str, *, admin: bool, workers: bool, revoke_public: bool, using: str) -> Iterator[Statement]:
    schema, database, entry_ids, functions = _look(using)
    others = _contributions(using)
    to = Identifier(role)

    def table(name: str) -> Identifier:
        return Identifier(schema, name)

    def tables(*models: type[Model]) -> Composed:
        return SQL(", ").join([table(model._meta.db_table) for model in models])

    every_table = SQL(", ").join(map(table, [*all_tables(), *map(_table, others)]))
    every_function = SQL(", ").join(functions)
    yield Statement("Whatever it had before", SQL("REVOKE ALL ON TABLE {} FROM {}").format(every_table, to))
    if revoke_public:
        yield Statement("What everybody had", SQL("REVOKE ALL ON TABLE {} FROM PUBLIC").format(every_table))
        yield Statement(
            "PostgreSQL lets everybody call a new function",
            SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(every_function),
        )
        yield Statement(
            "A temporary table could pose as one of the ledger's",
            SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(Identifier(database), to),
        )
    yield Statement("To find the tables", SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(schema), to))
    yield Statement(
        "Events are read and appended",
        SQL("GRANT SELECT, INSERT ON TABLE {} TO {}").format(SQL(", ").join(map(table, event_tables())), to),
    )
    yield Statement(
        "A checkout opens its period, and a default series, on first use",
        SQL("GRANT SELECT, INSERT ON TABLE {} TO {}").format(tables(Series, Period), to),
    )
    yield Statement("Issuing moves the counter", _update(Period, COUNTER_COLUMNS, table, to))
    yield from _queue_statements(tables, table, to)
    yield Statement(
        "The sweeps keep a diary",
        SQL("GRANT SELECT, INSERT, DELETE ON TABLE {} TO {}").format(tables(SweepRun, SweepBatch), to),
    )
    for diary, columns in ((SweepRun, (*_ENDS, "batches")), (SweepBatch, _ENDS)):
        yield Statement("A run is noted down at its end", _update(diary, columns, table, to))
    yield Statement(
        "Reconciliation keeps a mirror of accounting systems",
        SQL("GRANT SELECT, INSERT ON TABLE {} TO {}").format(tables(RemoteDocument, RemoteReading), to),
    )
    for mirrored in (RemoteDocument, RemoteReading):
        yield Statement("… and what was read there changes", _update(mirrored, _changeable(mirrored), table, to))
    yield Statement(
        "What has changed waits until it is compared",
        SQL("GRANT SELECT, INSERT, DELETE ON TABLE {} TO {}").format(tables(PendingComparison), to),
    )
    yield Statement(
        "The pages ask who may see whose numbers",
        SQL("GRANT SELECT ON TABLE {} TO {}").format(tables(TenantAccess), to),
    )
    yield Statement(
        "A number that is given at COMMIT has its id before",
        SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(table(entry_ids), to),
    )
    if admin:
        for model in (Series, Period):
            yield Statement("Administration: define, close, adopt", _update(model, _changeable(model), table, to))
        yield Statement(
            "Administration: let auditors see a tenant",
            SQL("GRANT INSERT, DELETE ON TABLE {} TO {}").format(tables(TenantAccess), to),
        )
        yield Statement(
            "A period that is closed needs no pool", SQL("GRANT DELETE ON TABLE {} TO {}").format(tables(Pool), to)
        )
        yield Statement(
            "Adoption reads its file into a temporary table",
            SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(Identifier(database), to),
        )
    if workers:
        for grant in others:
            yield Statement(grant.why, SQL("GRANT SELECT, INSERT ON TABLE {} TO {}").format(tables(grant.model), to))
            yield Statement("… and kept up to date", _update(grant.model, grant.columns, table, to))
    yield Statement("To issue", SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(every_function, to))


def _contributions(using: str) -> list[TableGrant]:
    """What other apps said of their tables, of those that are in this database."""
    with connections[using].cursor() as cursor:
        there = set(connections[using].introspection.table_names(cursor))
    return [grant for grants in _contributed.values() for grant in grants() if _table(grant) in there]


def _table(grant: TableGrant) -> str:
    return grant.model._meta.db_table


def _queue_statements(tables: Any, table: Any, to: Identifier) -> Iterator[Statement]:
    yield Statement(
        "Values and tickets wait until a checkout takes them",
        SQL("GRANT SELECT, INSERT, DELETE ON TABLE {} TO {}").format(tables(*_LOCKED, Ticket), to),
    )
    for queue in _LOCKED:
        yield Statement("A row is locked before it is taken", _update(queue, ("value",), table, to))
    yield Statement(
        "Notes are kept of where the next value is, and how far a scan came",
        SQL("GRANT SELECT, INSERT ON TABLE {} TO {}").format(tables(*(model for model, _ in _NOTES)), to),
    )
    for model, columns in _NOTES:
        yield Statement("… and kept up to date", _update(model, columns, table, to))


def _update(model: type[Model], columns: tuple[str, ...], table: Any, to: Identifier) -> Composed:
    names = SQL(", ").join(map(Identifier, columns))
    return SQL("GRANT UPDATE ({}) ON TABLE {} TO {}").format(names, table(model._meta.db_table), to)


def _changeable(model: type[Model]) -> tuple[str, ...]:
    columns = [field.column for field in model._meta.concrete_fields]
    return tuple(column for column in columns if column is not None and column not in _FIXED[model])


def _look(using: str) -> tuple[str, str, str, list[Composed]]:
    with connections[using].cursor() as cursor:
        cursor.execute(_PLACE)
        schema, database, entry_ids = cursor.fetchone()
        cursor.execute(_FUNCTIONS)
        functions = [
            # PostgreSQL's own words for its own types.
            SQL("{}({})").format(Identifier(schema, name), SQL(cast(LiteralString, arguments)))
            for name, arguments in cursor.fetchall()
        ]
    return schema, database, entry_ids, functions
