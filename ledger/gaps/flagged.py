"""Gaps, flagged by a sweep or adopted from a previous system, explained or not; what of them is still to be declared to
an authority; and holes that healed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext

from ledger.cursors import fetch, from_row, stream
from ledger.databases import database_of, expect, query_scope, same_row
from ledger.formats import NumberFormat
from ledger.gaps import sql
from ledger.gaps.finding import MissingValues
from ledger.intervals import Span, without
from ledger.localization import span_told
from ledger.models import Entry, GapDeclared, Period, Series
from ledger.unreadable import UNREADABLE, cut, facts

_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(MissingValues):
    """Values that no document will ever have.

    ``kind`` is "flagged", with the id of its ``entry``, or "adopted", with that of its ``adopted_gap``. The explanation
    is the latest one, or empty.
    """

    kind: str
    entry: int | None
    adopted_gap: int | None
    last_number: str
    since: datetime
    explanation: str
    explained_by: str
    explained_at: datetime | None

    @property
    def key(self) -> str:
        """Its name in forms and addresses."""
        return f"a{self.adopted_gap}" if self.entry is None else f"e{self.entry}"

    @property
    def cause(self) -> str:
        """The cause in the evidence, in the reader's language."""
        return cut(gettext(str(self.evidence.get("cause") or self.evidence.get(UNREADABLE, "not stated"))))

    def __str__(self) -> str:
        return self.number if self.count == 1 else span_told(self.number, self.last_number)


def flagged_gaps(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    unexplained: bool = False,
    using: str | None = None,
) -> Iterator[Gap]:
    """Every gap, in order; ``unexplained`` leaves out those that somebody has explained. Streams."""
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted = {"tenant": tenant, "series": series, "unexplained": unexplained}
    for row in stream(alias, sql.FLAGGED, wanted):
        yield as_gap(row, alias)


def as_gap(row: Any, alias: str) -> Gap:
    """The gap of a row with columns of the same names as its fields, and those of the period's format."""
    numbers = NumberFormat(row.prefix, row.width, row.suffix)
    first, last = (row.number or numbers.shown(at) for at in (row.value, row.through))
    return from_row(Gap, row, number=first, last_number=last, evidence=facts(row.evidence), database=alias)


def healed_holes(
    *, org: Any = None, tenant: str | None = None, series: Series | str | None = None, using: str | None = None
) -> Iterator[Entry]:
    """The numbers that filled a hole which a sweep had reported, in order."""
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_read(Entry)
    wanted = {"tenant": tenant, "series": series}
    chunk: list[int] = []
    for (entry,) in stream(alias, sql.HEALED, wanted):
        chunk.append(entry)
        if len(chunk) == _CHUNK:
            yield from _entries(alias, chunk)
            chunk = []
    yield from _entries(alias, chunk)


def _entries(alias: str, ids: list[int]) -> Iterator[Entry]:
    found = Entry.objects.using(alias).select_related("series", "period").in_bulk(ids)
    return (found[pk] for pk in ids)


@dataclass(frozen=True, slots=True)
class GapRange:
    """Missing values of one period, both ends inclusive."""

    period: Period
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many values it is."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" if self.last > self.first else f"{self.first}"


def undeclared(period: Period, authority: str, *, using: str | None = None) -> list[GapRange]:
    """The values of a period that are known to be missing and not declared to ``authority`` yet, in order.

    Holes that no sweep has proven are left out: their checkouts may still run.
    """
    expect(period, Period, "period", "Pass the Period itself, such as entry.period.")
    alias = database_of(period, GapDeclared, using)
    same_row(period, alias)
    missing = fetch(alias, sql.MISSING_OF_PERIOD, {"tenant": period.tenant, "period": period.pk})
    declared = declared_spans(period, authority, using=alias)
    return [GapRange(period, first, last) for first, last in without(missing, declared)]


def declared_spans(period: Period, authority: str, *, using: str) -> list[Span]:
    """The values of a period that were declared to ``authority``."""
    found = GapDeclared.objects.using(using).filter(tenant=period.tenant, period=period, authority=authority)
    return list(found.order_by("first_value").values_list("first_value", "last_value"))
