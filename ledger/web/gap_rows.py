"""Gaps as rows of a table: flagged values and ranges of an adopted history, filtered, sorted and paged in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext

from ledger.cursors import fetch
from ledger.gaps.holes import number_of
from ledger.models import Entry
from ledger.unreadable import UNREADABLE, cut, facts
from ledger.web.counts_sql import IN_DATES
from ledger.words import lazily as _
from ledger.words import span_told

GAP_COLUMNS = {
    "value": _("Number"),
    "count": _("Values"),
    "cause": _("Cause"),
    "since": _("Known since"),
    "explanation": _("Explanation"),
}
#: What may be sorted by, in SQL.
GAP_SORTS = {"value": "g.starts_on {}, g.first {}", "count": "g.size {}, g.first", "since": "g.since {}, g.first"}

#: More than a person can read are counted as so many.
MOST = 100_000

_ROWS = """
    FROM (
        SELECT 'e' || e.id AS key, e.tenant, e.period_id, e.value AS first, e.value AS last, 1::bigint AS size,
               e.number, e.issued_at AS since, e.metadata AS evidence, e.id AS entry, NULL::bigint AS adopted_gap,
               p.starts_on, p.series_id, p.prefix, p.width, p.suffix
        FROM ledger_entry e JOIN ledger_period p ON p.id = e.period_id AND p.tenant = e.tenant
        WHERE e.tenant = %(tenant)s AND e.kind = 'gap'
          AND (%(period)s::bigint IS NULL OR e.period_id = %(period)s::bigint)
        UNION ALL
        SELECT 'a' || g.id, g.tenant, g.period_id, g.first_value, g.last_value, g.last_value - g.first_value + 1,
               NULL, a.adopted_at, jsonb_build_object('cause', 'adopted', 'source', a.source), NULL, g.id,
               p.starts_on, p.series_id, p.prefix, p.width, p.suffix
        FROM ledger_adoptedgap g
        JOIN ledger_adoption a ON a.tenant = g.tenant AND a.id = g.adoption_id
        JOIN ledger_period p ON p.tenant = g.tenant AND p.id = g.period_id
        WHERE g.tenant = %(tenant)s AND (%(period)s::bigint IS NULL OR g.period_id = %(period)s::bigint)
    ) g
    WHERE (%(keys)s::text[] IS NULL OR g.key = ANY(%(keys)s::text[]))
"""
_OF_GAP = "x.tenant = %(tenant)s AND (x.entry_id = g.entry OR x.adopted_gap_id = g.adopted_gap)"
_IS_EXPLAINED = f"EXISTS (SELECT FROM ledger_gapexplained x WHERE {_OF_GAP})"
_HAS_TEXT = f"""(strpos(upper(coalesce(g.number, '')), upper(%(text)s)) > 0
    OR strpos(upper(coalesce(g.evidence ->> 'cause', '')), upper(%(text)s)) > 0
    OR EXISTS (SELECT FROM ledger_gapexplained x
               WHERE {_OF_GAP} AND strpos(upper(x.explanation), upper(%(text)s)) > 0))"""
_OF_SERIES = "g.series_id IN (SELECT s.id FROM ledger_series s WHERE s.tenant = g.tenant AND s.code = %(series)s)"
# What is said of the gaps of one page is looked up for these alone.
_PAGE = """
    SELECT g.key, s.code, g.period_id, g.first, g.last, g.number, g.prefix, g.width, g.suffix, g.since, g.evidence,
           x.explanation, x.actor, x.explained_at, g.entry, g.adopted_gap
    FROM (SELECT g.* {rows} ORDER BY {order}, g.key LIMIT %(limit)s OFFSET %(offset)s) g
    JOIN ledger_series s ON s.id = g.series_id
    LEFT JOIN LATERAL (
        SELECT x.explanation, x.actor, x.explained_at FROM ledger_gapexplained x
        WHERE {of_gap}
        -- An expression, lest the planner walk back along the primary key, past the explanations of all other gaps.
        ORDER BY x.id + 0 DESC LIMIT 1
    ) x ON true
    ORDER BY {order}, g.key
"""


@dataclass(frozen=True, slots=True)
class GapLine:
    """One row: ``key`` names the gap in forms. The explanation is the latest one, or empty."""

    key: str
    series: str
    period: int
    first: int
    last: int
    first_number: str
    last_number: str
    since: datetime
    evidence: Mapping[str, Any]
    explanation: str
    explained_by: str
    explained_at: datetime | None
    entry: int | None
    adopted_gap: int | None

    @property
    def count(self) -> int:
        """How many values it is."""
        return self.last - self.first + 1

    @property
    def cause(self) -> str:
        """Why, as the evidence has it."""
        return cut(gettext(str(self.evidence.get("cause") or self.evidence.get(UNREADABLE, "not stated"))))

    def __str__(self) -> str:
        return self.first_number if self.count == 1 else span_told(self.first_number, self.last_number)


def wanted_gaps(
    tenant: str,
    *,
    period: int | None = None,
    series: str = "",
    text: str = "",
    state: str = "all",
    since: date | None = None,
    until: date | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Which gaps of a tenant: those of a period (its id) or series (its code), that hold a text, that are explained or
    unexplained, of days (both inclusive), or that a form has named.
    """
    return {
        "tenant": tenant,
        "period": period,
        "series": series,
        "text": text,
        "state": state,
        "since": since,
        "until": until,
        "keys": None if keys is None else list(keys),
    }


def count_gaps(wanted: Mapping[str, Any]) -> int:
    """How many rows there are, up to ``MOST``. ``wanted`` is of ``wanted_gaps``."""
    statement = f"SELECT count(*) FROM (SELECT 1 {_chosen(wanted)} LIMIT {MOST}) n"  # noqa: S608
    [(found,)] = fetch(router.db_for_read(Entry), statement, wanted)
    return int(found)


def gap_rows(wanted: Mapping[str, Any], sort: str, offset: int, limit: int) -> list[GapLine]:
    """Rows of a page; ``sort`` is a key of ``GAP_SORTS``, with a minus to turn it round."""
    order = GAP_SORTS[sort.lstrip("-")].replace("{}", "DESC" if sort.startswith("-") else "ASC")
    statement = _PAGE.format(rows=_chosen(wanted), order=order, of_gap=_OF_GAP)
    found = fetch(router.db_for_read(Entry), statement, {**wanted, "limit": limit, "offset": offset})
    return [_line(row) for row in found]


def _chosen(wanted: Mapping[str, Any]) -> str:
    """The rows of our own text, with those conditions that are asked for; what was typed goes as parameters."""
    conditions = {"all": "", "explained": f" AND {_IS_EXPLAINED}", "unexplained": f" AND NOT {_IS_EXPLAINED}"}
    more = {
        _HAS_TEXT: wanted["text"],
        _OF_SERIES: wanted["series"],
        IN_DATES: wanted["since"] is not None or wanted["until"] is not None,
    }
    return _ROWS + conditions[wanted["state"]] + "".join(f" AND {text}" for text, asked in more.items() if asked)


def _line(row: Any) -> GapLine:
    return GapLine(
        key=row.key,
        series=row.code,
        period=row.period_id,
        first=row.first,
        last=row.last,
        first_number=row.number or number_of(row.prefix, row.width, row.suffix, row.first),
        last_number=row.number or number_of(row.prefix, row.width, row.suffix, row.last),
        since=row.since,
        evidence=facts(row.evidence),
        explanation=row.explanation or "",
        explained_by=row.actor or "",
        explained_at=row.explained_at,
        entry=row.entry,
        adopted_gap=row.adopted_gap,
    )
