"""Which rules of the ledger hold. An alarm stays until a check no longer finds it; people can acknowledge it."""

from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from ledger.actions import acknowledge_alarm
from ledger.localization import lazily as _, quantity, to_translate
from ledger.models import AlarmAcknowledged, AlarmRaised, SweepRun
from ledger.verification.alarms import ACKNOWLEDGEABLE, with_state
from ledger.web.access import Access, page
from ledger.web.confirming import acknowledging
from ledger.web.page import render_page
from ledger.web.query_string import Asked

_COLUMNS = {
    "raised": _("Raised"),
    "place": _("Where"),
    "problem": _("What is wrong"),
    "remedy": _("What to do"),
    "state": _("State"),
    "reason": _("Acknowledged because"),
}
_SORTS = {"raised": "pk"}
#: What must always hold, by the number that alarms and ``ledger_verify`` name: "What is proven" in the docs.
_RULES = {
    1: _("Every value has exactly one entry, or is known to be waiting or left out."),
    2: _("The counter stands at the highest value that was taken from it."),
    3: _("One document has one number, and one number one document."),
    4: _("Every number that a caller was told is in the ledger, and every number in it was asked for."),
    5: _("A void names one number that was given out before, and each number has one void at most."),
    6: _("A value that was flagged as a gap is never given to a document."),
    7: _("Nothing is added to a closed period."),
    8: _("What was written never changes and never goes away."),
    9: _("No reservation waits for longer than a sweep lets it."),
}
_STATES = (to_translate("unresolved"), to_translate("acknowledged"), to_translate("resolved"), to_translate("all"))


@page()
def alarms(request: HttpRequest, access: Access) -> HttpResponse:
    """The alarms of one tenant and those about all tenants, the latest first."""
    tenant = access.chosen_tenant(request)
    asked = Asked(request, "alarms")
    found = _filtered(request, tenant)
    sort = asked.sort(_SORTS, "-raised")
    ordered = found.order_by("-pk" if sort.startswith("-") else "pk")
    table = asked.rows_of(ordered, asked.headings(_COLUMNS, _SORTS, sort))
    unresolved = _standing(tenant).filter(acknowledged_at=None).order_by()
    broken = dict(unresolved.values_list("rule").annotate(Count("pk")))
    looks = SweepRun.objects.filter(sweep="verify", error="", finished_at__isnull=False)
    context = {
        "table": table,
        "looked_at": looks.aggregate(last=Max("started_at"))["last"],
        "any_broken": bool(broken),
        "rules": [(rule, text, broken.get(rule, 0)) for rule, text in _RULES.items()],
        "rule": asked.text("rule"),
        "state": asked.choice("state", _STATES),
        "states": _STATES,
        "text": asked.text("q"),
        "acknowledgeable": ACKNOWLEDGEABLE,
        "may_acknowledge": access.may("acknowledge_alarm"),
        **asked.choosing(),
    }
    return render_page(request, access, "alarms.html", context, tenant=tenant, title=_("Alarms"))


@page(does="acknowledge_alarm")
def acknowledge_alarms(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks why these alarms may stand, and appends the answer to each."""
    return acknowledging(
        request, access, AlarmRaised, AlarmAcknowledged, acknowledge_alarm, "alarm", _asked, _acknowledgeable
    )


def _asked(count: int) -> str:
    return ngettext("Acknowledge an alarm", "Acknowledge %(n)s alarms", count) % {"n": quantity(count)}


def _filtered(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    asked = Asked(request, "alarms")
    state = asked.choice("state", _STATES)
    found = _standing(tenant) if state in ("unresolved", "acknowledged") else _concerning(tenant)
    if state == "resolved":
        found = found.filter(resolved_at__isnull=False)
    elif state != "all":
        found = found.filter(acknowledged_at__isnull=state == "unresolved")
    if (rule := asked.text("rule")) in map(str, _RULES):
        found = found.filter(rule=int(rule))
    if text := asked.text("q"):
        found = found.filter(problem__icontains=text) | found.filter(kind=text) | found.filter(number=text)
    return found


def _concerning(tenant: str) -> QuerySet[Any]:
    return with_state(AlarmRaised.objects.filter(Q(tenant=tenant) | Q(tenant=None)))


def _standing(tenant: str) -> QuerySet[Any]:
    return _concerning(tenant).filter(resolved_at=None)


def _acknowledgeable(request: HttpRequest, tenant: str) -> QuerySet[Any]:
    return _filtered(request, tenant).filter(tenant=tenant, resolved_at=None, kind__in=ACKNOWLEDGEABLE)
