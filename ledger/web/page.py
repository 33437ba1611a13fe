"""The frame of every page: the tenant, how its numbers stand, and the menu."""

from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger.judging import Judgement, judge
from ledger.sweeps.health import health
from ledger.web.access import MOST_TENANTS, Access, access_of


def judged(tenant: str | None, using: str | None = None) -> Judgement:
    """The verdict on a tenant, or on all. It includes the sweeps, since the pages show what they found."""
    return judge(tenant=tenant, sweeps=health(using=using), using=using)


def render_page(
    request: HttpRequest,
    access: Access,
    template: str,
    context: dict[str, Any],
    *,
    tenant: str | None,
    title: Any,
    judgement: Judgement | None = None,
) -> TemplateResponse:
    """The page of one tenant, or of the whole ledger where ``tenant`` is None.

    Every page shows the verdict on it; pass ``judgement`` if the page has it already.
    """
    choices = access.choices() if tenant is not None else []
    if judgement is None:
        judgement = judged(tenant)
    around = {
        # The host project may lack the context processors.
        "request": request,
        "user": access.user,
        "messages": get_messages(request),
        "title": title,
        "verdict": judgement.verdict,
        "tenant": tenant,
        "tenants": choices[:MOST_TENANTS],
        "many_tenants": len(choices) > MOST_TENANTS,
        "navigation": _navigation(request, access, tenant),
    }
    return TemplateResponse(request, f"ledger/{template}", context | around)


def address(name: str, *args: Any, **query: Any) -> str:
    """The address of a page; parameters that are None are left out."""
    return reverse(f"ledger:{name}", args=args, query={key: value for key, value in query.items() if value is not None})


def _navigation(request: HttpRequest, access: Access, tenant: str | None) -> list[dict[str, Any]]:
    pages = [("overview", _("Overview"), "view_entry"), ("register", _("Register"), "view_entry")]
    pages += [("gaps", _("Gaps"), "view_entry")]
    pages += [("alarms", _("Alarms"), "view_entry"), ("ranges", _("Ranges"), "view_entry")]
    pages += [("findings", _("Findings"), "view_findingraised"), ("workers", _("Workers"), "view_sweeprun")]
    here = request.resolver_match.url_name if request.resolver_match else ""
    found = []
    for name, title, permission in pages:
        seen = access_of(access.user, permission)
        if seen.tenants is None or (name != "workers" and seen.tenants):
            url = address(name) if name == "workers" else address(name, tenant=tenant or None)
            found.append({"title": title, "url": url, "here": name == here})
    return found
