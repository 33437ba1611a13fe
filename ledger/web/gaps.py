"""The gaps of a tenant, filtered, sorted and paged in SQL; and explaining one or many of them with a reason."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import router
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from ledger.actions import explain
from ledger.cursors import fetch
from ledger.gaps import Gap, sql
from ledger.gaps.flagged import as_gap
from ledger.localization import lazily as _, quantity
from ledger.models import Entry, GapExplained
from ledger.web.access import Access, page
from ledger.web.confirming import MOST, MOST_MATCHING, Question, asks_for_all, confirmed
from ledger.web.counts_sql import IN_DATES
from ledger.web.page import address, render_page
from ledger.web.query_string import Asked, Rows, asked_dates, key_in

_COLUMNS = {
    "value": _("Number"),
    "count": _("Values"),
    "cause": _("Cause"),
    "since": _("Known since"),
    "explanation": _("Explanation"),
}
#: The columns to sort by, in SQL.
_SORTS = {"value": "g.starts_on {}, g.first {}", "count": "g.size {}, g.first", "since": "g.since {}, g.first"}

#: The count stops here.
_MOST_COUNTED = 100_000

_ROWS = f"""
    FROM (
        SELECT coalesce('e' || g.entry, 'a' || g.adopted_gap) AS key, g.*, g.last - g.first + 1 AS size,
               p.starts_on, p.ends_on, p.series_id, p.prefix, p.width, p.suffix
        FROM ({sql.GAPS}) g JOIN ledger_period p ON p.id = g.period_id AND p.tenant = g.tenant
        WHERE g.tenant = %(tenant)s AND (%(period)s::bigint IS NULL OR g.period_id = %(period)s::bigint)
    ) g
    WHERE (%(keys)s::text[] IS NULL OR g.key = ANY(%(keys)s::text[]))
"""  # noqa: S608  (our own text)
_EXPLANATIONS = sql.EXPLANATIONS.format(tenant="%(tenant)s")
_IS_EXPLAINED = f"EXISTS (SELECT FROM {_EXPLANATIONS})"
_HAS_TEXT = f"""(strpos(upper(coalesce(g.number, '')), upper(%(text)s)) > 0
    OR strpos(upper(coalesce(g.evidence ->> 'cause', '')), upper(%(text)s)) > 0
    OR EXISTS (SELECT FROM {_EXPLANATIONS} AND strpos(upper(x.explanation), upper(%(text)s)) > 0))"""
_OF_SERIES = "g.series_id IN (SELECT s.id FROM ledger_series s WHERE s.tenant = g.tenant AND s.code = %(series)s)"
# Explanations and declarations are read for the gaps of this page only.
_PAGE = f"""
    {sql.OF_GAP}
    FROM (SELECT g.* {{rows}} ORDER BY {{order}}, g.key LIMIT %(limit)s OFFSET %(offset)s) g
    JOIN ledger_series s ON s.id = g.series_id
    {sql.LAST_EXPLANATION.format(tenant="%(tenant)s")}
    ORDER BY {{order}}, g.key
"""


@page()
def gaps(request: HttpRequest, access: Access) -> HttpResponse:
    """All gaps of one tenant, unexplained ones first."""
    tenant = access.chosen_tenant(request)
    wanted = wanted_gaps(request, tenant)
    context = {
        "table": gap_table(request, wanted),
        "wanted": wanted,
        "dates": asked_dates(request),
        "may_explain": access.may("explain_gap"),
        **Asked(request, "gaps").choosing(),
    }
    return render_page(request, access, "gaps.html", context, tenant=tenant, title=_("Gaps"))


@page(does="explain_gap")
def explain_gaps(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why these values have no document, and appends the answer to each."""
    tenant = access.chosen_tenant(request)
    if asks_for_all(request):
        wanted = wanted_gaps(request, tenant)
    else:
        keys = (request.POST if request.method == "POST" else request.GET).getlist("gap")[: MOST + 1]
        wanted = {"tenant": tenant, "keys": keys, "state": "all", **_ANY}
    chosen = _read(wanted, "value", 0, MOST_MATCHING + 1)
    alias = router.db_for_write(GapExplained)

    def act(gap: Gap, said: dict[str, Any]) -> GapExplained:
        return explain(gap, explanation=said["reason"], by=request.user, using=alias)

    question = Question(
        title=ngettext("Explain a gap", "Explain %(n)s gaps", len(chosen)) % {"n": quantity(len(chosen))},
        warning=_("An auditor reads the explanation. It can't be changed or taken back; a later one adds to it."),
        button=ngettext("Explain it", "Explain them", len(chosen)),
        back=address("gaps", tenant=tenant),
    )
    sent: Any = {"field": "gap", "key": "key"}
    return confirmed(request, access, question, chosen, act, tenant=tenant, alias=alias, turn="explain", **sent)


_ANY = {"period": None, "series": "", "text": "", "since": None, "until": None}
_STATES = ("unexplained", "explained", "all")


def wanted_gaps(
    request: HttpRequest, tenant: str, *, period: int | None = None, states: Sequence[str] = _STATES
) -> dict[str, Any]:
    """Which gaps the address asks for: of one period (its id) or of all; by default those of the first state."""
    asked, dates = Asked(request, "gaps"), asked_dates(request)
    return {
        "tenant": tenant,
        "keys": None,
        "period": key_in(asked.text("period")) if period is None else period,
        "series": asked.text("series"),
        "text": asked.text("q"),
        "state": asked.choice("state", states),
        "since": dates.since,
        "until": dates.until,
    }


def gap_table(request: HttpRequest, wanted: Mapping[str, Any]) -> Rows:
    asked = Asked(request, "gaps")
    sort = asked.sort(_SORTS)
    statement = f"SELECT count(*) FROM (SELECT 1 {_chosen(wanted)} LIMIT {_MOST_COUNTED}) n"  # noqa: S608
    [(count,)] = fetch(router.db_for_read(Entry), statement, wanted)
    headings = asked.headings(_COLUMNS, _SORTS, sort, ("count",))
    return asked.rows(count, lambda offset, limit: _read(wanted, sort, offset, limit), headings)


def _read(wanted: Mapping[str, Any], sort: str, offset: int, limit: int) -> list[Gap]:
    alias, way = router.db_for_read(Entry), "DESC" if sort.startswith("-") else "ASC"
    order = _SORTS[sort.lstrip("-")].replace("{}", way)
    statement = _PAGE.format(rows=_chosen(wanted), order=order)
    return [as_gap(row, alias) for row in fetch(alias, statement, {**wanted, "limit": limit, "offset": offset})]


def _chosen(wanted: Mapping[str, Any]) -> str:
    """Run our SQL with the conditions that the filters need; typed values are passed as parameters."""
    conditions = {"all": "", "explained": f" AND {_IS_EXPLAINED}", "unexplained": f" AND NOT {_IS_EXPLAINED}"}
    more = {
        _HAS_TEXT: wanted["text"],
        _OF_SERIES: wanted["series"],
        IN_DATES: wanted["since"] is not None or wanted["until"] is not None,
    }
    return _ROWS + conditions[wanted["state"]] + "".join(f" AND {text}" for text, asked in more.items() if asked)
