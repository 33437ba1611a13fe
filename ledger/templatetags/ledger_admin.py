"""The banner on the admin's pages of the ledger."""

from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("ledger/admin/verdict.html", takes_context=True)
def ledger_verdict(context: Any) -> dict[str, Any]:
    """How the whole ledger stands, in the judge's word, and why."""
    # Here, since Django imports all tags with the first template, also in a host that has no admin.
    from ledger.admin.periods import judgement_for

    return {"verdict": judgement_for(context["request"]).verdict}
