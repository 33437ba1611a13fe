"""What every accounting system looks like to Folio: documents with numbers, read page by page, and what it can do.

An adapter is one file with a subclass of ``AccountingSystem``. It sends requests only by ``workers.accounting.http``,
which has the time-outs, retries and limits, and it states honestly, as ``Capabilities``, what the system can do.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ledger.kinds import Kind, RemoteInvoice as RemoteInvoice, State as State
from workers.accounting.errors import AccountingError, AnswerLost, EndlessPages, NumberRefused, Refused, Unsupported

if TYPE_CHECKING:
    from workers.accounting.http_options import HttpOptions
    from workers.accounting.systems import System

E = TypeVar("E", bound=AccountingError)


class WhoNumbers(StrEnum):
    """Who sets the number of a document in the remote system."""

    #: Folio does, when the document is made there: numbers are pushed.
    CALLER = "caller"
    #: The system does, when a draft is made: drafts can be kept as a pool.
    AT_DRAFT = "at_draft"
    #: The system does, when the document is posted: the number is read back.
    AT_POST = "at_post"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system can do; Folio doesn't try anything else.

    ``changed_since``: it lists what changed after a time. ``deletions``: that list has the deleted documents; without
    it, only a list of everything shows, by their absence, which were deleted. ``voids``: a void document stays there
    with its number. ``drafts``: drafts can be made, cancelled, and posted later under their number. ``number_kept``:
    the number of a deleted document is never given again. ``max_number_length``: in characters. ``misfit``: why the
    system wouldn't take a number of ours for a document of that day; empty if it would. No request is sent for that.

    ``kinds``: the kinds of documents that it lists; series of other kinds aren't compared with it.

    ``finds_references``: ``find(reference=…)`` works; otherwise only a list shows the document with a reference.

    ``numbers_by_clock``: a number has the day on which its draft is made, not the day of the document. Then no draft is
    made before its period begins, or after its end.

    ``overlap``: how far before the last reading the next one must begin, since changes appear late or are dated early.
    ``horizon``: how far back ``since`` may lie. A reading from an earlier time reads everything, without deletions.
    """

    who_numbers: frozenset[WhoNumbers]
    changed_since: bool
    deletions: bool
    drafts: bool
    kinds: frozenset[Kind] = frozenset({Kind.INVOICE})
    voids: bool = True
    number_kept: bool = True
    max_number_length: int | None = None
    misfit: Callable[[str, date], str] = lambda number, on: ""
    finds_references: bool = True
    numbers_by_clock: bool = False
    overlap: timedelta = timedelta(minutes=5)
    horizon: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the cursor of the next page; None after the last one.

    A cursor is a text from which a later run, in another process, can continue. ``deletions_known`` is False if the
    system couldn't list every deletion of the requested time: then only a list of everything shows them.
    """

    invoices: Sequence[RemoteInvoice]
    next_cursor: str | None
    deletions_known: bool = True


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """A document to be made there. ``reference`` is our document's key, which finds it again after a lost answer.

    Accounting software needs an amount and a customer. Folio knows neither, so the caller's ``describe`` hook returns
    them. ``customer`` is the system's own key for the customer. ``extra`` goes into the request as it is, and overrides
    the adapter's values: lines, accounts and taxes, in the system's own terms. ``draft_id`` is the key of the draft in
    our pool that has this number: ``push`` completes it and posts it.
    """

    reference: str
    issued_on: date
    number: str = ""
    customer: str = ""
    total: Decimal | None = None
    currency: str = ""
    draft_id: str = ""
    extra: dict[str, object] = field(default_factory=dict)


#: A hundred million documents in pages of a thousand: a longer list repeats itself.
LONGEST = 100_000
#: The states of documents that are no longer in force.
GONE = {State.VOID, State.DELETED}


def live_first(found: Sequence[RemoteInvoice]) -> RemoteInvoice | None:
    """The oldest document among ``found`` that is in force; else any; None if the list is empty."""
    return min(found, key=lambda each: (each.state in GONE, len(each.remote_id), each.remote_id), default=None)


def make_once(find: Callable[[], Sequence[RemoteInvoice]], make: Callable[[], RemoteInvoice]) -> RemoteInvoice:
    """The document that ``find`` finds, else the one that ``make`` makes.

    After a lost answer it looks once more. If the document isn't there, AnswerLost reaches the caller: the system may
    still be at work on it, and a later call, which looks first, is safe.

    This protects against lost answers, not against two callers at once: only one may push a document at a time.
    """
    there = live_first(find())
    if there is not None:
        return there
    try:
        return make()
    except AnswerLost:
        there = live_first(find())
        if there is None:
            raise
        return there


#: QuickBooks takes no longer key; Xero does.
LENGTH = 50


def request_key(*parts: object) -> str:
    """The same key for the same parts. A correction changes what is sent, so it is another request with another key."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


class AccountingSystem(ABC):
    """An adapter. Every method raises the errors of ``workers.accounting.errors``, and no others.

    Don't call any of them inside a transaction: a remote system takes seconds, and a rollback undoes nothing there.
    Only one caller at a time may push or draft the same document. The methods from ``error`` on help adapters to do
    their work.
    """

    #: The adapter's name in settings and commands, such as "xero".
    name: ClassVar[str]
    capabilities: Capabilities
    #: Where documents are read, as errors name it.
    endpoint: ClassVar[str] = ""
    #: The connection, which ``close`` closes.
    _client: Any = None

    def __init__(self, system: "System", http_options: "HttpOptions") -> None:
        """For a system of the settings; no request is sent yet."""
        self.system = system

    @abstractmethod
    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """Pages of the documents that changed at or after ``since`` (None for all), from ``cursor`` to the last page.

        A document that changes meanwhile may come twice, but is never left out. With a cursor, ``since`` must be the
        same as before. Raises Unsupported if ``since`` is given and the system can't tell what changed.
        """

    @abstractmethod
    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        """The documents with that number, or that reference; several if there are duplicates, maybe none.

        Give one of the two. Void documents and drafts are included.
        """

    @abstractmethod
    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """Make a posted document with our number, or find the one that an earlier call has made, by its reference.

        A document that is found is returned as it is there: somebody may have changed its number. If the system numbers
        at post (only ``WhoNumbers.AT_POST``), ``invoice.number`` is ignored, and the result has the system's number.
        """

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        """Make a draft, which the system numbers, or find the one that an earlier call has made."""
        raise self.error(
            Unsupported,
            f"{self.name} has no drafts with a number.",
            rule="Only drafts with a number can be kept as a pool.",
            remedy="Let the series set its numbers, and push them; or read the system's own by reconciling.",
        )

    @abstractmethod
    def cancel(self, remote_id: str) -> RemoteInvoice:
        """Void or cancel a document there, or delete a draft; one that is void or deleted already stays as it is."""

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def error(self, kind: type[E], problem: str, *, rule: str, remedy: str, endpoint: str | None = None) -> E:
        """An error of this system, for the caller to raise."""
        where = self.endpoint if endpoint is None else endpoint
        told = f"{self.system.name}: {problem}"
        return kind(told, rule=rule, remedy=remedy, system=self.system.name, endpoint=where)

    def taken_draft(self, invoice: NewInvoice, there: RemoteInvoice | None) -> NumberRefused:
        """The error for a draft of the pool that can no longer become ``invoice``."""
        now = "isn't there"
        if there is not None:
            now = f"is {there.state}, its number is {there.number!r}, its reference {there.reference!r}"
        return self.error(
            NumberRefused,
            f"the draft {invoice.draft_id} can't become {invoice.number}: it {now}.",
            rule="A number from the pool belongs to the draft that was made for it.",
            remedy="Find out who used or deleted the draft there; the document needs another number.",
        )

    def check_length(self, number: str) -> None:
        """Raise NumberRefused, before any request, for a number that the system can't keep."""
        longest = self.capabilities.max_number_length or 0
        if not 0 < len(number) <= longest:
            raise self.error(
                NumberRefused,
                f"the number {number[:40]!r} has {len(number)} characters.",
                rule=f"It takes 1 to {longest}.",
                remedy="Shorten the series' template.",
            )

    def pages(
        self, read: Callable[[str | None], Page], cursor: str | None, *, longest: int = LONGEST
    ) -> Iterator[Page]:
        """``read`` one page after another, from ``cursor`` on; EndlessPages if a page or a cursor comes twice."""

        def endless(what: str) -> EndlessPages:
            return self.error(
                EndlessPages,
                f"the list {self.endpoint} {what}.",
                rule="A list must come to an end, and its pages must differ.",
                remedy="The next run begins at the last page that was read. If this happens again, ask its support.",
            )

        cursors = {cursor}
        seen: set[int] = set()
        for _ in range(longest):
            page = read(cursor)
            # Hashes: a few bytes for each page, however many there are.
            shape = hash(tuple((each.remote_id, each.changed_at) for each in page.invoices))
            if page.invoices and shape in seen:
                raise endless("gave the same page twice")
            seen.add(shape)
            yield page
            if page.next_cursor is None:
                return
            if page.next_cursor in cursors:
                raise endless("came back to a page that was read before")
            cursor = page.next_cursor
            cursors.add(cursor)
        raise endless(f"has not ended after {longest} pages")

    def pages_by_id(
        self, search: Callable[[int, int], list[RemoteInvoice]], size: int, cursor: str | None
    ) -> Iterator[Page]:
        """By ``search(after, limit)``: each page begins after the last id, so changes meanwhile move nothing."""

        def read(at: str | None) -> Page:
            # One more than the page holds shows whether there is another page.
            found = search(int(at or 0), size + 1)
            here = found[:size]
            return Page(here, here[-1].remote_id if len(found) > len(here) else None)

        return self.pages(read, cursor)

    def act(
        self, press: Callable[[], RemoteInvoice | None], remote_id: str, wanted: State, button: str = "it"
    ) -> RemoteInvoice:
        """Press a button of a document. If that is refused, or its answer is lost, an earlier press may have worked.

        Returns the document as ``press`` returns it, or as it is read afterwards. If it isn't in the state ``wanted``,
        the error of ``press`` is raised.
        """
        failure: AccountingError
        try:
            if (pressed := press()) is not None:
                return pressed
            failure = self.error(
                Refused,
                f"{button} left the document {remote_id} as it was.",
                rule="An accounting system asks a person to confirm what looks odd, such as a future date.",
                remedy="Look at it there; the next reconciliation shows it too.",
            )
        except (AnswerLost, Refused) as error:
            failure = error
        # Outside the `except`, so that no error is the context of another.
        now = self.read(remote_id)
        if now.state is wanted:
            return now
        raise failure

    def read(self, remote_id: str) -> RemoteInvoice:
        """The document with that key; NotThere if it doesn't exist. Only adapters that ``act`` need it."""
        raise NotImplementedError
