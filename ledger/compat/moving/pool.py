"""The table of Lorikeet's recipe for external invoice IDs: its rows become the pool of a ``remote`` series."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router, transaction
from django.db.models.functions import Length

from ledger import remote
from ledger.adoption import refuse_other_settings
from ledger.compat.moving.counters import Moved
from ledger.compat.moving.history import History
from ledger.database_errors import translate_database_errors
from ledger.errors import AdoptionError, InvalidArgument, UnknownSeries
from ledger.keys import tenant_key
from ledger.models import Allocation, DraftMade, Period, Series
from ledger.models.series import NUMBER_LENGTH
from ledger.periods import open_period
from ledger.remote import Claim, Need
from ledger.series import define_series, find_series
from ledger.zones import today_in

#: The name of the model in the recipe.
RECIPE = "InvoiceID"


@dataclass(frozen=True, slots=True)
class Pool:
    """The recipe's table: ``model`` as app.Model, by default the only one that is called InvoiceID.

    Its primary key is the number; ``id_field`` names the field with the accounting system's own key, where that is
    another one. ``leave`` rows stay, the last ones, for checkouts of the old code.
    """

    model: str = ""
    id_field: str = ""
    leave: int = 0

    def find(self) -> type[models.Model]:
        """The model. Raises InvalidArgument if there is no such model, or no such field."""
        if self.leave < 0:
            raise InvalidArgument(
                f"{self.leave} rows can't be left.", rule="Rows are counted.", remedy="Pass 0 to take all of them."
            )
        label = self.model
        if not label:
            named = [model._meta.label for model in apps.get_models() if model.__name__ == RECIPE]
            if len(named) != 1:
                raise InvalidArgument(
                    f"{', '.join(named) or 'No model'} is called {RECIPE}.",
                    rule="The invoice IDs are the rows of one model; without its name, of the one that the recipe has.",
                    remedy=f"Name it: --pool shop.{RECIPE}.",
                )
            label = named[0]
        try:
            model = apps.get_model(label)
            if self.id_field:
                model._meta.get_field(self.id_field)
        except (LookupError, ValueError, FieldDoesNotExist) as error:
            raise InvalidArgument(
                f"{label!r} can't be the pool: {error}",
                rule="The invoice IDs are the rows of a model of one of INSTALLED_APPS.",
                remedy="Name it like --pool shop.InvoiceID, and the field with the accounting system's own key, if "
                "there is one, like --id-field xero_id.",
            ) from error
        return model


@dataclass(frozen=True, slots=True)
class TakenOver:
    """How many invoice IDs came into the pool, how many were left there, and how many a checkout of the recipe held.

    ``in_flight`` is None if nothing was locked, since then nobody knows.
    """

    numbers: int
    left: int = 0
    in_flight: int | None = None


def move_pool(
    pool: Pool,
    series: str,
    settings: dict[str, Any],
    *,
    tenant: str = "",
    on: date | None = None,
    history: History | None = None,
    alias: str = "",
    explain_gaps: str | None = None,
    by: str = "",
    apply: bool = True,
) -> tuple[list[Moved], TakenOver]:
    """Adopt the numbers of orders, if ``history`` says where they are, and move the recipe's rows into the pool.

    All or nothing is moved. Shorter numbers come first, then by text. Rows that a checkout holds stay where they are,
    so run it again when the old code is gone; with a history, it waits for checkouts under way. ``on`` is a day in the
    period of the pool, by default today. ``settings`` (with ``system``) create the series if it doesn't exist. Without
    ``apply`` no row of the shop is locked, since the recipe's checkouts would skip it, and all is rolled back.

    Raises UnknownSeries or InvalidArgument; AdoptionError if the series isn't remote, a worker is refilling its pool,
    or a number can't be taken: the ledger has it, or it isn't above the highest of the history.
    """
    alias = alias or router.db_for_write(DraftMade)
    model = pool.find()
    if history is not None:
        history.check()
        if history.org_field is not None:
            raise InvalidArgument(
                f"The numbers of {history.model} can't be told apart by {history.org_field!r}.",
                rule="One pool is one tenant's.",
                remedy="Leave --org-field out, and name the tenant: --tenant KEY.",
            )
    with translate_database_errors(series), transaction.atomic(using=alias):
        if apply and history is not None:
            history.lock(alias)  # as the old checkout does: first the order, then the invoice ID
        found = _remote_series(alias, series, tenant_key(tenant), settings)
        claim = remote.claim(found, using=alias)
        if claim is None:
            raise AdoptionError(
                f"A worker is just refilling the pool of series {series!r}.",
                rule="Only one at a time puts drafts into a pool, so that their order is certain.",
                remedy="Run it again in a minute.",
            )
        moved = _adopt(alias, found, history, explain_gaps, by)
        taken = _take_over(alias, pool, model, claim, on, history if moved else None, apply=apply)
        remote.release(claim, using=alias)
        if not apply:
            transaction.set_rollback(True, using=alias)
    return moved, taken


def _adopt(alias: str, series: Series, history: History | None, explain_gaps: str | None, by: str) -> list[Moved]:
    if history is None:
        return []
    result = history.adopt(alias, series.tenant, series.code, {}, explain_gaps, by)
    if result is None:
        return []
    # The next number is a draft's, so the counter doesn't tell it.
    last = result.periods[-1].last_value
    return [Moved(series.tenant, series.code, "moved", result.rows, result.missing, last)]


def _take_over(
    alias: str,
    pool: Pool,
    model: type[models.Model],
    claim: Claim,
    on: date | None,
    history: History | None,
    *,
    apply: bool,
) -> TakenOver:
    rows = model._base_manager.using(alias)
    wanted = rows.order_by(Length("pk"), "pk")
    if pool.leave:
        last = rows.order_by(Length("pk").desc(), "-pk").values_list("pk", flat=True)[: pool.leave]
        wanted = wanted.exclude(pk__in=list(last))
    taken = list(wanted.select_for_update(skip_locked=True) if apply else wanted)
    period = open_period(claim.series, on or today_in(claim.series.time_zone, alias), using=alias)
    if history is not None:
        _refuse_below(claim.series, period, [str(row.pk) for row in taken], history.pattern)
    place = {"period": period.pk, "starts_on": period.starts_on, "ends_on": period.ends_on}
    need = Need(**place, drafts_on=period.starts_on, is_current=True, free=0, wanted=0, last_ordinal=0, exhausted=False)
    last_ordinal = DraftMade.objects.using(alias).filter(period=period).aggregate(last=models.Max("ordinal"))["last"]
    for ordinal, row in enumerate(taken, 1 + (last_ordinal or 0)):
        _store(claim, need, ordinal, str(row.pk), str(getattr(row, pool.id_field or "pk")), alias)
    if not apply:
        return TakenOver(len(taken), rows.count() - len(taken))
    rows.filter(pk__in=[row.pk for row in taken]).delete()
    remaining = rows.count()
    left = min(pool.leave, remaining)
    return TakenOver(len(taken), left, remaining - left)


def _refuse_below(series: Series, period: Period, numbers: list[str], pattern: str | None) -> None:
    """Refuse invoice IDs that aren't above the highest number of an order: their values count as missing by now."""
    if period.last_value < period.first_value:  # no order of this period has a number
        return
    compiled = series.as_template().pattern() if pattern is None else re.compile(pattern)
    for number in numbers:
        found = compiled.fullmatch(number)
        if found is None:
            raise AdoptionError(
                f"The invoice ID {number!r} does not match the pattern {compiled.pattern}.",
                rule="The counter tells which numbers come after those of the orders.",
                remedy="Correct the --pattern, which holds for the orders and for the invoice IDs.",
            )
        if int(found["counter"]) <= period.last_value:
            raise AdoptionError(
                f"The invoice ID {number!r} is free, and the highest counter of an order is {period.last_value}.",
                rule="A series never goes on below the highest used number.",
                remedy="Let checkouts of the old code use it up; or cancel it in the accounting system, and delete its "
                "row. Then move again.",
            )


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


def _remote_series(alias: str, code: str, tenant: str, settings: dict[str, Any]) -> Series:
    found = find_series(alias, tenant, code)
    if found is None:
        if "template" not in settings or "system" not in settings:
            raise UnknownSeries(
                f"Tenant {tenant!r} has no series {code!r}.",
                rule="The invoice IDs become the pool of a remote series, whose template says what they look like.",
                remedy="Let it be made: --template 'INV-{counter:04}' --calendar never --system NAME.",
            )
        return define_series(code, org=tenant, using=alias, allocation=Allocation.REMOTE, **settings)
    if found.allocation != Allocation.REMOTE or not found.is_active:
        raise AdoptionError(
            f"Series {code!r} is {found.allocation if found.is_active else 'switched off'}.",
            rule="Numbers that an accounting system gave can only be the pool of a remote series.",
            remedy=f"Run manage.py ledger_series allocate {code} remote --system NAME.",
        )
    refuse_other_settings(found, settings)
    return found
