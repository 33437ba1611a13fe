"""Writing numbers back: issued numbers are pushed to the systems that let us set the number.

A row is claimed, and the claim committed, before any request; no transaction is open during one. The document's key is
sent as the reference, by which adapters find what an earlier call has made. So a lost answer, or a killed worker, leads
to no second document. The answer is compared with what was sent: a document that has another number, date or state
there is kept as a conflict, and never counts as done.

The ``describe`` hook of the settings returns the customer and the amount of a number:
``ledger.reconciliation.describing``. It is called outside any transaction.
"""

import logging
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db import router

from ledger import remote
from ledger.models import Entry
from ledger.reconciliation import BookSettings
from ledger.reconciliation.describing import Describe, ask
from ledger.reconciliation.mirror import Expected, expect
from workers.accounting import errors, systems
from workers.accounting.base import GONE, AccountingSystem, NewInvoice, RemoteInvoice, State, WhoNumbers
from workers.accounting.http_options import HttpOptions
from workers.models import Push
from workers.writing_back.queue import CLAIM_SECONDS, PushQueue

_log = logging.getLogger(__name__)

#: Seconds until a document is tried again: doubled with each attempt, up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
#: After so many temporary failures in a row, the system itself is failing, and the run ends.
_IN_A_ROW = 3
#: After so many answers of HTTP 500 to one document, a person must look at it.
_TRIES = 5
#: Errors of the system, not of one document: a person must act before another document is tried.
_OF_THE_SYSTEM = (errors.Misconfigured, errors.AuthenticationFailed, errors.UnexpectedAnswer)


@dataclass(slots=True)
class Run:
    """What one run did. ``stopped_by`` is the error that ended it early."""

    counts: Counter[str] = field(default_factory=Counter)
    stopped_by: errors.AccountingError | None = None

    @property
    def trouble(self) -> errors.AccountingError | None:
        """The error that people should know about. Reached limits are normal: the next run continues."""
        return None if isinstance(self.stopped_by, errors.RateLimited) else self.stopped_by

    def as_dict(self) -> dict[str, int]:
        """The counts: found, void, pushed, cancelled, left for later, failed (for a person), in conflict."""
        names = ("found", "voided", "pushed", "cancelled", "later", "failed", "conflicts")
        return {name: self.counts[name] for name in names}


def push_system(
    name: str, *, using: str | None = None, http_options: HttpOptions | None = None, seconds: float | None = None
) -> Run:
    """Find the numbers that the system hasn't got yet, and push those that are due, one after the other.

    No document is begun after ``seconds``. Mistakes in the settings raise Misconfigured before anything is done. Any
    other AccountingError that ends the run is noted, and is in the Run. Inside a transaction: RuntimeError.
    """
    system = systems.system(name)
    queue = PushQueue(system, using or router.db_for_write(Push))
    guard = ClaimGuard(name, http_options or systems.shared())
    try:
        found, voided = queue.look()
        run = Run(Counter(found=found, voided=voided))
        describe = systems.hook(system)
        with closing(systems.connect(name, guard.http_options)) as adapter:
            if not adapter.capabilities.who_numbers & {WhoNumbers.CALLER, WhoNumbers.AT_DRAFT}:
                raise errors.Misconfigured(
                    f"{name}: numbers can't be pushed to {system.adapter}.",
                    rule="It numbers documents itself, when they are posted.",
                    remedy="Remove 'push' from its settings and reconcile; Odoo takes our numbers with the option "
                    "'our_numbers'.",
                    system=name,
                )
            _Pusher(queue, adapter, guard, describe, run).all(seconds)
    except errors.Misconfigured as error:
        queue.note(str(error))
        raise
    queue.note("" if run.stopped_by is None else str(run.stopped_by))
    return run


#: Seconds added to the time that a request may take, for the work before and after it.
_LEEWAY = 30.0


class ClaimGuard:
    """Stops a slow worker before its claim ends. Adapters must be connected with its ``http_options``.

    A claim keeps other workers away only for a while, so that it ends when a worker is killed. Before each request, and
    each repetition, the guard checks whether enough time is left.
    """

    def __init__(self, system: str, http_options: HttpOptions) -> None:
        self._system = system
        self._clock = http_options.clock
        # The total is checked between two reads, so one read may be added to it.
        self._longest = http_options.timeouts.total + http_options.timeouts.read + _LEEWAY
        self._ends: float | None = None
        self.http_options = replace(http_options, before_attempt=self.check)

    def hold(self, begun: float, seconds: float) -> None:
        """A document was claimed, for ``seconds`` from ``begun`` on."""
        self._ends = begun + seconds

    def check(self) -> None:
        """Raise Unreachable, which is retryable, if a request could outlast the claim."""
        if self._ends is None or self._clock.monotonic() + self._longest <= self._ends:
            return
        raise errors.Unreachable(
            f"{self._system}: the time for this document is over.",
            rule="No request is sent that could outlast the claim that keeps the document from other workers.",
            remedy="The next run continues, and first looks for what this one has done.",
            system=self._system,
        )


@dataclass(frozen=True, slots=True)
class _Pusher:
    queue: PushQueue
    adapter: AccountingSystem
    guard: ClaimGuard
    describe: Describe
    run: Run

    def all(self, seconds: float | None) -> None:
        """Push every row that is due, until the time is over or the system fails."""
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
            # HTTP 500 may concern one document only: ERPNext answers 500 to an unknown customer.
            in_a_row = in_a_row + 1 if error is not None and error.status != 500 else 0
            if isinstance(error, (*_OF_THE_SYSTEM, errors.RateLimited)) or in_a_row == _IN_A_ROW:
                self.run.stopped_by = error
                return

    def one(self, push: Push) -> errors.AccountingError | None:
        """Do the row's next step; the error, if it says something about the documents to come."""
        try:
            if push.state == Push.State.CANCELLING:
                self._cancel(push)
            else:
                self._push(push)
        except errors.AccountingError as error:
            return self._put_off(push, error)
        return None

    def _push(self, push: Push) -> None:
        invoice = self._described(push.entry.of_its_kind())
        if WhoNumbers.CALLER not in self.adapter.capabilities.who_numbers and not invoice.draft_id:
            raise errors.Unsupported(
                f"{push.system}: there is no draft that has the number {invoice.number}.",
                rule="This system numbers its drafts; our number can only be pushed into the draft that has it.",
                remedy="Let the series take its numbers from the system, or let 'describe' return the draft_id.",
                system=push.system,
            )
        there = self.adapter.push(invoice)
        differences = _differences(invoice, there)
        if there.state in GONE and push.void_id is not None:
            # Void here and there: an earlier run or a person was first.
            differences.pop("state", None)
        if differences:
            self._tell(push, "conflicts", self.queue.conflict(push, there, differences))
            _log.error("%s is another there: %s", push, differences)
        elif there.state in GONE:
            self._tell(push, "cancelled", self.queue.cancelled(push, there))
        else:
            expected = Expected(push.entry_id, there.remote_id, invoice.total, invoice.currency, invoice.customer)
            expect(BookSettings(push.system, push.tenant), [expected], using=self.queue.alias)
            self._tell(push, "pushed", self.queue.pushed(push, there))

    def _cancel(self, push: Push) -> None:
        if not self.adapter.capabilities.voids:
            raise errors.Unsupported(
                f"{push.system}: {push.number} is void here, and can't be voided there.",
                rule="The system has no voids.",
                remedy="Correct it there by its own rules, for example with a credit note.",
                system=push.system,
            )
        there = self.adapter.cancel(push.remote_id)
        if there.state in GONE:
            self._tell(push, "cancelled", self.queue.cancelled(push, there))
        else:
            self._tell(push, "conflicts", self.queue.conflict(push, there, {"state": there.state}))

    def _described(self, entry: Entry) -> NewInvoice:
        """The document to push for ``entry``, or NotDescribed."""
        system = self.queue.system
        draft = remote.draft_of(entry)  # of a series with the allocation "remote"
        draft_id = draft.remote_id if draft is not None and draft.system == system.name else ""
        try:
            said = ask(self.describe, entry)
        except ValueError as error:
            raise errors.NotDescribed(
                f"{system.name}: describe of {entry.number} {error}.",
                rule="It returns a mapping with customer, total, currency, extra, draft_id or reference, and with an "
                "amount: in total, as a Decimal or a whole number, or in extra.",
                remedy=f"Correct {system.describe}, and then: manage.py ledger_push --system {system.name} --retry.",
                system=system.name,
            ) from error
        given: dict[str, Any] = {"reference": entry.document or f"entry:{entry.pk}", "draft_id": draft_id, **said}
        return NewInvoice(issued_on=entry.issued_on, number=entry.number, **given)

    def _put_off(self, push: Push, error: errors.AccountingError) -> errors.AccountingError | None:
        """Keep the row for later, or for a person; the error, if it says something about the documents to come."""
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
            _log.warning("%s: its claim ran out, and another worker has it; that worker's outcome counts.", push)


def _differences(invoice: NewInvoice, there: RemoteInvoice) -> dict[str, Any]:
    """What the system has instead of what was pushed."""
    found: dict[str, Any] = {}
    if there.number != invoice.number:
        found["number"] = there.number
    if there.state is not State.POSTED:
        found["state"] = str(there.state)
    if there.reference != invoice.reference:
        found["reference"] = there.reference
    if there.issued_on not in {None, invoice.issued_on}:
        found["issued_on"] = str(there.issued_on)
    return found
