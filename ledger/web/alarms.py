"""Alarms: what looks at the ledger have found, until a later look no longer finds it."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from ledger.models import AlarmRaised, AlarmResolved
from ledger.web.access import Access, page
from ledger.web.rows import Asked
from ledger.web.shown import shown

_COLUMNS = {
    "raised": "Raised",
    "place": "Where",
    "problem": "What is wrong",
    "remedy": "What to do",
    "state": "State",
}
_SORTS = {"raised": "pk"}
_STATES = ("open", "resolved", "all")


@page()
def alarms(request: HttpRequest, access: Access) -> HttpResponse:
    """The alarms of one tenant, with those that concern all tenants; the latest first."""
    tenant = access.choose(request)
    asked = Asked(request, "alarms")
    state = asked.choice("state", _STATES)
    found = _with_resolution(AlarmRaised.objects.filter(Q(tenant=tenant) | Q(tenant=None)))
    if state != "all":
        found = found.filter(resolved_at__isnull=state == "open")
    if text := asked.text("q"):
        found = found.filter(problem__icontains=text) | found.filter(kind=text) | found.filter(number=text)
    sort = asked.sort(_SORTS, "-raised")
    ordered = found.order_by("-pk" if sort.startswith("-") else "pk")
    table = asked.rows(
        found.count(),
        lambda offset, limit: list(ordered[offset : offset + limit]),
        asked.headings(_COLUMNS, _SORTS, sort),
    )
    context = {"table": table, "state": state, "states": _STATES, "text": asked.text("q")}
    return shown(request, access, "alarms.html", context, tenant=tenant, title="Alarms")


def _with_resolution(rows: QuerySet[AlarmRaised]) -> QuerySet[Any]:
    resolutions = AlarmResolved.objects.filter(alarm=OuterRef("pk")).values("resolved_at")[:1]
    annotated: QuerySet[Any] = rows.annotate(resolved_at=Subquery(resolutions))
    return annotated
