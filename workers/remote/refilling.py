"""Refilling the pools of ``remote`` series: drafts are made in the accounting system, their numbers stored as slots.

One worker has a pool to himself (``ledger.remote.claim``), since the same draft must not be made twice. A draft is made
under a reference that its place gives it, and stored at once, in a short transaction of its own. A worker that is
killed in between leaves a draft which the next one finds by that reference; so does an answer that was lost, or a 500
that doesn't say whether the draft was made (``workers.accounting.base.make_once``).

Before that, he looks whether drafts that wait were deleted or used there (``workers.remote.looking``).
"""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

from ledger import remote
from ledger.conf import ledger_settings
from ledger.errors import LedgerError, PeriodExhausted
from ledger.models.series import NUMBER_LENGTH
from ledger.remote import Claim, Need
from ledger.remote.drafts import reference
from ledger.remote.pools import REFUSED_IN_A_ROW
from workers.accounting import errors, systems
from workers.accounting.base import AccountingSystem, NewInvoice, RemoteInvoice, State, WhoNumbers
from workers.accounting.http_options import HttpOptions
from workers.remote.looking import LOOK_EVERY, Counts, Pool, look

#: What concerns the whole system: there is no sense in going on with its next series.
_OF_THE_SYSTEM = (
    errors.Misconfigured,
    errors.AuthenticationFailed,
    errors.Unsupported,
    errors.RateLimited,
    errors.Unreachable,
    errors.ServerFault,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DraftOptions:
    """What the option ``drafts`` of a system says: how many, and what the accounting software wants to know of each."""

    least: int = 20
    most: int = 500
    customer: str = ""
    total: Decimal | None = None
    currency: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def options_of(system: systems.System) -> DraftOptions:
    given = system.option("drafts", {})
    known = {"least", "most", "customer", "total", "currency", "extra"}
    values = dict(given)
    problems = [f"has the unknown key {key!r}" for key in sorted(set(given) - known)]
    for name in ("least", "most"):
        count = values.get(name, 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            problems.append(f"has {count!r} for {name!r}, which is no count")
    if "total" in values:
        try:
            values["total"] = Decimal(str(values["total"]))
        except InvalidOperation:
            problems.append(f"has {values['total']!r} for 'total', which is no amount")
    if problems:
        rule = f"Its keys are {', '.join(sorted(known))}; 'least' and 'most' are counts of drafts."
        raise system.wrong(f"the option 'drafts' {' and '.join(problems)}", rule)
    return DraftOptions(**values)


def refill_system(
    alias: str, name: str, *, http_options: HttpOptions | None = None, look_every: timedelta = LOOK_EVERY
) -> dict[str, int]:
    """Refill the pools of the series that draft in the system ``name``; returns what was done, in drafts.

    What trying again may mend is noted in the pool and logged, and the next run tries again. What needs a person is
    raised as well, after the other series of the system had their turn. Call it outside a transaction.
    """
    counts = Counts()
    claims = [remote.claim(series, using=alias) for series in remote.remote_series(name, using=alias)]
    pools = [Pool(claim) for claim in claims if claim is not None]
    if not pools:
        return vars(counts)
    finished = False
    try:
        _work(alias, name, pools, counts, http_options, look_every)
        finished = True
    finally:
        for pool in pools:
            error = str(pool.error) if pool.error is not None else "" if finished else "The run was cut short."
            remote.release(pool.claim, error=error, needs_person=pool.needs_person, wanted=pool.wanted, using=alias)
    failed = [pool for pool in pools if pool.error is not None]
    counts.failed = len(failed)
    for pool in failed:
        level = logging.ERROR if pool.needs_person else logging.WARNING
        _log.log(level, "The pool of %s could not be refilled: %s", pool.claim.series, pool.error)
    for pool in failed:
        if pool.needs_person and pool.error is not None:
            raise pool.error
    return vars(counts)


def _work(
    alias: str, name: str, pools: list[Pool], counts: Counts, http_options: HttpOptions | None, look_every: timedelta
) -> None:
    """Everything that asks the network; what goes wrong is noted in the pools that it concerns."""
    # Ends by itself before Celery ends it; the next run goes on.
    deadline = time.monotonic() + 0.8 * ledger_settings().sweeps["refill_remote_pools"]["limit"]
    try:
        options = options_of(systems.system(name))
        system = systems.connect(name, http_options)
    except errors.AccountingError as error:
        _note(error, pools)
        return
    with closing(system):
        if not system.capabilities.drafts or WhoNumbers.AT_DRAFT not in system.capabilities.who_numbers:
            _note(_no_drafts(name), pools)
            return
        try:
            look(alias, system, pools, counts, look_every)
        except errors.AccountingError as error:
            _note(error, pools)
            if isinstance(error, _OF_THE_SYSTEM):
                return
        filling = _Filling(alias, system, options, counts, deadline)
        for place, pool in enumerate(pools):
            try:
                filling.fill_series(pool)
            except errors.AccountingError as error:
                _note(error, pools[place:] if isinstance(error, _OF_THE_SYSTEM) else [pool])
                if isinstance(error, _OF_THE_SYSTEM):
                    return
            except LedgerError as error:
                pool.error = error


def _note(error: errors.AccountingError, pools: list[Pool]) -> None:
    for pool in pools:
        pool.error = pool.error or error


@dataclass(frozen=True, slots=True)
class _Filling:
    """Making drafts. ``deadline`` is by the monotonic clock."""

    alias: str
    system: AccountingSystem
    options: DraftOptions
    counts: Counts
    deadline: float

    def fill_series(self, pool: Pool) -> None:
        claim = pool.claim
        for need in remote.needs(claim, least=self.options.least, most=self.options.most, using=self.alias):
            if need.is_current:
                pool.wanted = need.wanted
            if self.system.capabilities.numbers_by_clock and not need.is_current:
                continue  # its number would be one of today's period
            if not need.is_low:
                continue
            if need.exhausted:
                raise PeriodExhausted(
                    f"The counter of {str(claim.series)!r} is at its end in {need.starts_on} to {need.ends_on}.",
                    rule="A period has as many values as numbers of the series' template that keep its length limit.",
                    remedy="Open the series' next periods with a shorter template or a higher max_length.",
                )
            if need.is_stuck:
                raise _stuck(claim)
            if need.is_current and need.last_ordinal and need.free <= need.wanted // 4:
                told = (claim.series, need.free, claim.system, need.wanted)
                _log.warning("The pool of %s is low: %d drafts are free in %s, %d are wanted", *told)
            if not self.fill(claim, need):
                return

    def fill(self, claim: Claim, need: Need) -> bool:
        """Make the drafts that are missing; whether this run may go on: its time isn't over, and the claim holds."""
        made = refused = 0
        for ordinal in count(need.last_ordinal + 1):
            if made == need.wanted - need.free:
                return True
            if time.monotonic() > self.deadline:
                return False  # the next run goes on from here
            if not remote.renew(claim, using=self.alias):
                _log.warning("The pool of %s went to another worker meanwhile", claim.series)
                return False
            outcome, refusal, number = self.make(claim, need, ordinal)
            if outcome == "stored":
                made, refused = made + 1, 0
                self.counts.drafted += 1
            elif outcome == "refused":
                refused += 1
                self.counts.refused += 1
                why = refusal or "its number stands in the ledger already"
                told = (number, claim.series, claim.system, why)
                _log.warning("The draft %s of %s in %s is not for the pool: %s", *told)
                if refused == REFUSED_IN_A_ROW:
                    raise _stuck(claim)
            elif outcome == "over":
                self.counts.refused += 1
                return True
            elif outcome != "there":
                _log.warning("The pool of %s went to another worker meanwhile: %s", claim.series, outcome)
                return False
        raise AssertionError("counting doesn't end")

    def make(self, claim: Claim, need: Need, ordinal: int) -> tuple[str, str, str]:
        """Make one draft and store it: what became of it, why it was refused, and its number."""
        given = {name: value for name, value in vars(self.options).items() if name not in ("least", "most")}
        name = reference(claim.series.tenant, claim.series.code, need.starts_on, ordinal)
        draft = self.system.draft(NewInvoice(reference=name, issued_on=need.drafts_on, **given))
        _check_length(claim, draft)
        refusal = "" if draft.state is State.DRAFT else f"it is {draft.state} in the accounting system"
        if self.system.capabilities.numbers_by_clock and not refusal:
            refusal = misfit(draft.number, need.starts_on, need.ends_on)
        stored = {"remote_id": draft.remote_id, "number": draft.number, "refusal": refusal}
        return remote.store(claim, need, ordinal=ordinal, **stored, using=self.alias), refusal, draft.number


#: A year in a number, and a month behind it.
_DATED = re.compile(r"(?<!\d)((?:19|20|21)\d{2})(?:\W?(0[1-9]|1[0-2])(?!\d))?(?!\d)")


def misfit(number: str, starts_on: date, ends_on: date) -> str:
    """Why a number that bears another year or month can't be one of this period; empty where it can."""
    found = _DATED.search(number)
    if found is None:
        return ""
    year, month = int(found[1]), int(found[2] or 0)
    first, last = (year, month or 1), (year, month or 12)
    if first <= (ends_on.year, ends_on.month) and (starts_on.year, starts_on.month) <= last:
        return ""
    return f"its number bears {found[0]}, and the period is {starts_on} to {ends_on}"


def _stuck(claim: Claim) -> errors.NumberRefused:
    return errors.NumberRefused(
        f"{claim.system}: the last {REFUSED_IN_A_ROW} drafts for {str(claim.series)!r} could not be taken.",
        rule="A number stands in the ledger once, and a draft is one until it is stored; more are made an hour later.",
        remedy="See why in the admin, under drafts made. If the numbers stand in the ledger already, set the next "
        "number there beyond them; then cancel what is left over: manage.py ledger_drafts cancel.",
        system=claim.system,
    )


def _check_length(claim: Claim, draft: RemoteInvoice) -> None:
    """Refuse a number that is too long before it is stored: the draft is found again once somebody has mended that."""
    longest = min(claim.series.max_length, NUMBER_LENGTH)
    if len(draft.number) > longest:
        raise errors.NumberRefused(
            f"{claim.system}: the number {draft.number[:NUMBER_LENGTH]!r} has {len(draft.number)} characters.",
            rule=f"A number of series {str(claim.series)!r} has up to {longest}.",
            remedy=f"Raise the limit: define_series({claim.series.code!r}, max_length=…), up to {NUMBER_LENGTH}; or "
            "shorten the numbers there, and delete this draft.",
            system=claim.system,
        )


def _no_drafts(name: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"{name}: no drafts can be kept there as a pool of numbers.",
        rule="A remote series needs a system that numbers a draft when it is made.",
        remedy="Choose another allocation for the series: its numbers are pushed to the system, or read back.",
        system=name,
    )
