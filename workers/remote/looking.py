"""Looking at drafts that wait in a pool: those that were deleted or used in the accounting system are withdrawn.

What changed since the last look is asked for, and once a day each draft by itself, a few in each run, so that the look
fits into a vendor's limits.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ledger import remote
from ledger.errors import ConcurrencyError, LedgerError
from ledger.remote import Claim, Draft
from workers.accounting.base import AccountingSystem, RemoteInvoice, State
from workers.accounting.errors import AccountingError

#: How often changes in the accounting system are asked for, and each draft by itself; sooner where there is no list of
#: changes, or it leaves out what was deleted.
LOOK_EVERY = timedelta(minutes=5)
FULL_LOOK_EVERY = timedelta(days=1)
FULL_LOOK_SOONER = timedelta(hours=1)

#: How many drafts are looked at by themselves in one run.
_LOOKS = 20

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What a run did, in drafts; ``failed`` in series."""

    drafted: int = 0
    refused: int = 0
    withdrawn: int = 0
    in_flight: int = 0
    failed: int = 0


@dataclass
class Pool:
    """One pool that this run has claimed, and how it does."""

    claim: Claim
    error: AccountingError | LedgerError | None = None
    wanted: int | None = None

    @property
    def needs_person(self) -> bool:
        if self.error is None or isinstance(self.error, ConcurrencyError):
            return False
        return not getattr(self.error, "retryable", False)


def look(alias: str, system: AccountingSystem, pools: list[Pool], counts: Counts, look_every: timedelta) -> None:
    """Withdraw the drafts that were deleted or used there."""
    waiting = {draft.remote_id: draft for pool in pools for draft in remote.free_drafts(pool.claim, using=alias)}
    able = system.capabilities
    changes_tell = able.changed_since and able.deletions
    if able.changed_since:
        due = [p for p in pools if (at := p.claim.looked_at) is None or p.claim.claimed_at - at >= look_every]
        if due:
            changes_tell = _look_at_changes(alias, system, due, waiting, counts) and changes_tell
    every = FULL_LOOK_EVERY if changes_tell else FULL_LOOK_SOONER
    for pool in pools:
        _look_at_each(alias, system, pool, every, counts)


def _look_at_changes(
    alias: str, system: AccountingSystem, pools: list[Pool], waiting: Mapping[str, Draft], counts: Counts
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


def _look_at_each(alias: str, system: AccountingSystem, pool: Pool, every: timedelta, counts: Counts) -> None:
    """The next few drafts, each by its number; the look goes on in the next run, and begins anew when it is due."""
    claim = pool.claim
    if not claim.looked_through and claim.claimed_at - claim.full_look_at < every:
        return
    drafts = [draft for draft in remote.free_drafts(claim, using=alias) if draft.id > claim.looked_through]
    for draft in drafts[:_LOOKS]:
        found = system.find(number=draft.number)
        there = [each for each in found if each.remote_id == draft.remote_id or draft.is_keyless]
        _judge(alias, draft, there[0] if there else None, counts)
        remote.note_look(claim, looked_through=draft.id, using=alias)
    if len(drafts) <= _LOOKS:
        remote.note_look(claim, full_look_at=claim.claimed_at, looked_through=0, using=alias)


def _judge(alias: str, draft: Draft, there: RemoteInvoice | None, counts: Counts) -> None:
    """Withdraw a draft that is no longer a draft, or no longer ours."""
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
    if draft.reference and there.reference != draft.reference:  # none is known of a draft that was taken over
        return "somebody uses it there, under another reference"
    return ""
