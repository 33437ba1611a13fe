"""What differs between the ledger and accounting systems, and acknowledging it with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from ledger.actions import acknowledge
from ledger.localization import lazily as _, quantity, to_translate, word
from ledger.models import FindingAcknowledged, FindingKind, FindingRaised, FindingResolved
from ledger.unreadable import cut
from ledger.web.access import Access, page
from ledger.web.confirming import acknowledging
from ledger.web.page import render_page
from ledger.web.query_string import Asked, asked_dates

_COLUMNS = {
    "number": _("Number"),
    "kind": _("What differs"),
    "system": _("System"),
    "raised": _("Raised"),
    "state": _("State"),
    "reason": _("Acknowledged because"),
}
_SORTS = {"raised": "pk", "number": "subject", "system": "system"}
#: How many documents of the system are shown beside the number.
_MOST_THERE = 3
_STATES = (to_translate("unresolved"), to_translate("acknowledged"), to_translate("resolved"), to_translate("all"))

#: What the page calls the states of a document there.
_REMOTE_STATES = {"posted": _("valid"), "void": _("void"), "draft": _("draft")}


@page("view_findingraised")
def findings(request: HttpRequest, access: Access) -> HttpResponse:
    tenant = access.chosen_tenant(request)
    asked = Asked(request, "findings")
    kinds = [("", _("any difference")), *((key, word(label)) for key, label in FindingKind.choices)]
    found = _filtered(request, tenant)
    sort = asked.sort(_SORTS, "-raised")
    column = _SORTS[sort.lstrip("-")]
    ordered = found.select_related("entry").order_by(f"-{column}" if sort.startswith("-") else column, "-pk")
    table = asked.rows_of(ordered, asked.headings(_COLUMNS, _SORTS, sort), lambda one: (one, sides(one)))
    context = {
        "table": table,
        "state": asked.choice("state", _STATES),
        "states": _STATES,
        "kind": asked.text("kind"),
        "kinds": kinds,
        "text": asked.text("q"),
        "dates": asked_dates(request),
        **asked.choosing(),
        "may_acknowledge": access.may("acknowledge_finding"),
        "may_read_books": access.may("read_books"),
    }
    return render_page(request, access, "findings.html", context, tenant=tenant, title=_("Findings"))


@page("view_findingraised", does="acknowledge_finding")
def acknowledge_findings(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why these findings may stand, and appends the answer to each."""
    return acknowledging(request, access, FindingRaised, FindingAcknowledged, acknowledge, "finding", _asked, _open)


def _asked(count: int) -> str:
    return ngettext("Acknowledge a finding", "Acknowledge %(n)s findings", count) % {"n": quantity(count)}


def _filtered(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    """What the page shows; business dates are those of the numbers."""
    asked = Asked(request, "findings")
    state, kind = asked.choice("state", _STATES), asked.text("kind")
    found = asked_dates(request).filter(with_state(FindingRaised.objects.filter(tenant=tenant)), "entry__issued_on")
    if state == "resolved":
        found = found.filter(is_resolved=True)
    elif state != "all":
        found = found.filter(is_resolved=False, is_acknowledged=state == "acknowledged")
    if kind in FindingKind.values:
        found = found.filter(kind=kind)
    if text := asked.text("q"):
        found = found.filter(number__istartswith=text) | found.filter(document=text)
    return found


def _open(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    return _filtered(request, tenant).filter(is_resolved=False)


@dataclass(frozen=True, slots=True)
class Side:
    """One fact on both sides: ``there`` is that of each document there, and whether it differs from ``here``."""

    title: str
    here: str
    there: tuple[tuple[str, bool], ...]


def sides(finding: FindingRaised) -> tuple[Side, ...]:
    """The same facts in the ledger and in the documents there; empty where the finding has no such facts."""
    facts = finding.facts if isinstance(finding.facts, Mapping) else {}
    here, there = facts.get("here") or {}, facts.get("there") or []
    if not all(isinstance(one, Mapping) for one in ([here, *there] if isinstance(there, list) else [None])):
        return ()
    state = "" if not here else _("void") if here.get("void") else _("valid")
    pairs = (
        (_("Its key"), "", "remote_id"),
        (_("Number"), _text(here.get("number")), "number"),
        (_("Business date"), _text(here.get("issued_on")), "issued_on"),
        (_("Document"), _text(here.get("document")), "reference"),
        (_("State"), state, "state"),
    )
    found = []
    for title, mine, key in pairs:
        theirs = [_text(one.get(key)) for one in there[:_MOST_THERE]]
        if key == "state":
            theirs = [_REMOTE_STATES.get(text, text) for text in theirs]
        if not any((mine, *theirs)):
            continue
        told = tuple((text, bool(mine and text and text.upper() != mine.upper())) for text in theirs)
        found.append(Side(title, mine, told))
    return tuple(found)


def _text(fact: Any) -> str:
    return "" if fact is None else cut(str(fact), 200)


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
