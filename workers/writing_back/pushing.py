"""Writing numbers back: pushing what the ledger has issued to systems that let us set the number.

A row is claimed, and the claim committed, before the network is asked; no transaction is open while it is. The key of
the document goes along as the reference, by which adapters find what an earlier call has made, so an answer that was
lost, or a worker that was killed, leads to no second document. What comes back is compared with what was meant: a
document that is there with another number, date or state is kept as a conflict, and never taken for done.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import router

from ledger import remote
from ledger.models import Entry
from ledger.reconciliation import BookSettings
from ledger.reconciliation.describing import Describe
from ledger.reconciliation.mirror import Expected, expect
from workers.accounting import errors, systems
from workers.accounting.base import AccountingSystem, NewInvoice, RemoteInvoice, State, WhoNumbers
from workers.accounting.http_options import Admitted, HttpOptions, Limiter, Wait
from workers.accounting.systems import System
from workers.models import Push
from workers.writing_back.describing import described, hook
from workers.writing_back.queue import CLAIM_SECONDS, PushQueue

_log = logging.getLogger(__name__)

#: Seconds before a document is tried again: doubled with each attempt, up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
#: When so many documents in a row fail for the moment, it is the system that fails, and the run ends.
_IN_A_ROW = 3
#: How often a document may meet HTTP 500 before a person hears of it.
_TRIES = 5
#: What isn't a matter of one document: a person must act on the system before another one is tried.
_OF_THE_SYSTEM = (errors.Misconfigured, errors.AuthenticationFailed, errors.UnexpectedAnswer)
_GONE = {State.VOID, State.DELETED}

#: Says which draft of the accounting system has the entry's number; empty for none.
DraftOf = Callable[[Entry], str]


@dataclass(slots=True)
class Run:
    """What one run did. ``stopped_by`` is the error that ended it early."""

    counts: Counter[str] = field(default_factory=Counter)
    stopped_by: errors.AccountingError | None = None

    @property
    def trouble(self) -> errors.AccountingError | None:
        """What somebody should hear of. Limits aren't: they are met every day, and waited for."""
        return None if isinstance(self.stopped_by, errors.RateLimited) else self.stopped_by

    def as_dict(self) -> dict[str, int]:
        """The counts: numbers and voids found, pushed, cancelled; left for later, for a person, in conflict."""
        names = ("found", "voided", "pushed", "cancelled", "later", "failed", "conflicts")
        return {name: self.counts[name] for name in names}


def pooled_draft(system: str, entry: Entry) -> str:
    """The key of the draft in ``system`` that the number comes from, in a series of the allocation ``remote``."""
    draft = remote.draft_of(entry)
    return draft.remote_id if draft is not None and draft.system == system else ""


def push_system(
    name: str,
    *,
    using: str | None = None,
    http_options: HttpOptions | None = None,
    draft_of: DraftOf | None = None,
    seconds: float | None = None,
) -> Run:
    """Look for what the system is owed, and push what is due, one document after the other.

    No document is begun after ``seconds``. Raises Misconfigured before anything is done if the settings don't do; any
    other AccountingError that ends the run is noted, and in the answer. RuntimeError inside a transaction.
    """
    system = systems.system(name)
    queue = PushQueue(system, using or router.db_for_write(Push))
    guard = ClaimGuard(name, http_options or systems.shared())
    try:
        found, voided = queue.look()
        run = Run(Counter(found=found, voided=voided))
        describe = hook(system)
        adapter = systems.connect(name, guard.http_options)
        try:
            _see_that_it_takes_numbers(system, adapter)
            _Pusher(queue, adapter, guard, describe, draft_of or partial(pooled_draft, name), run).all(seconds)
        finally:
            adapter.close()
    except errors.Misconfigured as error:
        queue.note(str(error))
        raise
    queue.note("" if run.stopped_by is None else str(run.stopped_by))
    return run


#: Seconds added to the time that a request may take, for what is done before and after it.
_LEEWAY = 30.0


# A claim keeps other workers away for a while only, so that it can't outlive a killed worker. A slow worker must stop
# by itself. Every request goes through the limiter, also while it is repeated, so the guard looks there whether there
# is time left.
class ClaimGuard:
    """``hold`` when a document was claimed; ``http_options`` is what an adapter must be connected through."""

    def __init__(self, system: str, http_options: HttpOptions) -> None:
        self._system = system
        self._clock = http_options.clock
        # The total is looked at between two reads, so one of them may come on top.
        self._longest = http_options.timeouts.total + http_options.timeouts.read + _LEEWAY
        self._ends: float | None = None
        make = http_options.limiter
        self.http_options = replace(
            http_options, limiter=lambda organisation, limits: _Guarded(self, make(organisation, limits))
        )

    def hold(self, begun: float, seconds: float) -> None:
        """A claim of ``seconds`` was made after ``begun``."""
        self._ends = begun + seconds

    def check(self) -> None:
        """Raise Unreachable, which is retryable, if a request could outlast the claim."""
        if self._ends is None or self._clock.monotonic() + self._longest <= self._ends:
            return
        raise errors.Unreachable(
            f"{self._system}: the time for this document is over.",
            rule="No request is sent that could last longer than the document is kept from other workers.",
            remedy="The next run goes on, and looks first for what this one has done.",
            system=self._system,
        )


@dataclass(frozen=True)
class _Guarded(Limiter):
    guard: ClaimGuard
    limiter: Limiter

    def take(self, now: datetime) -> Admitted | Wait:
        self.guard.check()
        return self.limiter.take(now)

    def give_back(self, ticket: str) -> None:
        self.limiter.give_back(ticket)

    def pause(self, until: datetime) -> None:
        self.limiter.pause(until)


@dataclass(frozen=True, slots=True)
class _Pusher:
    queue: PushQueue
    adapter: AccountingSystem
    guard: ClaimGuard
    describe: Describe
    draft_of: DraftOf
    run: Run

    def all(self, seconds: float | None) -> None:
        """Every row that is due, until the time is over or the system is in trouble."""
        clock = self.guard.http_options.clock
        begun = clock.monotonic()
        in_a_row = 0
        while seconds is None or clock.monotonic() - begun < seconds:
            claimed_at = clock.monotonic()
            push = self.queue.claim(clock.now())
            if push is None:
                return
            self.guard.hold(claimed_at, CLAIM_SECONDS)
            error = self.one(push)
            # A failure over there may be that of one document: ERPNext answers 500 to a customer it doesn't know.
            in_a_row = in_a_row + 1 if error is not None and error.status != 500 else 0
            if isinstance(error, (*_OF_THE_SYSTEM, errors.RateLimited)) or in_a_row == _IN_A_ROW:
                self.run.stopped_by = error
                return

    def one(self, push: Push) -> errors.AccountingError | None:
        """The step of this row that is due; the error, if another attempt must be made."""
        try:
            if push.state == Push.State.CANCELLING:
                self._cancel(push)
            else:
                self._push(push)
        except errors.AccountingError as error:
            return self._put_off(push, error)
        return None

    def _push(self, push: Push) -> None:
        draft_id = self.draft_of(push.entry.of_its_kind())
        invoice = described(self.queue.system, self.describe, push.entry.of_its_kind(), draft_id=draft_id)
        self._see_that_this_one_can_go(invoice)
        there = self.adapter.push(invoice)
        differences = _differences(invoice, there)
        if there.state in _GONE and push.void_id is not None:
            # Void here, and void there: an earlier run or a person was first.
            differences.pop("state", None)
        if differences:
            self._tell(push, "conflicts", self.queue.conflict(push, there, differences))
            _log.error("%s is another there: %s", push, differences)
        elif there.state in _GONE:
            self._tell(push, "cancelled", self.queue.cancelled(push, there))
        else:
            expected = Expected(push.entry_id, there.remote_id, invoice.total, invoice.currency, invoice.customer)
            expect(BookSettings(push.system, push.tenant), [expected], using=self.queue.alias)
            self._tell(push, "pushed", self.queue.pushed(push, there))

    def _cancel(self, push: Push) -> None:
        if not self.adapter.capabilities.voids:
            raise errors.Unsupported(
                f"{push.system}: {push.number} is void here, and can't be made void there.",
                rule="The system has no voids.",
                remedy="Correct it there as its own rules say, for example by a credit note.",
                system=push.system,
            )
        there = self.adapter.cancel(push.remote_id)
        if there.state in _GONE:
            self._tell(push, "cancelled", self.queue.cancelled(push, there))
        else:
            self._tell(push, "conflicts", self.queue.conflict(push, there, {"state": there.state}))

    def _see_that_this_one_can_go(self, invoice: NewInvoice) -> None:
        if WhoNumbers.CALLER not in self.adapter.capabilities.who_numbers and not invoice.draft_id:
            raise errors.Unsupported(
                f"{self.queue.system.name}: there is no draft that has the number {invoice.number}.",
                rule="This system numbers its drafts; a number of ours can only be pushed into the draft that has it.",
                remedy="Let the series take its numbers from the system, or 'describe' name the draft_id.",
                system=self.queue.system.name,
            )

    def _put_off(self, push: Push, error: errors.AccountingError) -> errors.AccountingError | None:
        """Keep the row for later, or for a person; the error only if it says something about the documents to come."""
        given_up = error.status == 500 and push.attempts >= _TRIES
        if given_up or (not error.retryable and not isinstance(error, _OF_THE_SYSTEM)):
            self._tell(push, "failed", self.queue.failed(push, error))
            _log.error("%s: %s", push, error)
            return None
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(push.attempts - 1, 10))
        at = error.retry_at or self.guard.http_options.clock.now() + timedelta(seconds=pause)
        self._tell(push, "later", self.queue.later(push, error, at))
        _log.warning("%s, attempt %d: %s", push, push.attempts, error)
        return error

    def _tell(self, push: Push, what: str, kept: bool) -> None:
        self.run.counts[what] += kept
        if not kept:
            _log.warning("%s: its claim ran out, and another worker has it; what that one finds counts.", push)


def _differences(invoice: NewInvoice, there: RemoteInvoice) -> dict[str, Any]:
    """What is there, where it isn't what was pushed."""
    found: dict[str, Any] = {}
    if there.number != invoice.number:
        found["number"] = there.number
    if there.state is not State.POSTED:
        found["state"] = there.state.value
    if there.reference != invoice.reference:
        found["reference"] = there.reference
    if there.issued_on not in {None, invoice.issued_on}:
        found["issued_on"] = str(there.issued_on)
    return found


def _see_that_it_takes_numbers(system: System, adapter: AccountingSystem) -> None:
    if adapter.capabilities.who_numbers & {WhoNumbers.CALLER, WhoNumbers.AT_DRAFT}:
        return
    raise errors.Misconfigured(
        f"{system.name}: numbers can't be pushed to {system.adapter}.",
        rule="It sets the number of a document by itself, when that is posted.",
        remedy="Take 'push' out of its settings and reconcile; Odoo takes our numbers by the option 'our_numbers'.",
        system=system.name,
    )
