"""Acknowledging a finding: an event that says why the difference may stand."""

from typing import Any

from ledger.cursors import fetch_value
from ledger.database_errors import translate_database_errors
from ledger.databases import database_of, expect, same_row
from ledger.errors import ReconciliationError
from ledger.homes import find_at_home
from ledger.keys import actor_name, reason_text
from ledger.models import FindingAcknowledged, FindingRaised, FindingResolved
from ledger.reconciliation import Finding
from ledger.sql import ACKNOWLEDGE


def acknowledge(
    finding: Finding | FindingRaised | int, *, reason: str, by: Any = None, using: str | None = None
) -> FindingAcknowledged:
    """Append FindingAcknowledged for an unresolved finding, and return it. ``finding`` may be its id.

    If the last acknowledgement has the same reason and person, it is returned. Raises ReconciliationError if there is
    no such finding or it is resolved, and InvalidReason.
    """
    expect(finding, (Finding, FindingRaised, int), "finding", "Pass a finding of findings(), or its id.")
    alias = database_of(finding, FindingAcknowledged, using)
    text, actor = reason_text(reason), actor_name(by)
    if isinstance(finding, FindingRaised):
        same_row(finding, alias)
    pk = finding if isinstance(finding, int) else finding.id
    look = FindingRaised.objects.using(alias).filter(pk=pk).first
    raised = look() if isinstance(finding, int) else find_at_home(alias, finding.tenant, look)
    if raised is None or (isinstance(finding, Finding) and raised.tenant != finding.tenant):
        raise ReconciliationError(
            f"There is no finding {pk}.",
            rule="A finding is acknowledged by its id.",
            remedy="manage.py ledger_reconcile findings shows all that are unresolved.",
        )
    if FindingResolved.objects.using(alias).filter(tenant=raised.tenant, finding=pk).exists():
        raise ReconciliationError(
            f"The finding {pk} ({raised}) is resolved.",
            rule="Only an unresolved finding can be acknowledged.",
            remedy="There is nothing to do.",
        )
    said = FindingAcknowledged.objects.using(alias).filter(tenant=raised.tenant, finding=pk)
    last = said.order_by("-pk").first()
    if last is not None and (last.reason, last.actor) == (text, actor):
        last.repeated = True
        return last
    with translate_database_errors("of this finding", wanted="an acknowledgement needs"):
        return said.get(pk=fetch_value(alias, ACKNOWLEDGE, [raised.tenant, [raised.pk], text, actor]))
