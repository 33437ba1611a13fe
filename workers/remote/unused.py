"""Cancels unused drafts in the accounting system, so that nothing is left open at the end of the year."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from ledger import remote
from ledger.durability import wait_for_flush
from ledger.models import Allocation, DraftMade, Period
from ledger.remote import Unused
from ledger.remote.drafts import reference
from workers.accounting import systems
from workers.accounting.base import AccountingSystem, RemoteInvoice, State
from workers.accounting.errors import AccountingError, AuthenticationFailed, Misconfigured
from workers.accounting.http_options import HttpOptions


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The outcome for one unused draft: "cancelled", "gone" (it was before), "used" by somebody there, or "failed"."""

    unused: Unused
    outcome: str
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return self.unused.as_dict() | {"outcome": self.outcome, "error": self.error}


def cancel_unused(
    system: str,
    *,
    tenant: str | None = None,
    series: str | None = None,
    day: date | None = None,
    by: Any = None,
    http_options: HttpOptions | None = None,
    using: str,
    tell: Callable[[Unused], None] = lambda one: None,
) -> Iterator[Cancelled]:
    """Cancel the unused drafts there, one after the other, and note each; noted drafts are not asked for again.

    A draft that somebody has posted or used for another document is left alone. An error of one draft doesn't stop the
    others; an error that would meet all of them (credentials, limits, no connection) is raised.
    """
    wanted: dict[str, Any] = {"tenant": tenant, "series": series, "day": day}
    with closing(systems.connect(system, http_options)) as books:
        _keep_strays(books, system, wanted, using)
        drafts = list(remote.unused(system, **wanted, using=using))
        # A crash must not bring back the slot of a draft that was cancelled there.
        wait_for_flush(using)
        for one in drafts:
            tell(one)
            try:
                yield _cancel(books, one, by, using)
            except AccountingError as error:
                if error.retryable or isinstance(error, (AuthenticationFailed, Misconfigured)):
                    raise
                yield Cancelled(one, "failed", str(error))


def _cancel(books: AccountingSystem, one: Unused, by: Any, using: str) -> Cancelled:
    there = _find(books, one.draft)
    if there is None or there.state in (State.VOID, State.DELETED):
        remote.note_cancelled(one.draft, state=State.DELETED if there is None else there.state, by=by, using=using)
        return Cancelled(one, "gone")
    if there.state is not State.DRAFT or (one.draft.reference and there.reference != one.draft.reference):
        return Cancelled(one, "used")
    now = books.cancel(there.remote_id)
    remote.note_cancelled(one.draft, state=now.state, by=by, using=using)
    return Cancelled(one, "cancelled")


def _find(books: AccountingSystem, draft: DraftMade) -> RemoteInvoice | None:
    """The draft, by its reference, or by its number if somebody changed the reference; None if it is gone."""
    for wanted in ({"reference": draft.reference}, {"number": draft.number}):
        for each in books.find(**wanted) if all(wanted.values()) else ():
            if draft.is_keyless or each.remote_id == draft.remote_id:
                return each
    return None


def _keep_strays(books: AccountingSystem, system: str, wanted: dict[str, Any], using: str) -> None:
    """Note the drafts whose worker was killed before it could store them, in periods that are no longer refilled.

    One request for each period. Without a day, closed periods count if they were closed within the last 400 days.
    """
    left = Q(closed_at__isnull=False) | ~Q(series__allocation=Allocation.REMOTE) | ~Q(series__system=system)
    periods = Period.objects.using(using).select_related("series").filter(left, has_drafts=True)
    if (day := wanted["day"]) is None:
        periods = periods.filter(Q(closed_at__isnull=True) | Q(closed_at__gt=Now() - timedelta(days=400)))
    only = {"tenant": wanted["tenant"], "series__code": wanted["series"], "starts_on__lte": day, "ends_on__gte": day}
    periods = periods.filter(**{name: value for name, value in only.items() if value is not None})
    for period in periods.order_by("pk"):
        drafts = DraftMade.objects.using(using).filter(tenant=period.tenant, period=period, system=system)
        last = drafts.order_by("-ordinal").first()
        if last is None:
            continue
        ordinal = last.ordinal + 1
        for stray in books.find(reference=reference(period.tenant, period.series.code, period.starts_on, ordinal)):
            if not drafts.filter(remote_id=stray.remote_id).exists():
                remote.keep_stray(
                    period, ordinal=ordinal, system=system, remote_id=stray.remote_id, number=stray.number, using=using
                )
                ordinal += 1
