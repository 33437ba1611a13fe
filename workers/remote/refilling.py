"""Refilling the pools of ``remote`` series: drafts are made in the accounting system, their numbers stored as slots.

One worker at a time has a pool (``ledger.remote.claim``), since no draft may be made twice. A draft's place in the pool
gives it its reference. It is stored at once, in a short transaction of its own. If a worker is killed in between, if an
answer is lost, or if a 500 doesn't say whether the draft was made, the next run finds the draft by that reference
(``workers.accounting.base.make_once``).

First, the worker looks whether waiting drafts were deleted or used there, and withdraws these from the pool. Each look
asks for what changed since the last one. Once a day it asks for each draft by itself, a few in each run, so that the
requests fit into a vendor's limits.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

from ledger import remote
from ledger.conf import ledger_settings
from ledger.errors import ConcurrencyError, LedgerError, PeriodExhausted
from ledger.models import DraftMade
from ledger.models.series import NUMBER_LENGTH
from ledger.remote import Claim, Need
from ledger.remote.drafts import reference
from ledger.remote.pools import REFUSED_IN_A_ROW
from workers.accounting import errors, systems
from workers.accounting.base import AccountingSystem, NewInvoice, RemoteInvoice, State, WhoNumbers
from workers.accounting.http_options import HttpOptions

#: Errors of the whole system: trying its next series would be useless.
_OF_THE_SYSTEM = (
    errors.Misconfigured,
    errors.AuthenticationFailed,
    errors.Unsupported,
    errors.RateLimited,
    errors.Unreachable,
    errors.ServerFault,
)

#: How often a look asks for changes, and for each draft by itself (sooner if the system lists no deletions).
LOOK_EVERY = timedelta(minutes=5)
FULL_LOOK_EVERY = timedelta(days=1)
FULL_LOOK_SOONER = timedelta(hours=1)

#: How many drafts are looked at by themselves in one run.
_LOOKS = 20

_log = logging.getLogger(__name__)


@dataclass
class Pool:
    """One pool that this run has claimed, and what came of it."""

    claim: Claim
    error: LedgerError | None = None
    wanted: int | None = None

    @property
    def needs_person(self) -> bool:
        if self.error is None or isinstance(self.error, ConcurrencyError):
            return False
        return not getattr(self.error, "retryable", False)


@dataclass(frozen=True)
class DraftOptions:
    """The option ``drafts`` of a system: how many drafts, and what the accounting software requires of each."""

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
            problems.append(f"has {count!r} for {name!r}, which is not a count")
    if "total" in values:
        try:
            values["total"] = Decimal(str(values["total"]))
        except InvalidOperation:
            problems.append(f"has {values['total']!r} for 'total', which is not an amount")
    if problems:
        rule = f"Its keys are {', '.join(sorted(known))}; 'least' and 'most' are counts of drafts."
        raise system.wrong(f"the option 'drafts' {' and '.join(problems)}", rule)
    return DraftOptions(**values)


def refill_system(
    alias: str, name: str, *, http_options: HttpOptions | None = None, look_every: timedelta = LOOK_EVERY
) -> dict[str, int]:
    """Refill the pools of the series that draft in the system ``name``; the counts of drafts.

    Errors are noted in the pool and logged, and the next run tries again. An error that needs a person is also raised,
    after the system's other series had their turn. Call it outside a transaction.
    """
    counts = Counter(dict.fromkeys(("drafted", "refused", "withdrawn", "in_flight", "failed"), 0))
    claims = [remote.claim(series, using=alias) for series in remote.remote_series(name, using=alias)]
    pools = [Pool(claim) for claim in claims if claim is not None]
    if not pools:
        return dict(counts)
    finished = False
    try:
        _work(alias, name, pools, counts, http_options, look_every)
        finished = True
    finally:
        for pool in pools:
            error = str(pool.error) if pool.error is not None else "" if finished else "The run was cut short."
            remote.release(pool.claim, error=error, needs_person=pool.needs_person, wanted=pool.wanted, using=alias)
    failed = [pool for pool in pools if pool.error is not None]
    counts["failed"] = len(failed)
    for pool in failed:
        level = logging.ERROR if pool.needs_person else logging.WARNING
        _log.log(level, "The pool of %s could not be refilled: %s", pool.claim.series, pool.error)
    for pool in failed:
        if pool.needs_person and pool.error is not None:
            raise pool.error
    return dict(counts)


def _work(
    alias: str,
    name: str,
    pools: list[Pool],
    counts: Counter[str],
    http_options: HttpOptions | None,
    look_every: timedelta,
) -> None:
    """All requests to the system; errors are noted in the pools that they concern."""
    # The run ends before Celery would end it; the next run continues.
    deadline = time.monotonic() + 0.8 * ledger_settings().sweeps["refill_remote_pools"]["limit"]
    left = pools
    try:
        options = options_of(systems.system(name))
        with closing(systems.connect(name, http_options)) as system:
            if not system.capabilities.drafts or WhoNumbers.AT_DRAFT not in system.capabilities.who_numbers:
                raise errors.Unsupported(
                    f"{name}: it can't keep drafts as a pool of numbers.",
                    rule="A remote series needs a system that numbers a draft when it is made.",
                    remedy="Choose another allocation for the series: its numbers are pushed to the system, or read "
                    "back.",
                    system=name,
                )
            work = _Work(alias, system, options, counts, deadline)
            try:
                work.look(pools, look_every)
            except errors.AccountingError as error:
                _note(error, pools)
            for place, pool in enumerate(pools):
                left = pools[place:]
                try:
                    work.fill_series(pool)
                except errors.AccountingError as error:
                    _note(error, [pool])
                except LedgerError as error:
                    pool.error = error
    except errors.AccountingError as error:
        for pool in left:
            pool.error = pool.error or error


def _note(error: errors.AccountingError, pools: list[Pool]) -> None:
    """Note an error in these pools; one of the whole system is raised."""
    if isinstance(error, _OF_THE_SYSTEM):
        raise error
    for pool in pools:
        pool.error = pool.error or error


def _problem(draft: DraftMade, there: RemoteInvoice | None) -> str:
    if there is None:
        return "no document with that number and key is there"
    if there.state is State.POSTED:
        return "somebody posted it there"
    if there.state is not State.DRAFT:
        return f"it is {there.state} there"
    if there.number != draft.number:
        return "somebody gave it another number there"
    if draft.reference and there.reference != draft.reference:  # a draft that was taken over has none
        return "somebody uses it there, under another reference"
    return ""


@dataclass(frozen=True, slots=True)
class _Work:
    """Looks after the drafts of a system, and makes new ones until ``deadline``, which is by the monotonic clock."""

    alias: str
    system: AccountingSystem
    options: DraftOptions
    counts: Counter[str]
    deadline: float

    def look(self, pools: list[Pool], look_every: timedelta) -> None:
        """Withdraw the drafts that were deleted or used in the accounting system."""
        waiting = {
            draft.remote_id: draft for pool in pools for draft in remote.free_drafts(pool.claim, using=self.alias)
        }
        able = self.system.capabilities
        changes_tell = able.changed_since and able.deletions
        if able.changed_since:
            due = [p for p in pools if (at := p.claim.looked_at) is None or p.claim.claimed_at - at >= look_every]
            if due:
                changes_tell = self._look_at_changes(due, waiting) and changes_tell
        every = FULL_LOOK_EVERY if changes_tell else FULL_LOOK_SOONER
        for pool in pools:
            self._look_at_each(pool, every)

    def _look_at_changes(self, pools: list[Pool], waiting: Mapping[str, DraftMade]) -> bool:
        """Read the changes since the last look, if any draft waits; whether they include all deletions."""
        told = True
        if waiting:
            marks = [pool.claim.looked_at for pool in pools]
            oldest = min(draft.drafted_at for draft in waiting.values())
            since = min(mark if mark is not None else oldest for mark in marks) - self.system.capabilities.overlap
            for page in self.system.changed(since):
                told = told and page.deletions_known
                for invoice in page.invoices:
                    if (draft := waiting.get(invoice.remote_id)) is not None:
                        self._judge(draft, invoice)
        for pool in pools:
            remote.note_look(pool.claim, looked_at=pool.claim.claimed_at, using=self.alias)
        return told

    def _look_at_each(self, pool: Pool, every: timedelta) -> None:
        """Look for the next few drafts by their numbers; the next run continues, or begins again once that is due."""
        claim = pool.claim
        if not claim.looked_through and claim.claimed_at - claim.full_look_at < every:
            return
        drafts = [draft for draft in remote.free_drafts(claim, using=self.alias) if draft.id > claim.looked_through]
        for draft in drafts[:_LOOKS]:
            found = self.system.find(number=draft.number)
            there = [each for each in found if each.remote_id == draft.remote_id or draft.is_keyless]
            self._judge(draft, there[0] if there else None)
            remote.note_look(claim, looked_through=draft.id, using=self.alias)
        if len(drafts) <= _LOOKS:
            remote.note_look(claim, full_look_at=claim.claimed_at, looked_through=0, using=self.alias)

    def _judge(self, draft: DraftMade, there: RemoteInvoice | None) -> None:
        """Withdraw a draft that is no longer a draft, or no longer ours."""
        problem = _problem(draft, there)
        if not problem:
            return
        said: dict[str, Any] = {"problem": problem, "state": State.DELETED if there is None else there.state}
        if there is not None:
            said |= {"number": there.number, "reference": there.reference, "changed_at": there.changed_at}
        outcome = remote.withdraw(draft, said, using=self.alias)
        if outcome == "withdrawn":
            self.counts["withdrawn"] += 1
            _log.warning("The draft %s in %s was withdrawn from the pool: %s", draft.number, draft.system, problem)
        elif outcome == "in_flight":
            self.counts["in_flight"] += 1

    def fill_series(self, pool: Pool) -> None:
        claim = pool.claim
        for need in remote.needs(claim, least=self.options.least, most=self.options.most, using=self.alias):
            if need.is_current:
                pool.wanted = need.wanted
            if self.system.capabilities.numbers_by_clock and not need.is_current:
                continue  # its number would belong to today's period
            if not need.is_low:
                continue
            if need.exhausted:
                raise PeriodExhausted(
                    f"The counter of {str(claim.series)!r} has reached its end in {need.starts_on} to {need.ends_on}.",
                    rule="A period has only as many values as its template can number within the series' max_length.",
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
        """Make the missing drafts; False if the run must end, since its time is over or it lost the claim."""
        made = refused = 0
        for ordinal in count(need.last_ordinal + 1):
            if made == need.wanted - need.free:
                return True
            if time.monotonic() > self.deadline:
                return False  # the next run continues here
            if not remote.renew(claim, using=self.alias):
                _log.warning("The pool of %s went to another worker meanwhile", claim.series)
                return False
            outcome, refusal, number = self.make(claim, need, ordinal)
            if outcome == "stored":
                made, refused = made + 1, 0
                self.counts["drafted"] += 1
            elif outcome == "refused":
                refused += 1
                self.counts["refused"] += 1
                why = refusal or "its number stands in the ledger already"
                told = (number, claim.series, claim.system, why)
                _log.warning("The draft %s of %s in %s can't go into the pool: %s", *told)
                if refused == REFUSED_IN_A_ROW:
                    raise _stuck(claim)
            elif outcome == "over":
                self.counts["refused"] += 1
                return True
            elif outcome != "there":
                _log.warning("The pool of %s went to another worker meanwhile: %s", claim.series, outcome)
                return False
        raise AssertionError("count() never ends")

    def make(self, claim: Claim, need: Need, ordinal: int) -> tuple[str, str, str]:
        """Make one draft and store it; its outcome, why it was refused, and its number."""
        given = {name: value for name, value in vars(self.options).items() if name not in ("least", "most")}
        name = reference(claim.series.tenant, claim.series.code, need.starts_on, ordinal)
        draft = self.system.draft(NewInvoice(reference=name, issued_on=need.drafts_on, **given))
        _check_length(claim, draft)
        refusal = "" if draft.state is State.DRAFT else f"it is {draft.state} in the accounting system"
        if self.system.capabilities.numbers_by_clock and not refusal:
            refusal = misfit(draft.number, need.starts_on, need.ends_on)
        stored = {"remote_id": draft.remote_id, "number": draft.number, "refusal": refusal}
        return remote.store(claim, need, ordinal=ordinal, **stored, using=self.alias), refusal, draft.number


#: A year in a number, and a month after it.
_DATED = re.compile(r"(?<!\d)((?:19|20|21)\d{2})(?:\W?(0[1-9]|1[0-2])(?!\d))?(?!\d)")


def misfit(number: str, starts_on: date, ends_on: date) -> str:
    """Why a number with another year or month can't belong to this period; empty if it can."""
    found = _DATED.search(number)
    if found is None:
        return ""
    year, month = int(found[1]), int(found[2] or 0)
    first, last = (year, month or 1), (year, month or 12)
    if first <= (ends_on.year, ends_on.month) and (starts_on.year, starts_on.month) <= last:
        return ""
    return f"its number has {found[0]}, and the period is {starts_on} to {ends_on}"


def _stuck(claim: Claim) -> errors.NumberRefused:
    return errors.NumberRefused(
        f"{claim.system}: the last {REFUSED_IN_A_ROW} drafts for {str(claim.series)!r} could not be taken.",
        rule="A number is in the ledger once, and only a draft can be stored. The next attempt is in an hour.",
        remedy="The admin says why, under drafts made. If the numbers are in the ledger already, set the system's next "
        "number to a higher one; then cancel the drafts that are left: manage.py ledger_drafts cancel.",
        system=claim.system,
    )


def _check_length(claim: Claim, draft: RemoteInvoice) -> None:
    """Refuse a number that is too long before it is stored: once that is corrected, the draft is found again."""
    longest = min(claim.series.max_length, NUMBER_LENGTH)
    if len(draft.number) > longest:
        raise errors.NumberRefused(
            f"{claim.system}: the number {draft.number[:NUMBER_LENGTH]!r} has {len(draft.number)} characters.",
            rule=f"A number of series {str(claim.series)!r} has at most {longest}.",
            remedy=f"Raise the limit: define_series({claim.series.code!r}, max_length=…), up to {NUMBER_LENGTH}; or "
            "shorten the numbers there, and delete this draft.",
            system=claim.system,
        )
