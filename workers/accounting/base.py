"""What every accounting system looks like to Folio: documents with numbers, read page by page, and what can be asked.

An adapter is one file that makes an ``AccountingSystem``. It speaks to the system only by ``workers.accounting.http``,
where time-outs, retries and limits are, and it states its ``Capabilities`` instead of pretending.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, TypeVar

from ledger.kinds import Kind
from workers.accounting.errors import AccountingError, AnswerLost, EndlessPages, NumberRefused, Refused, Unsupported

if TYPE_CHECKING:
    from workers.accounting.http_options import HttpOptions
    from workers.accounting.systems import System

E = TypeVar("E", bound=AccountingError)


class WhoNumbers(StrEnum):
    """Who sets the number of a document in the remote system."""

    #: We do, when the document is made there: numbers are pushed.
    CALLER = "caller"
    #: It does, when a draft is made: drafts can be kept as a pool.
    AT_DRAFT = "at_draft"
    #: It does, when the document is posted: the number is read back.
    AT_POST = "at_post"


class State(StrEnum):
    """Where a document stands in the remote system, whatever that calls it."""

    DRAFT = "draft"
    POSTED = "posted"
    VOID = "void"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system can do; what it can't is not tried.

    ``changed_since`` whether it lists what changed after a time; ``deletions`` whether that list has documents that
    are gone: where it hasn't, only a list of everything shows by absence what was deleted; ``voids`` whether a document
    made void stays there with its number; ``idempotency`` whether it takes a key that makes a repeated post harmless;
    ``drafts`` whether drafts can be made, cancelled, and posted later under their number; ``number_kept`` whether the
    number of a deleted document is never given again; ``max_number_length`` its limit in characters;
    ``misfit`` says why it takes no number of ours for a document of that day (empty: it does), before it is asked.

    ``kinds`` are the kinds of documents that it lists: a series of another kind is not compared with it.

    ``finds_references`` whether ``find(reference=…)`` works; where not, only a list shows which document bears it.

    ``numbers_by_clock`` whether a number bears the day on which its draft is made, not that of the document: then no
    draft is made ahead of its period, or after it.

    ``overlap``: how far before the last reading the next one must begin, since changes show late or are dated early.
    ``horizon``: how far back ``since`` may lie; a reading that begins earlier is one of everything, without deletions.
    """

    who_numbers: frozenset[WhoNumbers]
    changed_since: bool
    deletions: bool
    idempotency: bool
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
class RemoteInvoice:
    """One document of the remote system, as far as numbering goes.

    ``remote_id`` is the system's own key, ``number`` its text as it is there (empty while it has none), ``reference``
    the key of our document, which we wrote into it, or empty. ``changed_at`` is the system's clock. Of a document that
    is gone (``State.DELETED``) all but ``remote_id`` may be empty. ``total`` is with taxes; ``customer`` has every name
    that the system has for the customer, one a line. ``kind`` is one of Kind, or empty where any series may have it.
    """

    remote_id: str
    number: str
    state: State
    issued_on: date | None
    reference: str
    changed_at: datetime | None
    total: Decimal | None = None
    currency: str = ""
    customer: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the cursor at which the next one begins; None after the last.

    Cursors are texts that a later run, in another process, can go on from. ``deletions_known`` is False where the
    system couldn't tell all that was deleted in the time asked for: then only a list of everything shows it.
    """

    invoices: Sequence[RemoteInvoice]
    next_cursor: str | None
    deletions_known: bool = True


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """A document to be made there. ``reference`` is our document's key, and what finds it again after a lost answer.

    Accounting software wants an amount and a customer; Folio knows neither, so the caller's ``describe`` hook says
    them. ``customer`` is the key that the system itself has for the customer. ``extra`` goes into the request as it is,
    over what the adapter puts there: lines, accounts, taxes, in the system's own words. ``draft_id`` is the key of the
    draft out of our pool that has this number: ``push`` fills it in and posts it.
    """

    reference: str
    issued_on: date
    number: str = ""
    customer: str = ""
    total: Decimal | None = None
    currency: str = ""
    draft_id: str = ""
    extra: dict[str, object] = field(default_factory=dict)


class AccountingSystem(Protocol):
    """An adapter. Every method raises the errors of ``workers.accounting.errors``, and no other.

    None may be called inside a transaction: a remote system takes seconds, and a rollback takes nothing back there.
    Only one caller at a time may push or draft the same document.
    """

    #: The name by which settings and commands call the adapter, such as "xero".
    name: ClassVar[str]
    capabilities: Capabilities

    @classmethod
    def connect(cls, system: "System", http_options: "HttpOptions") -> Self:
        """The adapter for a system of the settings; nothing is asked of it yet."""
        ...

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """Pages of documents that changed at or after ``since`` (None for all), from ``cursor`` on; they end.

        A document that changes meanwhile may come twice, and is never left out. ``since`` must be the same when going
        on from a cursor. Unsupported if ``since`` is given and the system can't tell.
        """
        ...

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        """Documents of that number, or of that reference; an empty list, or several if there are duplicates.

        One of the two is given. Documents that were voided there are among them, and so are drafts.
        """
        ...

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """Make a posted document with our number, or find the one that an earlier call has made (by reference).

        What is found is returned as it is there: its number may be another one, if somebody changed it. Where the
        system numbers at post (only ``WhoNumbers.AT_POST``), ``invoice.number`` is ignored, and the answer bears its.
        """
        ...

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        """Make a draft, whose number the system sets, or find the one that an earlier call has made."""
        ...

    def cancel(self, remote_id: str) -> RemoteInvoice:
        """Void or cancel a document there, or delete a draft; one that is void or gone already stays as it is."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


#: A hundred million documents by pages of a thousand: whoever has more is going round in a circle.
LONGEST = 100_000


def pages(
    read: Callable[[str | None], Page], cursor: str | None, *, system: str, endpoint: str, longest: int = LONGEST
) -> Iterator[Page]:
    """``read`` one page after another, from ``cursor`` to the end; EndlessPages if a page or a cursor comes twice."""

    def endless(what: str) -> EndlessPages:
        return EndlessPages(
            f"{system}: the list {endpoint} {what}.",
            rule="A list must come to an end, each page of it different.",
            remedy="The next run begins at the last page that was read. If this comes again, ask the system's support.",
            system=system,
            endpoint=endpoint,
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


_GONE = {State.VOID, State.DELETED}


def live_first(found: Sequence[RemoteInvoice]) -> RemoteInvoice | None:
    """The document among ``found`` that is in force, the first that was made; else any, else None."""
    return min(found, key=lambda each: (each.state in _GONE, len(each.remote_id), each.remote_id), default=None)


def make_once(find: Callable[[], Sequence[RemoteInvoice]], make: Callable[[], RemoteInvoice]) -> RemoteInvoice:
    """What ``find`` knows already, else what ``make`` makes.

    A lost answer is looked up once. If the document isn't there, AnswerLost goes on to the caller: the system may still
    be at work on it, and a later call, which looks first, is what is safe.

    This holds against lost answers, not against two callers at once: only one may push a document at a time.
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


#: What QuickBooks takes; Xero takes more.
LENGTH = 50


def request_key(*parts: object) -> str:
    """The same for the same parts; another one if a correction changes what is sent, since that is another request."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


class Closing(Protocol):
    def close(self) -> None: ...


class Adapter:
    """What Folio's own adapters share. ``endpoint`` is where documents are read, as errors name it."""

    name: ClassVar[str]
    capabilities: Capabilities
    endpoint: ClassVar[str] = ""

    def __init__(self, system: "System", connection: Closing | None) -> None:
        self.system = system
        self._connection = connection

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        raise self.error(
            Unsupported,
            f"{self.name} has no drafts that bear a number.",
            rule="Drafts are kept as a pool only where they have numbers.",
            remedy="Let the series set its numbers, and push them; or read the system's own by reconciling.",
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def error(self, kind: type[E], problem: str, *, rule: str, remedy: str, endpoint: str | None = None) -> E:
        """An error of this system, for the caller to raise."""
        where = self.endpoint if endpoint is None else endpoint
        told = f"{self.system.name}: {problem}"
        return kind(told, rule=rule, remedy=remedy, system=self.system.name, endpoint=where)

    def taken_draft(self, invoice: NewInvoice, there: RemoteInvoice | None) -> NumberRefused:
        """The error for a draft of the pool that can't become ``invoice`` any more."""
        now = "isn't there"
        if there is not None:
            now = f"is {there.state}, its number is {there.number!r}, its reference {there.reference!r}"
        return self.error(
            NumberRefused,
            f"the draft {invoice.draft_id} can't become {invoice.number}: it {now}.",
            rule="A number out of the pool belongs to the draft that was made for it.",
            remedy="See who used or deleted the draft there; the document needs another number.",
        )

    def check_length(self, number: str) -> None:
        """Raise NumberRefused, before anything is asked, for a number that can't be kept there."""
        longest = self.capabilities.max_number_length or 0
        if not 0 < len(number) <= longest:
            raise self.error(
                NumberRefused,
                f"the number {number[:40]!r} has {len(number)} characters.",
                rule=f"It takes 1 to {longest}.",
                remedy="Shorten the series' template.",
            )

    def pages(self, read: Callable[[str | None], Page], cursor: str | None) -> Iterator[Page]:
        return pages(read, cursor, system=self.system.name, endpoint=self.endpoint)

    def pages_by_id(
        self, search: Callable[[int, int], list[RemoteInvoice]], size: int, cursor: str | None
    ) -> Iterator[Page]:
        """By ``search(after, limit)``, each page from behind the last id: what changes meanwhile moves nothing."""

        def read(at: str | None) -> Page:
            # One more than the page holds, which tells whether there is another page.
            found = search(int(at or 0), size + 1)
            here = found[:size]
            return Page(here, here[-1].remote_id if len(found) > len(here) else None)

        return self.pages(read, cursor)

    def act(
        self, press: Callable[[], RemoteInvoice | None], remote_id: str, wanted: State, button: str = "it"
    ) -> RemoteInvoice:
        """Press a button of a document. If that is refused, or its answer lost, an earlier press may have done it.

        Returns the document as ``press`` returns it, or as it is read then; raises what ``press`` did if it isn't
        as wanted.
        """
        failure: AccountingError
        try:
            if (pressed := press()) is not None:
                return pressed
            failure = self.error(
                Refused,
                f"{button} left the document {remote_id} as it was.",
                rule="An accounting system asks a person to confirm what looks odd to it, such as a future date.",
                remedy="Look at it there; the next reconciliation shows it too.",
            )
        except (AnswerLost, Refused) as error:
            failure = error
        # Outside of the `except`, so that no error hangs on another.
        now = self.read(remote_id)
        if now.state is wanted:
            return now
        raise failure

    def read(self, remote_id: str) -> RemoteInvoice:
        """The document of that key; NotThere where it doesn't exist."""
        raise NotImplementedError
