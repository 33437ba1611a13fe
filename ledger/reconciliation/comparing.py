"""Compares the mirror with the ledger in SQL; Python gets only counts, however many numbers there are.

A comparison is one transaction that locks the system's row, so that comparisons and the saving of pages run one after
the other. Its first step lists the numbers that could differ: a full comparison reads both sides once, an incremental
one uses what has changed. The second step judges each of them, by the same statement in both.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, router, transaction

from ledger.conf import ledger_settings
from ledger.cursors import open_cursor
from ledger.errors import ReconciliationError, UnknownSeries
from ledger.homes import find_at_home
from ledger.models import RemoteDocument, RemoteReading, Series
from ledger.models.columns import ClockTimestamp
from ledger.reconciliation.books import BookSettings
from ledger.reconciliation.mirror import locked

# The oldest transaction that still runs, and the id of the next one.
_HORIZON = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""

# The periods of the series: a new one may make numbers fit that didn't before. Arguments: series ids.
_PERIODS = "SELECT count(*), max(id) FROM ledger_period WHERE tenant = %(tenant)s AND series_id = ANY (%(series)s)"

# For this transaction only. Sorting and hashing a million numbers takes memory; compiling a statement that runs once
# takes longer than it saves.
_ROOM = "SET LOCAL work_mem = '96MB'; SET LOCAL jit = off"

# One probe of the right index for each number, whatever the statistics say; and back.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_BY_ANY = "SET LOCAL enable_seqscan = DEFAULT"

_OPEN = """
    SELECT %(tenant)s, %(system)s, f.subject
    FROM ledger_findingraised f
    WHERE f.tenant = %(tenant)s AND f.system = %(system)s
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
"""

# The numbers that a full comparison judges: every one that could differ (functions/ledger_suspects.sql), and those with
# findings. Arguments: series ids, and the kind of the documents of each.
_SUSPECT = f"""
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, s.subject
    FROM ledger_suspects(%(tenant)s, %(system)s, %(series)s::bigint[], %(kinds)s::text[]) AS s (subject)
    UNION ALL
    {_OPEN}
"""  # noqa: S608

# The numbers that an incremental comparison judges, beside those that were noted: entries and voids of transactions
# that were not over at the last comparison, whatever their ids and times; entries that have become old enough since;
# and those with findings. Arguments: ``horizon`` of the last comparison and ``ahead``, the next transaction now
# (ids beyond it come from a backup of another server); ``before`` and ``through``, between which numbers became old.
_FRESH = f"""
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.transaction_id >= %(horizon)s AND e.transaction_id < %(ahead)s
    UNION ALL
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_numbervoided v JOIN ledger_entry e ON e.id = v.entry_id
    WHERE v.tenant = %(tenant)s AND v.transaction_id >= %(horizon)s AND v.transaction_id < %(ahead)s
    UNION ALL
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.issued_at > %(before)s AND e.issued_at <= %(through)s
    UNION ALL
    {_OPEN}
"""  # noqa: S608

# And the numbers related to these: the number that the same document has there, the one that it has here, and the same
# number in another spelling there.
_NEIGHBOURS = """
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, n.subject
    FROM (SELECT DISTINCT c.subject FROM ledger_pendingcomparison c
          WHERE c.tenant = %(tenant)s AND c.system = %(system)s) k
    CROSS JOIN LATERAL (
        SELECT upper(d.number) AS subject
        FROM (SELECT e.document FROM ledger_entry e
              WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject LIMIT 1) e
        JOIN ledger_remotedocument d ON d.tenant = %(tenant)s AND d.system = %(system)s AND d.reference = e.document
        WHERE d.reference > '' AND d.number <> ''
        UNION ALL
        SELECT upper(e.number)
        FROM ledger_remotedocument d
        JOIN ledger_entry e ON e.tenant = %(tenant)s AND e.series_id = ANY (%(series)s) AND e.document = d.reference
        WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = k.subject AND d.number <> ''
          AND d.reference <> '' AND e.document > ''
        UNION ALL
        SELECT upper(d.number)
        FROM (SELECT ledger_spelling(k.subject) AS spelling FROM ledger_entry e
              WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject AND e.kind <> 'gap' LIMIT 1) e
        JOIN ledger_remotedocument d ON d.tenant = %(tenant)s AND d.system = %(system)s AND d.spelling = ANY (ARRAY[
            e.spelling, e.spelling || '-1', e.spelling || '-2', e.spelling || '-3', e.spelling || '-4',
            e.spelling || '-5', e.spelling || '-6', e.spelling || '-7', e.spelling || '-8', e.spelling || '-9'])
        WHERE d.spelling > '' AND upper(d.number) <> k.subject
    ) n
"""

# How many numbers wait for this comparison.
_WAITING = "SELECT count(*) FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"

# Judges each of them, raises what differs and resolves what no longer does; returns what was done, kind, count.
_JUDGE = """
    SELECT done, done_kind, done_count
    FROM ledger_judge(%(tenant)s, %(system)s, %(series)s::bigint[], %(kinds)s::text[], %(through)s::timestamptz,
                      %(covered)s::timestamptz, %(number_kept)s, %(report_foreign)s)
"""


_DONE = "DELETE FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"


#: Counts up when FindingKind's rules change, so that the next comparison is of everything.
_RULES = 3

#: The steps of a progress bar.
STEPS = ("looking for what could differ", "judging what does")


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison did: ``numbers`` were judged one by one; findings were ``raised`` and ``resolved``, by kind.

    ``unread`` are the series that were not compared, each with its kind of document, which isn't read there.
    """

    full: bool
    numbers: int
    raised: dict[str, int] = field(default_factory=dict)
    resolved: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def compare(
    books: BookSettings, *, full: bool = False, using: str | None = None, progress: Callable[[str], None] | None = None
) -> Compared:
    """Raise a finding for each new difference, and resolve those that are gone.

    Only what changed since the last comparison is compared, on either side. ``full`` compares everything, and so does
    the first comparison, one by other rules, and one in a database that was restored from a backup.

    Raises ReconciliationError if the system was never read to the end, and UnknownSeries.
    """
    alias = using or router.db_for_write(RemoteReading)
    tell = progress or (lambda step: None)
    with transaction.atomic(using=alias), open_cursor(alias) as cursor:
        row = locked(books, alias)
        if row.read_from is None:
            raise ReconciliationError(
                f"The accounting system {books.system!r} was never read to the end.",
                rule="What was not read yet would be taken for missing.",
                remedy=f"Run manage.py ledger_reconcile --system {books.system} until its reading is complete.",
            )
        series, unread = compared_series(books, alias)
        wanted = _wanted(books, row, series)
        rules = _fingerprint(books, row, wanted, cursor)
        cursor.execute(_HORIZON)
        horizon, ahead = cursor.fetchone()
        last = row.compared_horizon
        full = full or last is None or last > horizon or row.compared_by != rules or row.compared_through is None
        cursor.execute(_ROOM)
        tell(STEPS[0])
        if full:
            cursor.execute(_SUSPECT, wanted)
        cursor.execute(_BY_INDEX)
        if not full:
            cursor.execute(_FRESH, wanted | {"horizon": last, "ahead": ahead, "before": row.compared_through})
            cursor.execute(_NEIGHBOURS, wanted)
        cursor.execute(_WAITING, wanted)
        numbers = cursor.fetchone()[0]
        tell(STEPS[1])
        cursor.execute(_JUDGE, wanted)
        done: dict[str, dict[str, int]] = {"raised": {}, "resolved": {}}
        for what, kind, count in cursor.fetchall():
            done[what][kind] = count
        cursor.execute(_BY_ANY)
        cursor.execute(_DONE, wanted)
        now = {"compared_at": ClockTimestamp(), "compared_horizon": horizon, "compared_by": rules}
        RemoteReading.objects.using(alias).filter(pk=row.pk).update(compared_through=wanted["through"], **now)
    return Compared(full=full, numbers=numbers, unread=unread, **done)


def _wanted(books: BookSettings, row: RemoteReading, series: dict[int, str]) -> dict[str, Any]:
    """The arguments that all statements share."""
    assert row.read_from is not None
    return {
        **books.key,
        "series": list(series),
        "kinds": list(series.values()),
        "through": row.read_from - books.grace,
        "covered": row.covers_from if row.full_from is None else None,
        "number_kept": books.number_kept,
        "report_foreign": books.foreign == "report",
    }


def compared_series(books: BookSettings, alias: str) -> tuple[dict[int, str], dict[str, str]]:
    """The series whose numbers must be there (by id), and those not read there (by code), each with its kind."""
    every = Series.objects.using(alias).filter(tenant=books.tenant).values_list("code", "pk")
    known = find_at_home(alias, books.tenant, lambda: dict(every.all()))
    chosen = sorted(known) if books.series is None else books.series
    # A series that is made on first use has no numbers before that.
    unknown = [code for code in chosen if code not in known and code not in ledger_settings().default_series]
    if unknown:
        raise UnknownSeries(
            f"The accounting system {books.system!r} is set up for the series {', '.join(map(repr, unknown))}, which "
            f"tenant {books.tenant!r} doesn't have.",
            rule="Only numbers of series that exist can be compared.",
            remedy=f"Correct LEDGER_ACCOUNTING['SYSTEMS'][{books.system!r}]['series'], or define the series.",
        )
    unread = {
        code: kind for code in chosen if books.reads is not None and (kind := books.kind_of(code)) not in books.reads
    }
    ids = {known[code]: books.kind_of(code) for code in chosen if code in known and code not in unread}
    return dict(sorted(ids.items())), unread


def _fingerprint(books: BookSettings, row: RemoteReading, wanted: dict[str, Any], cursor: Any) -> str:
    """The rules and settings of a comparison. If they differ from the last one's, it must be a full one."""
    periods = None
    if books.foreign == "ignore":
        cursor.execute(_PERIODS, wanted)
        periods = list(cursor.fetchone())
    judged_by = {name: wanted[name] for name in ("series", "kinds", "number_kept", "covered")}
    judged_by |= {"rules": _RULES, "periods": periods, "grace": books.grace.total_seconds(), "foreign": books.foreign}
    return json.dumps(judged_by, sort_keys=True, default=str)


#: With fewer rows, even a plan that reads all of them for each number is fast.
MANY = 5000

# Whether this role may analyze the table: its owner may, and from PostgreSQL 17 on who was granted MAINTAIN.
_MAY = """
    SELECT pg_has_role(c.relowner, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::int >= 170000
                THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END
    FROM pg_class c WHERE c.oid = 'ledger_remotedocument'::regclass
"""


def refresh_statistics(documents: int, *, using: str | None = None) -> bool:
    """Analyze the mirror after ``documents`` were read, if that is worth it and this role may; returns whether it did.

    Without statistics a system seems to have one row, so that any index seems as good as that of the number, and a
    comparison might read all of its rows for each number. Autovacuum does the same a minute later. Call it outside a
    transaction, or its lock lasts as long as that.
    """
    if documents < MANY:
        return False
    with connections[using or router.db_for_write(RemoteDocument)].cursor() as cursor:
        cursor.execute(_MAY)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("ANALYZE ledger_remotedocument")
    return True
