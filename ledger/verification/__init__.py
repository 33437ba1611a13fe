"""Checks what must always hold in the ledger, over any number of rows in constant memory.

    1. every value from the first to the highest has exactly one entry, or lies in a range of an adopted history, or
       waits as a free slot or a reservation
    2. the counter equals the highest value taken from it
    3. one document has one number, and one number one document
    4. what a caller was told is committed is in the ledger; what is in the ledger some caller asked for
    5. a void names one earlier issue, and there is at most one for each
    6. a value flagged as a gap is never issued afterwards
    7. nothing is appended to a closed period
    8. an event never changes and never goes away
    9. when faults stop, no reservation stays open longer than a sweep interval

The rows show this much of rule 4: a committed number that is gone leaves a hole (1) or a counter above its entries (2),
an entry that nobody asked for lies above its counter (2), and a ticket that was committed is a number that someone was
promised. Guards in the database uphold rule 8, so the whole schema is compared with the one that the migrations make
(``catalogue.json``), including who owns it and who may write to it. A reservation breaks rule 9 when it is older than
``OPEN_AT_MOST``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DataError, ProgrammingError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.cursors import stream
from ledger.databases import query_scope
from ledger.models import Entry, Series
from ledger.series import series_of
from ledger.unreadable import Beyond
from ledger.verification import content, counters_sql, guards, keys, queues_sql, seals, sql
from ledger.verification.alarms import NOT_CHECKED, Watch
from ledger.verification.findings import Alarm, Note, alarm_for, period_label

#: How long a reservation may stay open: several sweeps, and longer than any checkout should hold a transaction.
OPEN_AT_MOST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One pass over the ledger: what it looks at, and its statement or ``find``; neither for the check of the schema.

    ``find`` takes the connection, a tenant and a series.
    """

    title: str
    statement: str | None
    find: Callable[[BaseDatabaseWrapper, str | None, str | None], Iterator[Alarm]] | None = None


CHECKS: tuple[Check, ...] = (
    Check("schema, guards and privileges", None),
    Check("powers of roles", None, guards.unbound_roles),
    Check("periods", sql.PERIODS),
    Check("counters", counters_sql.COUNTERS),
    Check("latest dates", counters_sql.CHRONOLOGY),
    Check("entries fit their periods", sql.ENTRIES),
    Check("every value is accounted for once", counters_sql.CONTINUITY),
    Check("slots and reservations", queues_sql.QUEUED),
    Check("drafts of accounting systems", queues_sql.DRAFTS),
    Check("tickets", queues_sql.TICKETS),
    Check("numbers are unique", sql.NUMBERS),
    Check("documents have one number", sql.DOCUMENTS),
    Check("keys of documents and tenants", keys.KEYS),
    Check("voids", sql.VOIDS),
    Check("adopted histories and explanations", sql.HISTORIES),
    Check("holes reported", queues_sql.HOLES),
    Check("findings of reconciliation", sql.FINDINGS),
    Check("values that can be read", None, content.unreadable_rows),
    Check("seals", None, seals.check_seals),
)


def verify(
    *,
    tenant: str | None = None,
    series: Series | str | None = None,
    using: str | None = None,
    progress: Callable[[Check], None] | None = None,
    note: Callable[[Note], None] | None = None,
) -> Iterator[Alarm]:
    """Check every rule and yield each offending row; nothing when all is well.

    ``tenant`` and ``series`` (one or its code) limit the rows; the schema is always checked. ``progress`` is called
    before each of ``CHECKS``, ``note`` with what breaks no rule and should be known. A check that can't run is a
    finding that says why, and the other checks go on. Each check reads a snapshot of its own, so checkouts go on
    meanwhile without waiting. Each reads whole tables and no index: a broken index would hide what it let in.
    """
    tenant, series, using = query_scope(None, tenant, series, using)
    connection = connections[using or router.db_for_read(Entry)]
    for check in CHECKS:
        if progress is not None:
            progress(check)
        try:
            if check.find is not None:
                # After a value that can't be read, the caller's transaction can continue.
                with transaction.atomic(using=connection.alias) if connection.in_atomic_block else nullcontext():
                    yield from check.find(connection, tenant, series)
            elif check.statement is not None:
                yield from _patiently(connection, check, check.statement, tenant, series)
            else:
                for found in guards.broken_guards(connection):
                    if isinstance(found, Alarm):
                        yield found
                    elif note is not None:
                        note(found)
        except (ProgrammingError, DataError) as error:
            # A table, a column or a privilege is missing, or a value can't be read.
            yield _not_checked(check, error)


def _patiently(
    connection: BaseDatabaseWrapper, check: Check, statement: str, tenant: str | None, series: str | None
) -> Iterator[Alarm]:
    """The rows that a check finds. If the statement fails because of some value, each series is checked by itself.

    A counter at the largest possible number is such a value: the database can't add one to it. Raises DataError if the
    rows belong to no series.
    """
    try:
        yield from _offending_rows(connection, statement, tenant, series)
        return
    except DataError as error:
        problem = error
    failed = 0
    every = series_of(connection.alias, tenant, series).order_by("tenant", "code").values_list("tenant", "code")
    for owner, code in every.iterator():
        try:
            yield from _offending_rows(connection, statement, owner, code)
        except DataError as error:
            failed += 1
            yield _not_checked(check, error, tenant=owner, series=code)
    if not failed:
        raise problem


def _not_checked(check: Check, problem: Exception, **where: Any) -> Alarm:
    reason = str(problem).partition("\n")[0]
    return alarm_for(NOT_CHECKED, f"Not checked: {check.title}, because PostgreSQL says: {reason}", **where)


def watch(
    *,
    tenant: str | None = None,
    series: Series | str | None = None,
    using: str | None = None,
    progress: Callable[[Check], None] | None = None,
    note: Callable[[Note], None] | None = None,
    refused: Callable[[str], None] | None = None,
) -> Iterator[Alarm]:
    """``verify``, and keep what it finds: raise new alarms after each check, and resolve those that are gone.

    ``refused`` is called if nothing can be kept; see ``Watch``.
    """
    tenant, series, using = query_scope(None, tenant, series, using)
    alias = using or router.db_for_write(Entry)
    kept = Watch(alias, tenant=tenant, series=series, refused=refused)

    def begin(check: Check) -> None:
        # Between two checks, each of which is a transaction that is rolled back.
        kept.keep()
        if progress is not None:
            progress(check)

    for alarm in verify(tenant=tenant, series=series, using=alias, progress=begin, note=note):
        yield kept.see(alarm)
    kept.finish()


def _offending_rows(
    connection: BaseDatabaseWrapper, statement: str, tenant: str | None, series: str | None
) -> Iterator[Alarm]:
    wanted: dict[str, Any] = {"tenant": tenant, "series": series, "open_at_most": OPEN_AT_MOST}
    wanted |= keys.expected_keys()
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(sql.READ_THE_TABLES)
        yield from map(_alarm, stream(connection.alias, sql.whole(statement), wanted))
        # Nothing was written. The rollback also undoes the planner's settings inside a caller's transaction.
        transaction.set_rollback(True, using=connection.alias)


def _alarm(row: Sequence[Any]) -> Alarm:
    name, tenant, series, starts_on, ends_on, ordinal, value, through, number, row_id, detail = row
    where = {"tenant": tenant, "series": series, "value": value, "through": through, "number": number, "id": row_id}
    where |= {"period": period_label(starts_on, ends_on, ordinal or 0), "ordinal": ordinal or 0}
    # A day that Python can't hold becomes None.
    return alarm_for(name, detail, starts_on=None if isinstance(starts_on, Beyond) else starts_on, **where)
