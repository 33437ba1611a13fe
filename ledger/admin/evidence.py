"""The evidence of a gap, to whom it was declared, and what callers passed along with a number, for people to read."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.admin import AdminSite
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ledger.admin.base import link_to
from ledger.models import GapDeclared
from ledger.unreadable import cut
from ledger.words import moment_told, word

#: Characters of one fact on a page.
_LONGEST = 5000


def shown_metadata(metadata: Mapping[str, Any]) -> SafeString | str:
    """Metadata as the caller passed them."""
    if not metadata:
        return "–"
    return format_html("<pre>{}</pre>", cut(json.dumps(metadata, indent=2, ensure_ascii=False), _LONGEST))


def shown_evidence(evidence: Any) -> SafeString | str:
    """The evidence of a gap, one line for each fact; what can't be read as evidence is shown as it is."""
    if not evidence:
        return "–"
    if not isinstance(evidence, Mapping):
        return cut(str(evidence), _LONGEST)
    facts = ((word(name.replace("_", " ")), _fact(name, fact)) for name, fact in evidence.items())
    return format_html('<dl class="ledger-evidence">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", facts))


def shown_declarations(tenant: str, period: int, first: int, last: int, site: AdminSite) -> SafeString | str:
    """To which authorities values of a period were declared, with the way to each declaration."""
    found = GapDeclared.objects.filter(tenant=tenant, period=period, first_value__lte=last, last_value__gte=first)
    told = (
        (link_to(event, event, site), moment_told(event.declared_at), event.justification)
        for event in found.order_by("pk")
    )
    return format_html_join("", "<p>{}, {} {}</p>", told) or "–"


def _fact(name: str, fact: Any) -> SafeString | str:
    if isinstance(fact, Mapping):
        return shown_evidence(fact)
    if name.endswith("_at") and isinstance(fact, str) and (moment := _moment(fact)) is not None:
        return moment
    if fact is None or fact == "":
        return "–"
    return cut(fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False), _LONGEST)


def _moment(text: str) -> str | None:
    """A time as PostgreSQL wrote it, in the reader's zone; None for anything else."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment_told(moment) if moment is not None and moment.tzinfo is not None else None
