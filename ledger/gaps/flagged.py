"""Gaps as they stand: flagged by a sweep or adopted from a previous system, explained or not; and holes that healed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import router, transaction

from ledger.cursors import open_server_cursor
from ledger.databases import choose
from ledger.gaps import sql
from ledger.gaps.holes import number_of
from ledger.models import Entry, Series
from ledger.unreadable import facts

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Gap:
    """Values that no document bears and none ever will: ``value`` to ``through``, both inclusive.

    ``kind`` is "flagged", with the id of its ``entry``, or "adopted", with that of its ``adopted_gap``. The explanation
    is the latest one, or empty.
    """

    tenant: str
    series: str
    period: int
    starts_on: date
    ends_on: date
    kind: str
    entry: int | None
    adopted_gap: int | None
    value: int
    through: int
    number: str
    since: datetime
    evidence: Mapping[str, Any]
    explanation: str
    explained_by: str
    explained_at: datetime | None
    #: Where it was read, and is explained.
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


def flagged_gaps(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    unexplained: bool = False,
    using: str | None = None,
) -> Iterator[Gap]:
    """Every gap, in order; ``unexplained`` leaves out those that somebody has explained. Streams."""
    tenant, series, using = choose(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted = {"tenant": tenant, "series": series, "unexplained": unexplained}
    for row in _rows(alias, sql.FLAGGED, wanted):
        tenant_, code, period, starts_on, ends_on, prefix, width, suffix, kind, entry, adopted_gap = row[:11]
        value, through, since, evidence, explanation, explained_by, explained_at, number = row[11:]
        yield Gap(
            tenant=tenant_,
            series=code,
            period=period,
            starts_on=starts_on,
            ends_on=ends_on,
            kind=kind,
            entry=entry,
            adopted_gap=adopted_gap,
            value=value,
            through=through,
            number=number or number_of(prefix, width, suffix, value),
            since=since,
            evidence=facts(evidence),
            explanation=explanation or "",
            explained_by=explained_by or "",
            explained_at=explained_at,
            database=alias,
        )


def healed_holes(
    *, org: Any = None, tenant: str | None = None, series: Series | str | None = None, using: str | None = None
) -> Iterator[Entry]:
    """The numbers that healed a hole which a sweep had reported, in order."""
    tenant, series, using = choose(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted = {"tenant": tenant, "series": series}
    chunk: list[int] = []
    for (entry,) in _rows(alias, sql.HEALED, wanted):
        chunk.append(entry)
        if len(chunk) == _CHUNK:
            yield from _entries(alias, chunk)
            chunk = []
    yield from _entries(alias, chunk)


def _entries(alias: str, ids: list[int]) -> Iterator[Entry]:
    found = Entry.objects.using(alias).select_related("series", "period").in_bulk(ids)
    return (found[pk] for pk in ids)


def _rows(alias: str, statement: str, wanted: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with transaction.atomic(using=alias), open_server_cursor(alias) as cursor:
        cursor.execute(statement, wanted)
        while chunk := cursor.fetchmany(_CHUNK):
            yield from chunk
