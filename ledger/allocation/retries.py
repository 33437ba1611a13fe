"""Whether documents have their numbers already, where the period would give out no more."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.allocation.interface import Request
from ledger.models import Entry


def all_numbered(alias: str, request: Request, documents: Sequence[str]) -> bool:
    """Whether each of ``documents``, all different, has a number: a retry asks for no open period."""
    entries = Entry.objects.using(alias).filter(
        tenant=request.tenant,
        series__tenant=request.tenant,
        series__code=request.series,
        document__in=documents,
        replaces=None,  # the first one of each
    )
    return entries.count() == len(documents)
