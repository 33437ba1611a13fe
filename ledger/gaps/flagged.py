"""Gaps as they stand: flagged by a sweep or adopted from a previous system, explained or not; and holes that healed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext

from ledger.cursors import made_of, stream
from ledger.databases import choose
from ledger.gaps import sql
from ledger.gaps.holes import number_of
from ledger.models import Entry, Series
from ledger.unreadable import UNREADABLE, cut, facts
from ledger.words import span_told

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
    last_number: str
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

    @property
    def key(self) -> str:
        """What names it in forms and addresses."""
        return f"a{self.adopted_gap}" if self.entry is None else f"e{self.entry}"

    @property
    def cause(self) -> str:
        """Why, as the evidence has it, in the reader's language."""
        return cut(gettext(str(self.evidence.get("cause") or self.evidence.get(UNREADABLE, "not stated"))))

    def __str__(self) -> str:
        return self.number if self.count == 1 else span_told(self.number, self.last_number)

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
    for row in stream(alias, sql.FLAGGED, wanted):
        yield as_gap(row, alias)


def as_gap(row: Any, alias: str) -> Gap:
    """The gap of a row whose columns are called as its fields, with those of the period's format."""
    first, last = (row.number or number_of(row.prefix, row.width, row.suffix, at) for at in (row.value, row.through))
    return made_of(Gap, row, number=first, last_number=last, evidence=facts(row.evidence), database=alias)


def healed_holes(
    *, org: Any = None, tenant: str | None = None, series: Series | str | None = None, using: str | None = None
) -> Iterator[Entry]:
    """The numbers that healed a hole which a sweep had reported, in order."""
    tenant, series, using = choose(org, tenant, series, using)
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
