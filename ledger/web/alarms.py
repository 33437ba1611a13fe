"""Alarms: what looks at the ledger have found, until a later look no longer finds it; and acknowledging them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from ledger.actions import acknowledge_alarm
from ledger.models import AlarmAcknowledged, AlarmRaised
from ledger.verification.alarms import ACKNOWLEDGEABLE, with_state
from ledger.web.access import Access, page
from ledger.web.confirming import acknowledging
from ledger.web.page import render_page
from ledger.web.rows import Asked, kept
from ledger.words import quantity

_COLUMNS = {
    "raised": _("Raised"),
    "place": _("Where"),
    "problem": _("What is wrong"),
    "remedy": _("What to do"),
    "state": _("State"),
    "reason": _("Acknowledged because"),
}
_SORTS = {"raised": "pk"}
_STATES = (gettext_noop("unresolved"), gettext_noop("acknowledged"), gettext_noop("resolved"), gettext_noop("all"))


@page()
def alarms(request: HttpRequest, access: Access) -> HttpResponse:
    """The alarms of one tenant, with those that concern all tenants; the latest first."""
    tenant = access.choose(request)
    asked = Asked(request, "alarms")
    found = _filtered(request, tenant)
    sort = asked.sort(_SORTS, "-raised")
    ordered = found.order_by("-pk" if sort.startswith("-") else "pk")
    table = asked.rows(
        found.count(),
        lambda offset, limit: list(ordered[offset : offset + limit]),
        asked.headings(_COLUMNS, _SORTS, sort),
    )
    context = {
        "table": table,
        "state": asked.choice("state", _STATES),
        "states": _STATES,
        "text": asked.text("q"),
        "acknowledgeable": ACKNOWLEDGEABLE,
        "kept": kept(request, "alarms"),
        "all_chosen": asked.text("choose") == "page",
        "choose_url": asked.url(choose="page"),
        "may_acknowledge": access.may("acknowledge_alarm"),
    }
    return render_page(request, access, "alarms.html", context, tenant=tenant, title=_("Alarms"))


@page(does="acknowledge_alarm", methods=("GET", "HEAD", "POST"))
def acknowledge_alarms(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why what these alarms found may stand, and appends what was said to each."""
    return acknowledging(request, access, AlarmRaised, AlarmAcknowledged, acknowledge_alarm, "alarm", _asked, _open)


def _asked(count: int) -> str:
    return ngettext("Acknowledge an alarm", "Acknowledge %(n)s alarms", count) % {"n": quantity(count)}


def _filtered(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    asked = Asked(request, "alarms")
    state = asked.choice("state", _STATES)
    found: QuerySet[Any] = with_state(AlarmRaised.objects.filter(Q(tenant=tenant) | Q(tenant=None)))
    if state == "resolved":
        found = found.filter(resolved_at__isnull=False)
    elif state != "all":
        found = found.filter(resolved_at=None, acknowledged_at__isnull=state == "unresolved")
    if text := asked.text("q"):
        found = found.filter(problem__icontains=text) | found.filter(kind=text) | found.filter(number=text)
    return found


def _open(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    return _filtered(request, tenant).filter(tenant=tenant, resolved_at=None, kind__in=ACKNOWLEDGEABLE)
