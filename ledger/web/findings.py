"""What differs between the ledger and accounting systems, and acknowledging it with a reason."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from ledger.actions import acknowledge
from ledger.models import FindingAcknowledged, FindingKind, FindingRaised, FindingResolved
from ledger.web.access import Access, page
from ledger.web.confirming import acknowledging
from ledger.web.rows import Asked
from ledger.web.shown import shown

_COLUMNS = {
    "number": "Number",
    "kind": "What differs",
    "system": "System",
    "raised": "Raised",
    "state": "State",
    "reason": "Acknowledged because",
}
_SORTS = {"raised": "pk", "number": "subject", "system": "system"}
_STATES = ("open", "acknowledged", "resolved", "all")


@page("view_findingraised")
def findings(request: HttpRequest, access: Access) -> HttpResponse:
    """The findings of one tenant, the latest first."""
    tenant = access.choose(request)
    asked = Asked(request, "findings")
    state = asked.choice("state", _STATES)
    kinds = [("", "any difference"), *FindingKind.choices]
    kind = asked.choice("kind", [key for key, _ in kinds])
    found = with_state(FindingRaised.objects.filter(tenant=tenant))
    if state == "resolved":
        found = found.filter(is_resolved=True)
    elif state != "all":
        found = found.filter(is_resolved=False, is_acknowledged=state == "acknowledged")
    if kind:
        found = found.filter(kind=kind)
    if text := asked.text("q"):
        found = found.filter(number__istartswith=text) | found.filter(document=text)
    sort = asked.sort(_SORTS, "-raised")
    column = _SORTS[sort.lstrip("-")]
    ordered = found.select_related("entry").order_by(f"-{column}" if sort.startswith("-") else column, "-pk")
    table = asked.rows(
        found.count(),
        lambda offset, limit: list(ordered[offset : offset + limit]),
        asked.headings(_COLUMNS, _SORTS, sort),
    )
    context = {
        "table": table,
        "state": state,
        "states": _STATES,
        "kind": kind,
        "kinds": kinds,
        "text": asked.text("q"),
        "may_acknowledge": access.may("acknowledge_finding"),
    }
    return shown(request, access, "findings.html", context, tenant=tenant, title="Findings")


@page("view_findingraised", does="acknowledge_finding", methods=("GET", "HEAD", "POST"))
def acknowledge_findings(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why these findings may stand, and appends what was said to each."""
    return acknowledging(request, access, FindingRaised, FindingAcknowledged, acknowledge, "a finding")


def with_state(rows: QuerySet[FindingRaised]) -> QuerySet[Any]:
    its_own = {"tenant": OuterRef("tenant"), "finding": OuterRef("pk")}
    said = FindingAcknowledged.objects.filter(**its_own).order_by("-pk")
    annotated: QuerySet[Any] = rows.annotate(
        is_resolved=Exists(FindingResolved.objects.filter(**its_own)),
        is_acknowledged=Exists(said),
        reason=Subquery(said.values("reason")[:1]),
        said_by=Subquery(said.values("actor")[:1]),
    )
    return annotated
