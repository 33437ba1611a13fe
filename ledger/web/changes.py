"""The changes of a series' settings, and of its periods, for the pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router

from ledger.cursors import fetch
from ledger.models import Series, SeriesChanged
from ledger.reports import report_sql as sql
from ledger.unreadable import facts

_COUNT = f"SELECT count(*) FROM ({sql.CHANGES}) c"  # noqa: S608  (our own text)
_PAGE = f"SELECT * FROM ({sql.CHANGES}) c ORDER BY changed_at DESC, period LIMIT %(limit)s OFFSET %(offset)s"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``period`` is the label of a period, empty for the series itself."""

    period: str
    changed_at: datetime
    actor: str
    login: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]


def count_changes(series: Series) -> int:
    """How many there are."""
    ((count,),) = _fetch(_COUNT, series)
    return int(count)


def changes(series: Series, offset: int, limit: int) -> Sequence[Change]:
    """The latest first."""
    labels = {period.pk: period.label for period in series.periods.filter(tenant=series.tenant)}
    return [
        Change(labels.get(period, ""), changed_at, actor, login, facts(old), facts(new))
        for _code, period, changed_at, actor, login, old, new in _fetch(_PAGE, series, offset=offset, limit=limit)
    ]


def _fetch(statement: str, series: Series, **more: Any) -> list[Any]:
    periods = list(series.periods.filter(tenant=series.tenant).values_list("pk", flat=True))
    wanted = {"tenant": series.tenant, "series": [series.pk], "periods": periods, **more}
    return fetch(router.db_for_read(SeriesChanged), statement, wanted)
