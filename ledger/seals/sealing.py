"""Makes seals: beside the hot path, one tenant at a time, each row in exactly one of them.

A row is new if the snapshot of the previous seal didn't show it, whatever its id, and whenever it was committed. The
database has a chain of its own: its first seal says where the ledger lives, and once a day it covers the heads of all
tenants, so that one time stamp vouches for them.
"""

import json
import logging
import secrets
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import IntegrityError, connections, transaction

from ledger.cursors import fetch, fetch_value, open_cursor
from ledger.errors import SealError
from ledger.failures import Failures
from ledger.models.tables import event_tables
from ledger.seals import sql
from ledger.seals.anchoring import anchor_last
from ledger.seals.folio_verify import SEAL, Tree, leaf_by_key
from ledger.seals.reading import every_seal, seal_name, with_rows
from ledger.seals.signing import Signer, signer

_log = logging.getLogger(__name__)

_CHUNK = 500

_TROUBLES = {
    "standby": ("This server is a standby", "Seal on the primary: a standby takes transactions that run for finished."),
    "moved": (
        "This ledger was sealed on another server, or in another database or schema",
        "If it was moved for good, run manage.py ledger_seal new-era as the owner. If this is a copy, don't seal it.",
    ),
    "unsettled": ("The database has no seal in this era", "Run manage.py ledger_seal now as the owner."),
}


class Held(Exception):
    """Another process is sealing for this tenant."""


class Unsettled(SealError):
    """The database has no seal in this era."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal that was made: ``rows`` are the events in it."""

    id: int
    tenant: str | None
    number: int
    root: str
    rows: int


def seal(tenant: str | None, *, using: str, horizon: int | None = None, first: bool = False) -> Sealed | None:
    """Seal the new rows of a tenant, or of the database; None if nothing is new.

    ``first`` seals in any case. When this returns, the seal and all that it covers is durable. Call it outside a
    transaction. Raises SealError if there can be no seal (a standby, a ledger that has moved, a key that is gone), and
    Held.
    """
    if connections[using].in_atomic_block:
        raise SealError(
            "Sealing was asked for inside a transaction.",
            rule="A seal is about one snapshot, and is told to nobody before it is durable.",
            remedy="Call it outside transaction.atomic().",
        )
    try:
        with transaction.atomic(using=using, durable=True), open_cursor(using) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(sql.DURABLE)
            return _seal(tenant, using, cursor, horizon, first=first)
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", None) == "23505":
            raise Held from error  # another process began before our snapshot, and has committed since
        raise


def _seal(tenant: str | None, using: str, cursor: Any, horizon: int | None, *, first: bool) -> Sealed | None:
    cursor.execute(sql.NEXT_SEAL, [tenant])
    facts = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
    if facts["trouble"] == "held":
        raise Held
    if facts["trouble"]:
        raise _trouble(facts["trouble"])
    signs, before = signer(), signer("previous_key")
    if facts["key"] and signs is None:
        raise SealError(
            "There is no key to sign with, and the last seal was signed.",
            rule="Seals without a signature after signed ones would look like a forgery.",
            remedy="Name the key in LEDGER['SEALS']['key']; if it is lost, make a new one.",
        )
    batch = Batch(using)
    wanted = {"tenant": tenant, "era": facts["era"], "since": facts["since"]}
    new_rows = sql.new_rows(tenant, number=facts["number"], since=facts["since"])
    for source, row, line, personal in stream(using, new_rows, wanted):
        batch.add(source, row, line, personal)
    # A tenant that has moved here is sealed here even if nothing is new: from then on this home's transactions count.
    has_moved = tenant is not None and facts["number"] > 1 and facts["since"] is None
    # A time stamp alone is no reason to seal: it would lead to the next seal, and that to the next time stamp.
    if not first and not has_moved and all(source == "ledger_sealanchored" for source in batch.tables):
        return None
    if tenant is not None:
        for source, row, line in stream(using, sql.STATE, wanted):
            batch.add_state(source, row, line)
    root, size = batch.tree.root().hex(), batch.tree.size
    told = {name: facts[name] for name in ("number", "era", "place", "previous", "snapshot", "made_at")}
    told |= {"folio": SEAL, "tenant": tenant, "size": size, "total": facts["total"] + size, "root": root}
    told |= {"key": "" if signs is None else signs.public_key.hex()}
    head = json.dumps(told, sort_keys=True, separators=(",", ":"))
    signature, cosignature = _signed(head, signs, before, facts["key"])
    # Not by Django's cursor, which writes values into the statement: the leaves would be sent twice as long.
    with connections[using].wrap_database_errors, psycopg.Cursor(connections[using].connection) as raw:
        raw.execute(
            sql.KEEP_SEAL,
            [
                *(tenant, head, signature, cosignature, batch.salt, batch.tables, batch.counts),
                # As text, which is made much faster than a list is turned into it.
                *(f"{{{','.join(map(str, batch.ids))}}}", batch.leaves, "\n".join(batch.state), horizon),
            ],
        )
        kept = raw.fetchone()
    assert kept is not None
    return Sealed(kept[0], tenant, facts["number"], root, len(batch.ids))


def _signed(head: str, signs: Signer | None, before: Signer | None, last_key: str | None) -> tuple[str, str]:
    """The signature, and that of the previous key if the key has changed and the previous one is still available."""
    if signs is None:
        return "", ""
    message, cosignature = head.encode(), ""
    if last_key and last_key != signs.public_key.hex() and before is not None and before.public_key.hex() == last_key:
        cosignature = before.sign(message).hex()
    return signs.sign(message).hex(), cosignature


class Batch:
    """What goes into one seal, row by row."""

    def __init__(self, using: str) -> None:
        self.salt = secrets.token_bytes(32)
        self.tree = Tree()
        self.tables: list[str] = []
        self.counts: list[int] = []
        self.ids = array("q")
        self.leaves = bytearray()
        self.state: list[str] = []

    def add(self, source: str, row: int, line: str, personal: str | None) -> None:
        """The next event."""
        if not self.tables or self.tables[-1] != source:
            self.tables.append(source)
            self.counts.append(0)
        self.counts[-1] += 1
        self.ids.append(row)
        self._add_leaf(source, row, line, personal)

    def add_state(self, source: str, row: int, line: str) -> None:
        """A series or a period as it is, after all events."""
        self.state.append(line)
        self._add_leaf(source, row, line, None)

    def _add_leaf(self, source: str, row: int, line: str, personal: str | None) -> None:
        leaf = leaf_by_key(self.salt, source, row, line, personal)
        self.tree.add(leaf)
        self.leaves += leaf


def stream(using: str, statement: str, wanted: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement as the server finds them. Use the connection for nothing else meanwhile."""
    with open_cursor(using) as cursor, connections[using].wrap_database_errors:
        # Before libpq 17, psycopg takes one row at a time, which costs more and says the same.
        yield from cursor.stream(statement, wanted, size=_CHUNK if psycopg.pq.version() >= 170000 else 1)


@contextmanager
def _held_counted(counts: dict[str, int]) -> Iterator[None]:
    try:
        yield
    except (Held, Unsettled):  # if an era has just begun, the next round seals the database first
        counts["held"] += 1


def seal_all(failures: Failures, *, using: str, database: bool = False) -> dict[str, int]:
    """Seal every tenant with new rows, and the database once a day, or now with ``database``. Returns counts.

    A tenant that can't be sealed is noted in ``failures``. Raises SealError if nothing can be sealed.
    """
    counts = {"sealed": 0, "rows": 0, "held": 0, "anchored": 0}

    def count(done: Sealed | None) -> None:
        counts["sealed"] += done is not None
        counts["rows"] += 0 if done is None else done.rows

    [last] = fetch(using, sql.CHAIN)
    if last.same_era and not last.same_place:
        raise _trouble("moved")
    horizon = last.horizon if last.same_era else 0
    if not last.same_era:
        with _held_counted(counts):
            count(seal(None, using=using, first=True))
    for tenant in tenants_with_news(using, horizon):
        with failures.noted(f"tenant {tenant!r}", using, _log), _held_counted(counts):
            count(seal(tenant, using=using))
    if last.is_earlier or database:
        with _held_counted(counts):
            # Tenants that were left out are looked for again from the old horizon.
            left_out = counts["held"] or len(failures)
            count(seal(None, using=using, horizon=horizon if left_out else last.decided))
    with failures.noted("anchoring the database's last seal", using, _log):
        counts["anchored"] = anchor_last(using=using)
    return counts


def _trouble(name: str) -> SealError:
    problem, remedy = _TROUBLES[name]
    kind = Unsettled if name == "unsettled" else SealError
    return kind(f"{problem}.", rule="Which rows are new is known by their transaction ids.", remedy=remedy)


def tenants_with_news(using: str, horizon: int = 0) -> list[str]:
    """The tenants with rows that none of their seals has seen, by one query."""
    return [tenant for (tenant,) in fetch(using, sql.TENANTS_WITH_NEWS, {"horizon": horizon})]


_SHOWN = 5


# The transaction id tells whether a row was sealed, so every event has the era in which that id counts. On another
# server, or in another database or schema, ids begin again, and so a new era begins.
def begin_era(
    *, using: str, accept_differences: bool = False, progress: Callable[[str], None] = lambda step: None
) -> Sealed | None:
    """Begin the next era, as the owner of the tables: compare every sealed row, then give new rows the new era.

    Nobody can write an event meanwhile. ``accept_differences`` continues even if rows are not as they were sealed;
    ``verify`` reports them from then on. Returns the database's first seal of the era. Raises SealError, and changes
    nothing, if the ledger has not moved, or rows differ.
    """
    quoted = [connections[using].ops.quote_name(table) for table in event_tables()]
    with transaction.atomic(using=using, durable=True), open_cursor(using) as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(quoted)} IN SHARE ROW EXCLUSIVE MODE")
        [last] = fetch(using, sql.CHAIN)
        if last.same_era is None or (last.same_era and last.same_place):
            raise SealError(
                "The ledger has no seal yet." if last.same_era is None else "The ledger lives where it was sealed.",
                rule="An era begins where a ledger that was sealed has moved.",
                remedy="manage.py ledger_seal status tells how far it is sealed.",
            )
        differing = _differing(using, progress)
        if differing and not accept_differences:
            raise SealError(
                f"{len(differing):,} rows are not as they were sealed: {', '.join(differing[:_SHOWN])}"
                f"{', …' if len(differing) > _SHOWN else ''}.",
                rule="A move changes no row.",
                remedy="Look at each by manage.py ledger_seal verify, and restore it. --accept-differences begins the "
                "era all the same, and these rows stay findings. Nothing was changed.",
            )
        if last.same_era:
            era = int(fetch_value(using, sql.ERA)) + 1
            for table in quoted:
                cursor.execute(f"ALTER TABLE {table} ALTER COLUMN era SET DEFAULT {era}")
    return seal(None, using=using, first=True)


def _differing(using: str, progress: Callable[[str], None]) -> list[str]:
    """The sealed rows that are not as they were."""
    found = []
    for one, rows in with_rows(using, every_seal(using)):
        progress(f"comparing {seal_name(one)}")
        found += [f"{row.source} {row.id}" for row in rows if not row.is_unchanged(one)]
    return found
