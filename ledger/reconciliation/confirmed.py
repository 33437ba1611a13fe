"""Numbers that an accounting system confirms: derived from the mirror, stored nowhere else."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import router

from ledger.cursors import fetch, stream
from ledger.databases import choose
from ledger.models import RemoteDocument, Series
from ledger.reconciliation import looking_sql


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A number that a system knows as the ledger does: posted and valid here, or void on both sides.

    ``series`` is a code, ``period`` and ``entry`` are ids; ``seen_at`` is when the system was last read to say so.
    """

    series: str
    period: int
    value: int
    entry: int
    number: str
    system: str
    remote_id: str
    state: str
    seen_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def confirmed_numbers(
    *,
    org: Any = None,
    series: Series | str | None = None,
    period: int | None = None,
    system: str | None = None,
    using: str | None = None,
) -> Iterator[Confirmed]:
    """The confirmed numbers of a tenant, once each, by series, period and value; limited as the arguments say. Streams.

    ``series`` is one or its code, ``period`` an id, ``system`` a name.
    """
    tenant, series, using = choose(org, None, series, using)
    alias = using or router.db_for_read(RemoteDocument)
    wanted = {"tenant": tenant or "", "series": series, "period": period, "system": system}
    for row in stream(alias, looking_sql.CONFIRMED, wanted):
        yield Confirmed(**row._asdict())


def count_confirmed(
    *,
    org: Any = None,
    series: Series | str | None = None,
    period: int | None = None,
    system: str | None = None,
    using: str | None = None,
) -> int:
    """How many numbers ``confirmed_numbers`` would tell."""
    tenant, series, using = choose(org, None, series, using)
    alias = using or router.db_for_read(RemoteDocument)
    wanted = {"tenant": tenant or "", "series": series, "period": period, "system": system}
    [(count,)] = fetch(alias, looking_sql.COUNT_CONFIRMED, wanted)
    return int(count)
