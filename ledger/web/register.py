"""The register of a tenant: a line for every number, filtered, sorted and paged in SQL, and as a file."""

from collections.abc import Mapping
from typing import Any

from django.db import router
from django.http import HttpRequest, HttpResponse

from ledger.cursors import fetch
from ledger.formats import NumberFormat
from ledger.localization import lazily as _, to_translate, word
from ledger.models import Entry, Series
from ledger.reports.formats import formats
from ledger.unreadable import cut, facts
from ledger.web.access import Access, page
from ledger.web.page import address, render_page
from ledger.web.query_string import Asked, asked_dates

_COLUMNS = {
    "number": _("Number"),
    "state": _("State"),
    "document": _("Document"),
    "issued_on": _("Business date"),
    "issued_at": _("Moment"),
    "by": _("By"),
    "why": _("Reason"),
}
_SORTS = {"number": "", "issued_on": "r.issued_on {}, r.first", "issued_at": "r.issued_at {}, r.first"}

#: The condition on the rows of ``_LINES``, by state. A lost value has no row; the page says so above the table.
STATES = {
    to_translate("all"): "true",
    to_translate("valid"): "l.kind IN ('issued', 'adopted') AND NOT {void}",
    to_translate("void"): "{void}",
    to_translate("missing"): "l.kind IN ('gap', 'hole')",
    to_translate("reserved"): "l.kind = 'reserved'",
    to_translate("free"): "l.kind = 'free'",
}
_VOID = "EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = %(tenant)s AND v.entry_id = l.entry)"

#: The count stops here.
_MOST = 100_000

# Period by period and value by value, along the indexes: in this order, a page reads only its rows and those before it.
# Values that wait in a queue are listed among the entries, which they become.
_LINES = """
    FROM (
        SELECT p.id, p.starts_on, p.prefix, p.width, p.suffix, s.code, s.time_zone
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.tenant = %(tenant)s AND (%(series)s::text = '' OR s.code = %(series)s)
        ORDER BY s.code {way}, p.starts_on {way}
    ) p
    CROSS JOIN LATERAL (
        (SELECT e.value AS first, e.value AS last, e.number, e.kind, e.id AS entry, NULL::bigint AS hole, e.document,
                e.issued_on, e.issued_at, e.actor, e.metadata
         FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = p.id {stop})
        UNION ALL
        (SELECT g.first_value, g.last_value, NULL, 'hole', NULL, g.id, '', NULL, a.adopted_at, a.actor, NULL
         FROM ledger_adoptedgap g JOIN ledger_adoption a ON a.tenant = g.tenant AND a.id = g.adoption_id
         WHERE g.tenant = %(tenant)s AND g.period_id = p.id {stop})
        UNION ALL
        (SELECT r.value, r.value, NULL, 'reserved', NULL, NULL, r.document, r.issued_on, r.reserved_at, r.actor, NULL
         FROM ledger_reservation r WHERE r.tenant = %(tenant)s AND r.period_id = p.id {stop})
        UNION ALL
        (SELECT f.value, f.value, NULL, 'free', NULL, NULL, '', NULL, NULL, '', NULL
         FROM ledger_slot f
         WHERE f.tenant = %(tenant)s AND f.period_id = p.id
           AND f.value < (SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = p.id)
         {stop})
        ORDER BY first {way}
    ) l
    WHERE {state}
"""
_HAS_TEXT = "(starts_with(upper(l.number), upper(%(text)s)) OR starts_with(upper(l.document), upper(%(text)s)))"
# A value without a document counts on the day of the document before it, or else of the one after it, as in the report.
_NEXT_TO = """(SELECT b.issued_on FROM ledger_entry b WHERE b.tenant = %(tenant)s AND b.period_id = p.id
               AND b.kind <> 'gap' AND b.value {} l.first ORDER BY b.value {} LIMIT 1)"""
_DAY = (
    "CASE WHEN l.kind IN ('issued', 'adopted') THEN l.issued_on "
    f"ELSE coalesce({_NEXT_TO.format('<', 'DESC')}, {_NEXT_TO.format('>', 'ASC')}) END"
)
_IN_DATES = f"{_DAY} BETWEEN coalesce(%(since)s::date, '-infinity') AND coalesce(%(until)s::date, 'infinity')"
# Voids and reasons are read for the numbers of this page only.
_PAGE = """
    SELECT r.id AS period, r.time_zone, r.prefix, r.width, r.suffix, r.first, r.last, r.number, r.kind,
           r.document, r.issued_on, r.issued_at, r.actor, r.metadata, v.voided_at IS NOT NULL AS is_void, v.reason,
           x.explanation
    FROM (SELECT row_number() OVER () AS place, r.* FROM (
        SELECT * FROM (SELECT p.*, l.* {lines}) r {order} LIMIT %(limit)s OFFSET %(offset)s) r
    ) r
    LEFT JOIN ledger_numbervoided v ON v.tenant = %(tenant)s AND v.entry_id = r.entry
    LEFT JOIN LATERAL (
        SELECT x.explanation FROM ledger_gapexplained x
        WHERE x.tenant = %(tenant)s AND (x.entry_id = r.entry OR x.adopted_gap_id = r.hole)
        ORDER BY x.id + 0 DESC LIMIT 1
    ) x ON true
    ORDER BY r.place
"""


@page()
def register(request: HttpRequest, access: Access) -> HttpResponse:
    """Every number of a tenant, or of one series, month or span of dates."""
    tenant = access.chosen_tenant(request)
    asked, dates = Asked(request, "register"), asked_dates(request)
    series = list(Series.objects.filter(tenant=tenant).order_by("code").values_list("code", flat=True))
    wanted: dict[str, Any] = {
        "tenant": tenant,
        "series": asked.choice("series", ["", *series]),
        "text": asked.text("q"),
        "state": asked.choice("state", tuple(STATES)),
        "since": dates.since,
        "until": dates.until,
    }
    sort = asked.sort(_SORTS)
    headings = asked.headings(_COLUMNS, _SORTS, sort)
    statement = f"SELECT count(*) FROM (SELECT 1 {_lines(wanted)} LIMIT {_MOST}) n"  # noqa: S608
    [(count,)] = fetch(router.db_for_read(Entry), statement, wanted)
    table = asked.rows(count, lambda offset, limit: _read(wanted, sort, offset, limit), headings)
    of_these = {"tenant": tenant or None, "series": wanted["series"] or None, **dates.kept}
    context = {
        "table": table,
        "wanted": wanted,
        "dates": dates,
        "series": series,
        "states": list(STATES),
        "files": [(word(one.title), address("register_file", one.name, **of_these)) for one in formats().values()],
        "package": address("package", tenant=tenant or None, **dates.kept),
    }
    return render_page(request, access, "register.html", context, tenant=tenant, title=_("Register"))


def _read(wanted: Mapping[str, Any], sort: str, offset: int, limit: int) -> list[dict[str, Any]]:
    way = "DESC" if sort.startswith("-") else "ASC"
    order = _SORTS[sort.lstrip("-")].format(way)
    # Read no more of each kind than the page could show.
    narrows = wanted["state"] != "all" or any(wanted[name] for name in ("text", "since", "until"))
    stop = "" if order or narrows else f"ORDER BY 1 {way} LIMIT %(reach)s"
    statement = _PAGE.format(lines=_lines(wanted, way, stop), order=f"ORDER BY {order}" if order else "")
    rows = {"limit": limit, "offset": offset, "reach": offset + limit}
    return [_line(row) for row in fetch(router.db_for_read(Entry), statement, {**wanted, **rows})]


def _lines(wanted: Mapping[str, Any], way: str = "ASC", stop: str = "") -> str:
    """Run our SQL with the conditions that the filters need; typed values are passed as parameters."""
    lines = _LINES.format(way=way, stop=stop, state=STATES[wanted["state"]].format(void=_VOID))
    if wanted["text"]:
        lines += f" AND {_HAS_TEXT}"
    return lines if wanted["since"] is None and wanted["until"] is None else f"{lines} AND {_IN_DATES}"


def _line(row: Any) -> dict[str, Any]:
    """A number and what became of it; or missing values, ``first`` to ``last``, both inclusive."""
    is_missing = row.kind in ("gap", "hole")
    alive = row.kind if row.kind in ("reserved", "free") else "valid"
    cause = word(facts(row.metadata).get("cause", "")) if row.kind == "gap" else ""
    numbers = NumberFormat(row.prefix, row.width, row.suffix)
    told: dict[str, Any] = row._asdict()
    return told | {
        "number": row.number or numbers.shown(row.first),
        "last_number": "" if row.last == row.first else numbers.shown(row.last),
        "state": "missing" if is_missing else "void" if row.is_void else alive,
        "issued_on": None if is_missing else row.issued_on,
        "why": cut(str(row.reason or row.explanation or cause)),
    }
