"""Finding holes: values, or ranges of them, below the highest one and without an entry; and the state of each.

Writes nothing but how far it has read.
"""

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import DataError, router, transaction

from ledger.cursors import fetch, from_row, open_cursor, stream
from ledger.databases import query_scope
from ledger.formats import NumberFormat
from ledger.gaps import sql
from ledger.models import Entry, Series

_log = logging.getLogger(__name__)

#: A courtesy to a checkout between reserving a value and taking it. No proof depends on it.
GRACE = timedelta(seconds=10)

_CHUNK = 1000


class State(StrEnum):
    """The state of a hole."""

    #: A checkout holds the value, or has just asked for it.
    IN_FLIGHT = "in_flight"
    #: A free slot: the next checkout takes it.
    HEALING = "healing"
    #: No checkout holds it or ever will: the next sweep makes it a gap.
    LEFT_OVER = "left_over"
    #: Nothing waits for it, which no rollback can cause: rows were lost or tampered with.
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValues:
    """Values of a period that no document bears: ``value`` to ``through``, both inclusive."""

    tenant: str
    series: str
    period: int
    starts_on: date
    ends_on: date
    value: int
    through: int
    number: str
    since: datetime | None
    evidence: Mapping[str, Any]
    #: Where they were read, and are flagged or explained.
    database: str = field(default="", compare=False, repr=False)

    @property
    def count(self) -> int:
        """How many values it is."""
        return self.through - self.value + 1

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        told = asdict(self) | {"count": self.count}
        del told["database"]
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole(MissingValues):
    """One hole; it has several values only if they are lost.

    ``since`` is when it began, as far as the rows show; ``evidence`` what is known about the checkout that asked.
    """

    ordinal: int
    state: State


def find(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    grace: timedelta = GRACE,
    full: bool = False,
    using: str | None = None,
) -> Iterator[Hole]:
    """Every hole at this moment, in order of tenant, series, period and value, one kind after the other.

    ``tenant`` is a key, ``org`` what ``issue`` takes; with neither, all tenants; ``series`` is one or its code. A
    reservation younger than ``grace`` counts as in flight. Lost values are looked for where the last scan stopped;
    ``full`` reads every period from its first value. It streams, so memory doesn't grow.
    """
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_write(Entry)
    wanted = {"tenant": tenant, "series": series, "grace": grace, "full": full}
    yield from find_reservations(alias, wanted)
    yield from find_slots(alias, wanted)
    yield from find_lost(alias, wanted)


def find_reservations(alias: str, wanted: dict[str, Any], ids: Sequence[int] | None = None) -> Iterator[Hole]:
    """Reservations that are not entries yet: all of them, or those with some ids."""
    for row in fetch(alias, sql.RESERVATIONS, {**wanted, "reservations": ids and list(ids)}):
        asked = ("document", "actor", "transaction", "transaction_status")
        evidence = {"cause": "not committed"} | {name: getattr(row, name) for name in asked}
        state = State.LEFT_OVER if row.is_old and not row.is_held else State.IN_FLIGHT
        yield _hole(alias, row, state, evidence)


def find_slots(alias: str, wanted: dict[str, Any]) -> Iterator[Hole]:
    """Free slots below the highest number of their period."""
    for row in fetch(alias, sql.SLOTS, wanted):
        free = State.HEALING if row.give_back else State.LEFT_OVER
        state = State.IN_FLIGHT if row.is_held or not row.is_old else free
        yield _hole(alias, row, state, {"cause": "given back"}, number=row.drafted)


def find_lost(alias: str, wanted: dict[str, Any]) -> Iterator[Hole]:
    """Ranges of lost values. Remembers up to which value everything is accounted for."""
    reached: dict[tuple[str, int], int] = {}
    # Closed here whatever happens, since the rows come out of a transaction.
    with closing(_lost(alias, wanted)) as rows:
        for row in rows:
            limit = row.through if row.value is None else row.value - 1
            place = row.tenant, row.period
            reached[place] = min(limit, reached.get(place, limit))
            if row.value is not None:
                yield _hole(alias, row, State.LOST, {"cause": "lost"}, through=row.high, since=None)
            elif len(reached) >= _CHUNK:
                _remember(alias, reached)
                reached.clear()
    _remember(alias, reached)


def _remember(alias: str, reached: dict[tuple[str, int], int]) -> None:
    """Keep how far was read, if the role may, and the database takes writes; else the next look starts again."""
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
            # A period whose counter makes no sense is read from its first value again.
            _log.warning("How far period %s was read can't be kept: %s", periods[0], error)
            return
        for key, through in reached.items():
            _remember(alias, {key: through})


def _lost(alias: str, wanted: dict[str, Any]) -> Generator[Any]:
    with transaction.atomic(using=alias), open_cursor(alias) as settings:
        settings.execute(sql.IN_ORDER)
        yield from stream(alias, sql.LOST, wanted)
        # For a caller whose own transaction goes on.
        settings.execute(sql.IN_ANY_ORDER)


def _hole(alias: str, row: Any, state: State, evidence: dict[str, Any], **facts: Any) -> Hole:
    known = {"through": row.value, "state": state, "evidence": evidence, "database": alias} | facts
    known["number"] = facts.get("number") or NumberFormat(row.prefix, row.width, row.suffix).shown(row.value)
    return from_row(Hole, row, **known)
