"""Lorikeet's invoice IDs from the ledger, in the checkout's own transaction::

    LORIKEET_INVOICE_ID_GENERATOR = "ledger.compat.lorikeet.invoice_id"
    LEDGER_LORIKEET = {"SERIES": "invoice", "ORG": ""}  # as here, if it is left out

The table that Lorikeet's recipe for external invoice IDs keeps is taken over as a pool: ``manage.py ledger_lorikeet``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, router, transaction
from django.db.models.functions import Length

from ledger import refusals, remote
from ledger.errors import AdoptionError
from ledger.issuing import issue
from ledger.keys import tenant_key
from ledger.models import Allocation, DraftMade, Series
from ledger.models.series import NUMBER_LENGTH
from ledger.periods import open_period
from ledger.remote import Claim, Need
from ledger.series import business_today, find_series

_DEFAULTS = {"SERIES": "invoice", "ORG": ""}


def invoice_id() -> str:
    """The next number of the series that LEDGER_LORIKEET names; how it is allocated, the series says.

    Lorikeet passes nothing, so the number is given to no document: a payment that fails rolls it back with the order.
    With ``at_commit`` the number is asked for at once, and the counter is locked until the checkout commits. Raises
    what ``issue`` raises: PoolExhausted, where the series is ``remote`` and no draft is free.
    """
    chosen = _chosen()
    return str(issue(chosen["SERIES"], org=chosen["ORG"]))


@dataclass(frozen=True, slots=True)
class TakenOver:
    """How many invoice IDs came into the pool, and how many a checkout of Lorikeet's recipe held just then."""

    numbers: int
    in_flight: int


def take_over(
    model: type[models.Model],
    *,
    series: str,
    org: Any = None,
    on: date | None = None,
    id_field: str = "",
    dry_run: bool = False,
    using: str | None = None,
) -> TakenOver:
    """Move the rows of ``model``, the recipe's ``InvoiceID``, into the pool of a ``remote`` series: all, or none.

    The primary key is the number; ``id_field`` names the field with the accounting system's own key, where that is
    another one. Shorter numbers come first, then as text. Rows that a checkout holds stay where they are, so run it
    again when the old code is gone. ``on`` picks the period, by default today's. ``dry_run`` moves nothing.

    Raises UnknownSeries; AdoptionError where the series isn't remote, a worker is just refilling its pool, or a number
    can't be taken.
    """
    alias = using or router.db_for_write(DraftMade)
    found = _remote_series(alias, series, org)
    with transaction.atomic(using=alias):
        claim = remote.claim(found, using=alias)
        if claim is None:
            raise AdoptionError(
                f"A worker is just refilling the pool of series {series!r}.",
                rule="Only one at a time puts drafts into a pool, so that their order is certain.",
                remedy="Run it again in a minute.",
            )
        everything = model._base_manager.using(alias)
        rows = list(everything.order_by(Length("pk"), "pk").select_for_update(skip_locked=True))
        need = _need(found, on, alias)
        first = 1 + (
            DraftMade.objects.using(alias).filter(period=need.period).aggregate(last=models.Max("ordinal"))["last"] or 0
        )
        for ordinal, row in enumerate(rows, first):
            _store(claim, need, ordinal, str(row.pk), str(getattr(row, id_field) if id_field else row.pk), alias)
        everything.filter(pk__in=[row.pk for row in rows]).delete()
        remote.release(claim, using=alias)
        result = TakenOver(len(rows), everything.count())
        if dry_run:
            transaction.set_rollback(True, using=alias)
    return result


def _store(claim: Claim, need: Need, ordinal: int, number: str, remote_id: str, alias: str) -> None:
    if len(number) > NUMBER_LENGTH:
        outcome = f"it has {len(number)} characters"
    else:
        outcome = remote.store(claim, need, ordinal=ordinal, remote_id=remote_id, number=number, borne="", using=alias)
    if outcome == "stored":
        return
    reasons = {
        "there": "its draft was taken over before",
        "refused": "the number stands in the ledger already",
        "over": "the period gives out no more",
    }
    raise AdoptionError(
        f"The invoice ID {number!r} can't come into the pool: {reasons.get(outcome, outcome)}.",
        rule="All invoice IDs are taken over, or none.",
        remedy="Find out who uses that number, and delete its row if it is used.",
    )


def _remote_series(alias: str, code: str, org: Any) -> Series:
    tenant = tenant_key(org)
    found = find_series(alias, tenant, code)
    if found is None:
        raise refusals.unknown_series(alias, tenant, code)
    if found.allocation != Allocation.REMOTE or not found.is_active:
        raise AdoptionError(
            f"Series {code!r} is {found.allocation if found.is_active else 'switched off'}.",
            rule="Numbers that an accounting system gave can only be the pool of a remote series.",
            remedy=f"Run manage.py ledger_series allocate {code} remote --system NAME.",
        )
    return found


def _need(series: Series, on: date | None, alias: str) -> Need:
    period = open_period(series, on or business_today(alias, series.time_zone), using=alias)
    return Need(
        period=period.pk,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        drafts_on=period.starts_on,
        is_current=True,
        free=0,
        wanted=0,
        last_ordinal=0,
        exhausted=False,
    )


def _chosen() -> Mapping[str, Any]:
    given: Mapping[str, Any] = getattr(settings, "LEDGER_LORIKEET", {})
    unknown = sorted(set(given) - set(_DEFAULTS))
    if unknown:
        raise ImproperlyConfigured(
            f"LEDGER_LORIKEET has unknown keys {', '.join(unknown)}; known are {', '.join(_DEFAULTS)}."
        )
    return {**_DEFAULTS, **given}
