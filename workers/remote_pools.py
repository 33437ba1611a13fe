"""Refilling the pools of ``remote`` series: drafts are made in the accounting system, their numbers stored as slots.

One worker has a pool to himself (``ledger.remote.claim``), since the same draft must not be made twice. A draft is made
under a reference that its place gives it, and stored at once, in a short transaction of its own. A worker that is
killed in between leaves a draft which the next one finds by that reference.

Before that, he looks whether drafts that wait were deleted or used there: what changed since the last look, and
once a day each draft by itself, a few at a time, so that the look fits into a vendor's limits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from ledger import remote, sweeps
from ledger.errors import ConcurrencyError, LedgerError, PeriodExhausted
from ledger.models.series import NUMBER_LENGTH
from ledger.remote import Claim, Draft, Need
from ledger.remote.drafts import reference
from workers.accounting import credentials, systems
from workers.accounting.base import AccountingSystem, NewInvoice, RemoteInvoice, State, WhoNumbers
from workers.accounting.errors import (
    AccountingError,
    AuthenticationFailed,
    Misconfigured,
    NumberRefused,
    RateLimited,
    ServerFault,
    Unreachable,
    Unsupported,
)
from workers.accounting.plumbing import Plumbing

SWEEP = "refill_remote_pools"

#: How often changes in the accounting system are asked for, and each draft by itself; sooner where there is no list of
#: changes, or it leaves out what was deleted.
LOOK_EVERY = timedelta(minutes=5)
FULL_LOOK_EVERY = timedelta(days=1)
FULL_LOOK_SOONER = timedelta(hours=1)

#: So many drafts are looked at by themselves in one run.
_LOOKS = 20

#: What concerns the whole system: there is no sense in going on with its next series.
_OF_THE_SYSTEM = (Misconfigured, AuthenticationFailed, Unsupported, RateLimited, Unreachable, ServerFault)

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What a run did, in drafts; ``failed`` in series."""

    drafted: int = 0
    refused: int = 0
    withdrawn: int = 0
    in_flight: int = 0
    failed: int = 0

    def add(self, other: Counts) -> None:
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)


@dataclass
class _Pool:
    """One pool that this run has claimed, and how it does."""

    claim: Claim
    error: AccountingError | LedgerError | None = None
    wanted: int | None = None

    @property
    def needs_person(self) -> bool:
        if self.error is None or isinstance(self.error, ConcurrencyError):
            return False
        return not getattr(self.error, "retryable", False)


@dataclass(frozen=True)
class _Options:
    """What the option ``drafts`` of a system says: how many, and what the accounting software wants to know of each."""

    least: int = 20
    most: int = 500
    customer: str = ""
    total: Decimal | None = None
    currency: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def refill(alias: str) -> dict[str, int]:
    """Refill the pools of every system, one after the other. One that fails doesn't keep the others from theirs."""
    counts = Counts()
    errors: list[LedgerError] = []
    for name in remote.systems(using=alias):
        try:
            counts.add(_refill(alias, name))
        except LedgerError as error:
            errors.append(error)
    if errors:
        for other in errors[1:]:
            _log.error("%s", other)
        raise errors[0]
    return vars(counts)


def refill_system(
    alias: str, name: str, *, plumbing: Plumbing | None = None, look_every: timedelta = LOOK_EVERY
) -> dict[str, int]:
    """Refill the pools of the series that draft in the system ``name``; returns what was done, in drafts.

    What trying again may mend is noted in the pool and logged, and the next run tries again. What needs a person is
    raised as well, after the other series of the system had their turn. Call it outside a transaction.
    """
    return vars(_refill(alias, name, plumbing=plumbing, look_every=look_every))


def run_system(name: str) -> dict[str, int]:
    """``refill_system`` with a row of its own among the runs of the sweep."""
    return dict(sweeps.run(SWEEP, work=partial(refill_system, name=name)).counts)


def _refill(alias: str, name: str, *, plumbing: Plumbing | None = None, look_every: timedelta = LOOK_EVERY) -> Counts:
    counts = Counts()
    claims = [remote.claim(series, using=alias) for series in remote.remote_series(name, using=alias)]
    pools = [_Pool(claim) for claim in claims if claim is not None]
    if not pools:
        return counts
    finished = False
    try:
        _work(alias, name, pools, counts, plumbing, look_every)
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
    return counts


def _work(
    alias: str, name: str, pools: list[_Pool], counts: Counts, plumbing: Plumbing | None, look_every: timedelta
) -> None:
    """Everything that asks the network; what goes wrong is noted in the pools that it concerns."""
    try:
        options = _options(credentials.system(name))
        system = systems.connect(name, plumbing)
    except AccountingError as error:
        _note(error, pools)
        return
    with closing(system):
        if not system.capabilities.drafts or WhoNumbers.AT_DRAFT not in system.capabilities.who_numbers:
            _note(_no_drafts(name), pools)
            return
        try:
            _look(alias, system, pools, counts, look_every)
        except AccountingError as error:
            _note(error, pools)
            if isinstance(error, _OF_THE_SYSTEM):
                return
        for place, pool in enumerate(pools):
            try:
                _fill_series(alias, system, pool, options, counts)
            except AccountingError as error:
                _note(error, pools[place:] if isinstance(error, _OF_THE_SYSTEM) else [pool])
                if isinstance(error, _OF_THE_SYSTEM):
                    return
            except LedgerError as error:
                pool.error = error


def _note(error: AccountingError, pools: list[_Pool]) -> None:
    for pool in pools:
        pool.error = pool.error or error


# Making drafts ------------------------------------------------------------------------------------------------------


def _fill_series(alias: str, system: AccountingSystem, pool: _Pool, options: _Options, counts: Counts) -> None:
    for need in remote.needs(pool.claim, least=options.least, most=options.most, using=alias):
        if need.is_current:
            pool.wanted = need.wanted
        if need.is_low and need.exhausted:
            raise PeriodExhausted(
                f"The counter of {str(pool.claim.series)!r} is at its end in {need.starts_on} to {need.ends_on}.",
                rule="A period has as many values as numbers of the series' template that keep its length limit.",
                remedy="Open the series' next periods with a shorter template or a higher max_length.",
            )
        if need.is_low:
            if need.is_current and need.last_ordinal and need.free <= need.wanted // 4:
                _log.warning(
                    "The pool of %s is low: %d drafts are free in %s, %d are wanted",
                    *(pool.claim.series, need.free, pool.claim.system, need.wanted),
                )
            if not _fill(alias, system, pool.claim, need, options, counts):
                return


def _fill(alias: str, system: AccountingSystem, claim: Claim, need: Need, options: _Options, counts: Counts) -> bool:
    """Make the drafts that are missing; tells whether the claim still holds."""
    made = 0
    # Numbers may be refused because the ledger has them; as many again are tried, and the next run goes on.
    for ordinal in range(need.last_ordinal + 1, need.last_ordinal + 1 + 2 * (need.wanted - need.free)):
        if made == need.wanted - need.free:
            break
        invoice = NewInvoice(
            reference=reference(claim.series.tenant, claim.series.code, need.starts_on, ordinal),
            issued_on=need.drafts_on,
            customer=options.customer,
            total=options.total,
            currency=options.currency,
            extra=dict(options.extra),
        )
        draft = system.draft(invoice)
        _check_length(claim, draft)
        refusal = "" if draft.state is State.DRAFT else f"it is {draft.state} in the accounting system"
        outcome = remote.store(
            claim,
            need,
            ordinal=ordinal,
            remote_id=draft.remote_id,
            number=draft.number,
            refusal=refusal,
            using=alias,
        )
        if outcome == "stored":
            made += 1
            counts.drafted += 1
        elif outcome == "refused":
            counts.refused += 1
            _log.warning(
                "The draft %s of %s in %s is not for the pool: %s",
                draft.number,
                claim.series,
                claim.system,
                refusal or "its number stands in the ledger already",
            )
        elif outcome == "over":
            counts.refused += 1
            return True
        elif outcome != "there":
            _log.warning("The pool of %s went to another worker meanwhile: %s", claim.series, outcome)
            return False
    return True


def _check_length(claim: Claim, draft: RemoteInvoice) -> None:
    """Refuse a number that is too long before it is stored: the draft is found again once somebody has mended that."""
    longest = min(claim.series.max_length, NUMBER_LENGTH)
    if len(draft.number) > longest:
        raise NumberRefused(
            f"{claim.system}: the number {draft.number[:NUMBER_LENGTH]!r} has {len(draft.number)} characters.",
            rule=f"A number of series {str(claim.series)!r} has up to {longest}.",
            remedy=f"Raise the limit: define_series({claim.series.code!r}, max_length=…), up to {NUMBER_LENGTH}; or "
            "shorten the numbers there, and delete this draft.",
            system=claim.system,
        )


# Looking at drafts that wait ----------------------------------------------------------------------------------------


def _look(alias: str, system: AccountingSystem, pools: list[_Pool], counts: Counts, look_every: timedelta) -> None:
    """Withdraw the drafts that were deleted or used there."""
    waiting = {draft.remote_id: draft for pool in pools for draft in remote.free_drafts(pool.claim, using=alias)}
    able = system.capabilities
    changes_tell = able.changed_since and able.deletions
    if able.changed_since:
        due = [pool for pool in pools if _is_due(pool.claim, look_every)]
        if due:
            changes_tell = _look_at_changes(alias, system, due, waiting, counts) and changes_tell
    every = FULL_LOOK_EVERY if changes_tell else FULL_LOOK_SOONER
    for pool in pools:
        _look_at_each(alias, system, pool, every, counts)


def _is_due(claim: Claim, look_every: timedelta) -> bool:
    return claim.looked_at is None or claim.claimed_at - claim.looked_at >= look_every


def _look_at_changes(
    alias: str, system: AccountingSystem, pools: list[_Pool], waiting: Mapping[str, Draft], counts: Counts
) -> bool:
    """Go through what changed since the last look, if any draft waits; whether that shows all that was deleted."""
    told = True
    if waiting:
        marks = [pool.claim.looked_at for pool in pools]
        oldest = min(draft.drafted_at for draft in waiting.values())
        since = min(mark if mark is not None else oldest for mark in marks) - system.capabilities.overlap
        for page in system.changed(since):
            told = told and page.deletions_known
            for invoice in page.invoices:
                if (draft := waiting.get(invoice.remote_id)) is not None:
                    _judge(alias, draft, invoice, counts)
    for pool in pools:
        remote.note_look(pool.claim, looked_at=pool.claim.claimed_at, using=alias)
    return told


def _look_at_each(alias: str, system: AccountingSystem, pool: _Pool, every: timedelta, counts: Counts) -> None:
    """The next few drafts, each by its number; the look goes on in the next run, and begins anew when it is due."""
    claim = pool.claim
    if claim.claimed_at - claim.full_look_at < every:
        return
    drafts = [draft for draft in remote.free_drafts(claim, using=alias) if draft.id > claim.looked_through]
    for draft in drafts[:_LOOKS]:
        there = [each for each in system.find(number=draft.number) if each.remote_id == draft.remote_id]
        _judge(alias, draft, there[0] if there else None, counts)
        remote.note_look(claim, looked_through=draft.id, using=alias)
    if len(drafts) <= _LOOKS:
        remote.note_look(claim, full_look_at=claim.claimed_at, looked_through=0, using=alias)


def _judge(alias: str, draft: Draft, there: RemoteInvoice | None, counts: Counts) -> None:
    """Withdraw a draft that is none any more, or is no longer ours."""
    problem = _problem(draft, there)
    if not problem:
        return
    said: dict[str, Any] = {"problem": problem, "state": State.DELETED if there is None else there.state}
    if there is not None:
        said |= {"number": there.number, "reference": there.reference, "changed_at": there.changed_at}
    outcome = remote.withdraw(draft, said, using=alias)
    if outcome == "withdrawn":
        counts.withdrawn += 1
        _log.warning("The draft %s in %s was withdrawn from the pool: %s", draft.number, draft.system, problem)
    elif outcome == "in_flight":
        counts.in_flight += 1


def _problem(draft: Draft, there: RemoteInvoice | None) -> str:
    if there is None:
        return "no document of that number and key is there"
    if there.state is State.POSTED:
        return "somebody posted it there"
    if there.state is not State.DRAFT:
        return f"it is {there.state} there"
    if there.number != draft.number:
        return "somebody gave it another number there"
    if there.reference != draft.reference:
        return "somebody uses it there, under another reference"
    return ""


# Settings -----------------------------------------------------------------------------------------------------------


def _options(system: credentials.System) -> _Options:
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
        raise Misconfigured(
            f"{system.name}: the option 'drafts' {' and '.join(problems)}.",
            rule=f"Its keys are {', '.join(sorted(known))}; 'least' and 'most' are counts of drafts.",
            remedy=f"Correct {credentials.SETTING} in the settings.",
            system=system.name,
        )
    return _Options(**values)


def _no_drafts(name: str) -> Unsupported:
    return Unsupported(
        f"{name}: no drafts can be kept there as a pool of numbers.",
        rule="A remote series needs a system that numbers a draft when it is made.",
        remedy="Choose another allocation for the series: its numbers are pushed to the system, or read back.",
        system=name,
    )
