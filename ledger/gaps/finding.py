"""Finding holes, and where each stands. Writes nothing but how far it has read."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.db import DataError, router, transaction

from ledger.cursors import open_cursor, open_server_cursor
from ledger.databases import choose
from ledger.gaps import sql
from ledger.gaps.holes import Hole, State, number_of
from ledger.models import Entry, Series

_log = logging.getLogger(__name__)

#: A courtesy to a checkout that is just between reserving a value and taking it. No proof rests on it.
GRACE = timedelta(seconds=10)

_CHUNK = 1000


def find(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    grace: timedelta = GRACE,
    full: bool = False,
    using: str | None = None,
) -> Iterator[Hole]:
    """Every hole there is at this moment, in order of tenant, series, period and value, one kind after the other.

    ``tenant`` is a key, ``org`` what ``issue`` takes; with neither, all tenants; ``series`` is one or its code. A
    reservation younger than ``grace`` counts as in flight. Lost values are looked for where the last scan left off;
    ``full`` reads every period from its first value, which streams, so memory doesn't grow with it.
    """
    tenant, series, using = choose(org, tenant, series, using)
    alias = using or router.db_for_write(Entry)
    wanted = {
        "tenant": tenant,
        "series": series,
        "grace": grace,
        "full": full,
    }
    yield from find_reservations(alias, wanted)
    yield from find_slots(alias, wanted)
    yield from find_lost(alias, wanted)


def find_reservations(alias: str, wanted: dict[str, Any], ids: Sequence[int] | None = None) -> Iterator[Hole]:
    """Reservations that are no entries yet: all of them, or those of some ids."""
    for row in _locking_rows(alias, sql.RESERVATIONS, {**wanted, "reservations": ids and list(ids)}):
        reserved_at, is_old, document, actor, transaction_id, status, is_held = row[9:]
        evidence = {
            "cause": "not committed",
            "document": document,
            "actor": actor,
            "transaction": transaction_id,
            "transaction_status": status,
        }
        yield _hole(alias, row, State.OPEN if is_old and not is_held else State.IN_FLIGHT, reserved_at, evidence)


def find_slots(alias: str, wanted: dict[str, Any]) -> Iterator[Hole]:
    """Free slots below the highest number of their period."""
    for row in _locking_rows(alias, sql.SLOTS, wanted):
        since, is_old, gives_back, is_held, drafted = row[9:]
        free = State.HEALING if gives_back else State.OPEN
        state = State.IN_FLIGHT if is_held or not is_old else free
        yield _hole(alias, row, state, since, {"cause": "given back"}, number=drafted)


def find_lost(alias: str, wanted: dict[str, Any]) -> Iterator[Hole]:
    """Ranges of lost values; remembers up to which value everything is accounted for."""
    reached: dict[tuple[str, int], int] = {}
    # Closed here and now whatever happens, since the rows come out of a transaction.
    with closing(_rows(alias, sql.LOST, wanted)) as rows:
        for row in rows:
            tenant, _, period = row[:3]
            low, high, through = row[8:]
            limit = through if low is None else low - 1
            reached[(tenant, period)] = min(limit, reached.get((tenant, period), limit))
            if low is not None:
                yield _hole(alias, row, State.LOST, None, {"cause": "lost"}, through=high)
            elif len(reached) >= _CHUNK:
                _remember(alias, reached)
                reached.clear()
    _remember(alias, reached)


def _remember(alias: str, reached: dict[tuple[str, int], int]) -> None:
    """Keep how far was read, where the role may: who looks alone reads it all again next time."""
    if not reached:
        return
    tenants, periods = zip(*reached, strict=True)
    try:
        with transaction.atomic(using=alias), open_cursor(alias) as cursor:
            cursor.execute(sql.MAY_REMEMBER)
            if cursor.fetchone()[0]:
                cursor.execute(sql.REMEMBER, [list(tenants), list(periods), list(reached.values())])
    except DataError as error:
        if len(reached) == 1:
            # A period whose counter nobody can reckon with is read from its first value again.
            _log.warning("How far period %s was read can't be kept: %s", periods[0], error)
            return
        for key, through in reached.items():
            _remember(alias, {key: through})


def _locking_rows(alias: str, statement: str, wanted: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that locks what it can, all at once: they are few, and the locks end with this."""
    with transaction.atomic(using=alias), open_cursor(alias) as cursor:
        cursor.execute(statement, wanted)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _rows(alias: str, statement: str, wanted: dict[str, Any]) -> Generator[tuple[Any, ...]]:
    """The rows of a statement, held by the server; in a transaction, since a pooler gives each one another server."""
    with transaction.atomic(using=alias), open_server_cursor(alias) as cursor:
        with open_cursor(alias) as settings:
            settings.execute(sql.IN_ORDER)
        cursor.execute(statement, wanted)
        while chunk := cursor.fetchmany(_CHUNK):
            yield from chunk
        # For a caller that has a transaction of its own, which goes on.
        with open_cursor(alias) as settings:
            settings.execute(sql.IN_ANY_ORDER)


def _hole(
    alias: str,
    row: tuple[Any, ...],
    state: State,
    since: Any,
    evidence: dict[str, Any],
    through: int | None = None,
    number: str | None = None,
) -> Hole:
    tenant, code, period, starts_on, ends_on, prefix, width, suffix, value = row[:9]
    return Hole(
        tenant=tenant,
        series=code,
        period=period,
        starts_on=starts_on,
        ends_on=ends_on,
        value=value,
        through=value if through is None else through,
        number=number or number_of(prefix, width, suffix, value),
        state=state,
        since=since,
        evidence=evidence,
        database=alias,
    )
