"""A tenant's move to another home: every row is copied unchanged and compared; then the old home refuses the tenant.

1. At the old home the tenant is *leaving*: the running checkouts end, and nothing more is written for it. Later calls
   get TenantMoved and try again.
2. In one transaction at the new home all rows are copied, their digest is compared, and the host's own hook runs.
3. At the old home the tenant has *left*. Its rows there are an old copy, which seals, sweeps and the judge ignore,
   until it is dropped.

If it is interrupted, run it again: it continues where it was. Transaction ids of the old home mean nothing in the new
one, which therefore begins a new era first, unless its era is later already (``ledger.seals.sealing``).
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from graphlib import TopologicalSorter
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import homes
from ledger.database_errors import translate_database_errors
from ledger.errors import DeadlockDetected, LockTimeout, MoveError
from ledger.keys import tenant_key
from ledger.models import (
    AdoptingDay,
    AdoptingRow,
    LedgerSeal,
    Period,
    SealAnchored,
    Series,
    TenantBinding,
    TenantMove,
    Ticket,
)
from ledger.models.tables import event_tables
from ledger.sql import SET_LOCK_TIMEOUT

State = TenantMove.State

#: Tables of one database that stay: its logins, the tickets of transactions, a file being adopted, the moves.
_STAY = (TenantBinding, Ticket, AdoptingRow, AdoptingDay, TenantMove)
#: Covered by the seals of the old home's database, so they stay when the copy is dropped.
_SEALS = (LedgerSeal, SealAnchored)

_MOVE = "SELECT ledger_move(%s, %s, %s, %s)"
_STATE = "SELECT state, home FROM ledger_tenantmove WHERE tenant = %s"
_DIGEST = "SELECT digest FROM ledger_tenantmove WHERE tenant = %s"
_ERA = "SELECT ledger_era()"

# Transactions that write the ledger now, prepared ones too; and those with a snapshot, since one from before the move
# doesn't see it. (Only the session's role and pg_read_all_stats see whether it has one: for others each counts.)
_OPEN = """
    SELECT DISTINCT l.virtualtransaction FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND (
        l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND l.relation IN (SELECT to_regclass(t) FROM unnest(%s::text[]) t)
        OR l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()
        AND a.usesysid IS NOT NULL AND (a.xact_start IS NULL OR a.backend_xmin IS NOT NULL))
"""
_RANGE = "SELECT s.seqmin FROM pg_sequence s WHERE s.seqrelid = pg_get_serial_sequence('ledger_series', 'id')::regclass"

Tell = Callable[[str], None]
#: Takes the tenant, the old home and the new one.
Hook = Callable[[str, str, str], object]


def move(
    org: Any,
    to: str,
    *,
    source: str | None = None,
    hook: Hook | None = None,
    patience: float = 60,
    tell: Tell = lambda step: None,
) -> int:
    """Move the tenant to the home ``to``, as the owner of both ledgers, and return how many rows it has there.

    ``source`` is its home, by default that of LEDGER["HOMES"]. ``hook`` is called in the new home's transaction with
    the tenant, the old home and the new one: it moves the project's own rows, and updates what LEDGER["HOMES"] reads;
    if it raises, nothing has been copied. ``patience`` is how many seconds to wait for running checkouts; ``tell`` is
    called with each step. Raises MoveError.
    """
    tenant = tenant_key(org)
    to = homes.registered(to)
    source = homes.registered(source or _leaving(tenant, to))
    _expect(source != to, f"Tenant {tenant!r} lives in {to!r}.", "There is nothing to do.")
    _expect(
        _ask(source, _RANGE) != _ask(to, _RANGE),
        f"The ledgers of {source!r} and {to!r} draw ids from one range.",
        "manage.py ledger_home migrate gives a ledger without series a range of its own.",
    )
    there = _state(to, tenant)
    if there != (State.ARRIVED, source):
        _expect(
            there[0] == State.ARRIVING or not Series.objects.using(to).filter(tenant=tenant).exists(),
            f"Tenant {tenant!r} has series in {to!r} already.",
            f"If it has lived there before: manage.py ledger_home drop {tenant} {to}",
        )
        tell("waiting for the checkouts under way")
        _leave(source, tenant, to, patience)
        _later_era(source, to, patience)
        _arrive(source, tenant, to, hook, tell)
    tell("comparing once more")
    [(digest,)] = _ask(to, _DIGEST, [tenant])
    if _state(source, tenant) == (State.LEAVING, to):
        with transaction.atomic(using=source):
            _expect_digest(source, tenant, digest)
            _ask(source, _MOVE, [tenant, State.LEFT, to, digest])
    homes.forget(tenant)
    return sum(_count(to, model, tenant) for model in tables())


def stay(org: Any, home: str) -> None:
    """Cancel a move that hasn't arrived: the tenant is at home again in its old home. Raises MoveError."""
    tenant, home = tenant_key(org), homes.registered(home)
    state, to = _state(home, tenant)
    _expect(state == State.LEAVING, f"Tenant {tenant!r} isn't leaving {home!r}.", "manage.py ledger_home list tells.")
    _expect(_state(to, tenant)[0] != State.ARRIVED, f"It has arrived in {to!r}.", "Run the move again: it ends it.")
    with transaction.atomic(using=home):
        _ask(home, _MOVE, [tenant, None, "", ""])


def drop(org: Any, home: str) -> int:
    """Delete the old copy of a tenant that has left ``home``, and return how many rows it had. Raises MoveError."""
    tenant, home = tenant_key(org), homes.registered(home)
    with transaction.atomic(using=home):
        state, to = _state(home, tenant)
        _expect(
            state == State.LEFT, f"Tenant {tenant!r} has no old copy in {home!r}.", "Only what has left is dropped."
        )
        _expect_it_lives(tenant, home, to)
        [(digest,)] = _ask(home, _DIGEST, [tenant])
        _expect_digest(home, tenant, digest)
        _ask(home, _MOVE, [tenant, State.LEFT, to, digest])
        dropped = sum(_delete(home, model, tenant) for model in reversed(tables()) if model not in _SEALS)
        _ask(home, _MOVE, [tenant, State.DROPPED, to, digest])
    return dropped


def tables() -> list[type[models.Model]]:
    """The tables whose rows move with their tenant; a table comes after those that it refers to."""
    every = {
        model: None
        for app in ("ledger", "ledger_workers")
        if app in apps.app_configs
        for model in apps.get_app_config(app).get_models()
        if not model._meta.proxy and model not in _STAY and any(one.name == "tenant" for one in model._meta.fields)
    }
    sorter: TopologicalSorter[type[models.Model]] = TopologicalSorter()
    for model in every:
        related: list[Any] = [field.related_model for field in model._meta.fields if field.related_model is not None]
        pointed = {one._meta.concrete_model for one in related} & every.keys() - {model}
        sorter.add(model, *sorted(pointed, key=lambda one: str(one._meta.db_table)))
    return list(sorter.static_order())


def _leave(source: str, tenant: str, to: str, patience: float) -> None:
    if _state(source, tenant) != (State.LEAVING, to):
        _mark(source, tenant, to, patience)
    _outlast(source, tenant, patience)
    # A checkout may have opened a period in the meantime, without the mark, and others may take numbers in it.
    if Period.objects.using(source).filter(tenant=tenant, moves=False).exists():
        _mark(source, tenant, to, patience)
        _outlast(source, tenant, patience)


def _mark(source: str, tenant: str, to: str, patience: float) -> None:
    with translate_database_errors("of this tenant"), transaction.atomic(using=source):
        _ask(source, SET_LOCK_TIMEOUT, [f"{int(patience * 1000)}ms"])
        _ask(source, _MOVE, [tenant, State.LEAVING, to, ""])


def _outlast(source: str, tenant: str, patience: float) -> None:
    """Wait for earlier transactions, which may still commit; new ones are refused."""
    every = [*(model._meta.db_table for model in tables()), Ticket._meta.db_table]
    began, deadline = {row for (row,) in _ask(source, _OPEN, [every])}, time.monotonic() + patience
    while began := began & {row for (row,) in _ask(source, _OPEN, [every])}:
        _expect(
            time.monotonic() < deadline,
            f"{len(began)} transactions of {source!r} from before the move still run after {patience:g} seconds.",
            f"Nothing was copied. Run it again when they have ended; {tenant!r} numbers nothing until then.",
        )
        time.sleep(0.05)


def _arrive(source: str, tenant: str, to: str, hook: Hook | None, tell: Tell) -> None:
    with transaction.atomic(using=to):
        _ask(to, _MOVE, [tenant, State.ARRIVING, source, ""])
    # At the same time another connection computes the old home's digest: inserting in the new home takes longest.
    with ThreadPoolExecutor(1) as beside, transaction.atomic(using=to), _snapshot(source):
        theirs = beside.submit(_digest_apart, source, tenant)
        _ask(to, _MOVE, [tenant, State.ARRIVING, source, ""])
        for kept in reversed(_SEALS):  # of an earlier stay; they come back unchanged
            _delete(to, kept, tenant)
        for model in tables():
            tell(f"copying {model._meta.db_table}")
            _copy(source, to, model, tenant)
        tell("comparing")
        digest = theirs.result()
        _expect_digest(to, tenant, digest)
        if hook is not None:
            tell("moving the project's own rows")
            hook(tenant, source, to)
        _ask(to, _MOVE, [tenant, State.ARRIVED, source, digest])


def _later_era(source: str, to: str, patience: float = 60) -> None:
    """Let the new home write in an era that is later than any of the old home's rows."""
    [(theirs,)], [(ours,)] = _ask(source, _ERA), _ask(to, _ERA)
    deadline = time.monotonic() + patience
    while ours <= theirs:
        try:
            with translate_database_errors("of this tenant"), transaction.atomic(using=to):
                # Writers wait behind us, so we don't wait long.
                _ask(to, "SET LOCAL lock_timeout = '100ms'")
                for table in event_tables():
                    _ask(to, f"ALTER TABLE {table} ALTER COLUMN era SET DEFAULT {int(theirs) + 1}")
            return
        except (LockTimeout, DeadlockDetected):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def _snapshot(source: str) -> Iterator[None]:
    with transaction.atomic(using=source):
        _ask(source, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _columns(connection: BaseDatabaseWrapper, model: type[models.Model]) -> str:
    """All columns but ``moves``, the only one that differs between the two homes."""
    names = [one.column for one in model._meta.concrete_fields if one.column and one.column != "moves"]
    return ", ".join(map(connection.ops.quote_name, names))


def _copy(source: str, to: str, model: type[models.Model], tenant: str) -> None:
    table, columns = model._meta.db_table, _columns(connections[to], model)
    with (
        # Django doesn't see errors that the driver raises while it copies.
        connections[source].wrap_database_errors,
        connections[to].wrap_database_errors,
        connections[source].cursor() as reading,
        connections[to].cursor() as writing,
    ):
        out = f"COPY (SELECT {columns} FROM {table} WHERE tenant = %s) TO STDOUT (FORMAT binary)"  # noqa: S608  (names of our own)
        into = f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
        with reading.cursor.copy(out, [tenant]) as rows, writing.cursor.copy(into) as copied:
            for block in rows:
                copied.write(block)


def _digest(alias: str, tenant: str) -> str:
    """SHA-256 over all rows of the tenant, table by table and in the order of their keys."""
    _ask(alias, "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL bytea_output = 'hex'")
    whole = sha256()
    for model in tables():
        keys = ", ".join(str(one.column) for one in model._meta.pk_fields)
        [(count, rows)] = _ask(
            alias,
            "SELECT count(*), sha256(coalesce(string_agg(sha256(convert_to(ROW("  # noqa: S608  (names of our own)
            f"{_columns(connections[alias], model)})::text, 'UTF8')), ''::bytea ORDER BY {keys}), ''::bytea))"
            f" FROM {model._meta.db_table} WHERE tenant = %s",
            [tenant],
        )
        whole.update(f"{model._meta.db_table} {count} {bytes(rows).hex()}\n".encode())
    return whole.hexdigest()


def _digest_apart(alias: str, tenant: str) -> str:
    try:
        with _snapshot(alias):
            return _digest(alias, tenant)
    finally:
        connections[alias].close()


def _expect_digest(alias: str, tenant: str, digest: str) -> None:
    _expect(
        _digest(alias, tenant) == digest,
        f"The rows of tenant {tenant!r} in {alias!r} are not what was copied.",
        "Nothing was deleted. Somebody has written rows without the ledger's functions: find out who.",
    )


def _state(alias: str, tenant: str) -> tuple[str, str]:
    found = _ask(alias, _STATE, [tenant])
    return found[0] if found else ("", "")


def _leaving(tenant: str, to: str) -> str:
    """The tenant's old home: the setting's, or the home that it is leaving if the setting names the new one already."""
    home = homes.home_of(tenant)
    if home != to:
        return home
    answers = homes.ask_all(lambda one: _state(one, tenant))
    return next(
        (one.home for one in answers if one.value and one.value[1] == to and one.value[0] == State.LEAVING), home
    )


def _ask(alias: str, statement: str, arguments: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


def _count(alias: str, model: type[models.Model], tenant: str) -> int:
    return model._base_manager.using(alias).filter(tenant=tenant).count()


def _delete(alias: str, model: type[models.Model], tenant: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE tenant = %s", [tenant])  # noqa: S608  (a name of our own)
        return int(cursor.rowcount)


def _expect_it_lives(tenant: str, home: str, to: str) -> None:
    """A tenant that left ``home`` for ``to`` lives there, or has moved on to where it lives."""
    passed = {home}
    while to not in passed and (there := _state(to, tenant))[0] in (State.LEFT, State.DROPPED):
        passed.add(to)
        to = there[1]
    _expect(
        to not in passed and there[0] in (State.ARRIVED, State.LEAVING),
        f"Tenant {tenant!r} has not arrived in {to!r}.",
        "Run the move again.",
    )


def _expect(holds: bool, problem: str, remedy: str) -> None:
    if not holds:
        raise MoveError(problem, rule="A tenant lives in one home, and a move changes no row.", remedy=remedy)
